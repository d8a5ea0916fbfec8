/**
 * What `redoubt app` runs to make a bundle: one JSON argument in, one line of JSON out. What is wrong with an application is an
 * answer, not a failure; exit code 1 only when it could not be looked at.
 */
import { resolve } from "node:path";
import { bundleApplication } from "./applications/bundle-application.ts";

const { folder, out } = JSON.parse(process.argv[2] ?? "{}") as { readonly folder?: unknown; readonly out?: unknown };
if (typeof folder !== "string" || typeof out !== "string") throw new Error("folder and out expected");
const bundled = await bundleApplication(resolve(folder), resolve(out));
const answer = bundled.ok
  ? { ok: true, hash: bundled.value.hash, name: bundled.value.contract.name, version: bundled.value.contract.version }
  : { ok: false, problems: bundled.error };
process.stdout.write(`${JSON.stringify(answer)}\n`);

/** What the tests of this folder share: bundles of the bank and of small applications written on the spot. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleApplication } from "../applications/bundle-application.ts";
import type { LoadedApplication } from "../applications/load-application.ts";

const BANK = fileURLToPath(new URL("../../../../examples/bank", import.meta.url));

/** A contract with one operation `probe` {name, code} on an object `thing/{name}` with any value. */
const probeContract = (limits: string): string => `
import { defineContract } from "@redoubt/application";
import { z } from "zod";
export default defineContract({
  name: "probe", title: "Probe", version: 1,
  objects: { thing: { key: "{name}", schema: z.unknown() } },
  operations: {
    probe: {
      title: "Probe {name}", input: z.strictObject({ name: z.string(), code: z.string() }), output: z.unknown(),
      access: [{ object: "thing/{name}", mode: "write" }], ${limits}
      refusals: { no: { status: 409, title: "No", detail: "It is not so." } },
    },
  },
});`;

export class Bundles {
  readonly #folder = mkdtempSync(join(tmpdir(), "redoubt-workers-"));
  #applications = 0;

  bank(): Promise<LoadedApplication> {
    return this.#bundle(BANK);
  }

  /** An application whose handler and acceptance routine are the given expressions; `limits` are fields of its operation. */
  probe(files: { handler?: string; accept?: string; limits?: string }): Promise<LoadedApplication> {
    const folder = join(this.#folder, `application-${++this.#applications}`);
    mkdirSync(folder);
    writeFileSync(join(folder, "contract.ts"), probeContract(files.limits ?? ""));
    writeFileSync(join(folder, "execution.ts"), `export default { probe: ${files.handler ?? "() => null"} };`);
    const accept = files.accept ?? "() => undefined";
    writeFileSync(
      join(folder, "acceptance.ts"),
      `export default { probe: { accept: ${accept}, refusals: { no: () => true } } };`,
    );
    return this.#bundle(folder);
  }

  /** A copy of a bundle without its acceptance tests. */
  brokenCopy(directory: string): string {
    const copy = join(this.#folder, `broken-${++this.#applications}`);
    cpSync(directory, copy, { recursive: true });
    rmSync(join(copy, "acceptance.mjs"));
    return copy;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #bundle(folder: string): Promise<LoadedApplication> {
    const bundled = await bundleApplication(folder, join(this.#folder, "applications"));
    if (!bundled.ok) throw new Error(JSON.stringify(bundled.error));
    return bundled.value;
  }
}

/**
 * `npm run bench:explorer`: how long the state explorer's searches take among many versions: by object, request id, execution server and time,
 * in a state master's own Postgres, filled the way a master fills it. Progress goes to standard error, one line of JSON to standard output.
 * The data is in a temporary folder, which goes at the end; ten million versions take about 6 GB.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readFlags } from "./flags.mjs";

const USAGE = `npm run bench:explorer -- [--versions 1000000] [--per-slot 10] [--objects 100000] [--folder DIR] [--json]
  --versions  how many there are to find among
  --per-slot  versions that one decided slot verified; fewer make more rows
  --objects   how many objects they are of, more than --per-slot
  --folder    where the temporary folder is made; default: the system's
  --json      only the line of JSON, no progress
`;
const CHILD = fileURLToPath(new URL("../apps/cluster/dist/measuring/explorer-run.js", import.meta.url));

const { flags, refuse } = readFlags("bench:explorer", USAGE, {
  versions: { type: "string", default: "1000000" },
  "per-slot": { type: "string", default: "10" },
  objects: { type: "string", default: "100000" },
  folder: { type: "string", default: tmpdir() },
  json: { type: "boolean", default: false },
});
for (const name of /** @type {const} */ (["versions", "per-slot", "objects"]))
  if (!/^[1-9]\d{0,9}$/.test(flags[name])) refuse(`--${name}: a whole number from 1 expected, not "${flags[name]}"`);
if (Number(flags.objects) <= Number(flags["per-slot"])) refuse("--objects: more than --per-slot expected");

const folder = mkdtempSync(join(flags.folder, "redoubt-bench-explorer-"));
// Postgres refuses to run as root and then runs as another user, who must be able to enter.
chmodSync(folder, 0o755);
const args = [CHILD, folder, flags.versions, flags["per-slot"], flags.objects];
const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", flags.json ? "ignore" : "inherit"] });
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, () => child.kill("SIGTERM"));
const [code] = await once(child, "exit");
rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
process.exitCode = code === 0 ? 0 : 1;

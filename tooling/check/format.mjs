/**
 * `npm run format`: rewrites every source in the project's format. With `--json` it ends with one line of JSON.
 */
import { runToEnd } from "../setup/child.mjs";
import { projectRoot } from "../setup/workspaces.mjs";

const biome = "node_modules/@biomejs/biome/bin/biome";
const args = process.argv.slice(2);
const paths = args.filter((arg) => arg !== "--json");

const { code } = await runToEnd(
  process.execPath,
  [biome, "format", "--write", ...(paths.length === 0 ? ["."] : paths)],
  { cwd: projectRoot, show: true },
);
if (args.includes("--json")) process.stdout.write(`${JSON.stringify({ formatted: code === 0 })}\n`);
process.exitCode = code;

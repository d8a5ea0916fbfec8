/**
 * The command behind setup.mjs: prepares the checkout and does nothing else. Flags: `--no-console` leaves the console
 * unbuilt, `--json` ends with one line of JSON on standard output.
 */
import { prepare } from "./prepare.mjs";
import { projectRoot } from "./workspaces.mjs";

const flags = process.argv.slice(2);
const unknown = flags.find((flag) => flag !== "--no-console" && flag !== "--json");
if (unknown !== undefined) {
  process.stderr.write(`set-up: unknown flag ${unknown}; known are --no-console and --json\n`);
  process.exit(2);
}
try {
  const report = await prepare(projectRoot, flags.includes("--no-console") ? "no-console" : "all");
  if (flags.includes("--json")) process.stdout.write(`${JSON.stringify(report)}\n`);
} catch (error) {
  process.stderr.write(`set-up: ${/** @type {Error} */ (error).message}\n`);
  if (flags.includes("--json"))
    process.stdout.write(`${JSON.stringify({ error: /** @type {Error} */ (error).message })}\n`);
  process.exit(1);
}

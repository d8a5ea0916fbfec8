/**
 * Runs the `redoubt` command for the tooling and reads the line of JSON that it ends with.
 */
import { runGroup } from "../test/process-group.mjs";
import { redoubtProgram } from "./scratch.mjs";

/**
 * @param {string[]} args without `--json`
 * @param {number} limitMs
 * @returns {Promise<{ code: number, output: string, reason?: string }>} everything it wrote on standard output, which is
 *   shown on standard error as it comes
 */
export function redoubt(args, limitMs) {
  return runGroup(process.execPath, [redoubtProgram, ...args, "--json"], { limitMs });
}

/**
 * @typedef {object} Started what `redoubt up --detach --json` ends with
 * @property {{ url: string, key: string }} client
 * @property {{ url: string, email: string, password: string | null }} console
 * @property {string} data
 */

/**
 * Starts a detached cluster.
 * @param {string[]} flags
 * @param {number} limitMs
 * @returns {Promise<Started>}
 * @throws {Error} when it does not start
 */
export async function startCluster(flags, limitMs) {
  const { code, output, reason } = await redoubt(["up", "--detach", ...flags], limitMs);
  if (code !== 0 || reason !== undefined) throw new Error(reason ?? `redoubt up ended with code ${code}`);
  return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "");
}

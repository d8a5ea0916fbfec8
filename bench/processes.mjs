/** What measurements of a running cluster share: the `redoubt` command on its data, and what its processes have cost. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAM = fileURLToPath(new URL("../apps/cli/bin/redoubt.mjs", import.meta.url));
const TICKS_PER_SECOND = 100;

/**
 * @param {string} data folder of the cluster
 * @returns {(...args: string[]) => Promise<any>} runs the `redoubt` command and reads its one line of JSON
 */
export const redoubtOn =
  (data) =>
  async (...args) => {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...args, "--data", data, "--json"]);
    return JSON.parse(stdout);
  };

/** User and system time of a process so far, microseconds; undefined when it has ended. @param {number} pid */
export function cpuMicroseconds(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

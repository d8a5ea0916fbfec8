/** Where one end-to-end run has its cluster, and how it talks to the `redoubt` command. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const projectRoot = fileURLToPath(new URL("../../", import.meta.url));
const program = fileURLToPath(new URL("../../apps/cli/bin/redoubt.mjs", import.meta.url));

/** @typedef {{ data: string, portBase: number }} Place */
/** @typedef {{ code: number, stdout: string, seconds: number }} Ended */

/** @returns {Place} from the flags, else from the environment */
export function readPlace() {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      "port-base": { type: "string" },
      json: { type: "boolean" },
      attempts: { type: "string" },
    },
  });
  const data = values.data ?? process.env.REDOUBT_DATA;
  const portBase = Number(values["port-base"] ?? process.env.REDOUBT_PORT_BASE);
  if (data === undefined || !Number.isInteger(portBase)) {
    process.stderr.write("expected --data <empty folder> --port-base <number> [--json]\n");
    process.exit(2);
  }
  return { data, portBase };
}

const LOOK_MS = 150;

/** @type {Set<import("node:child_process").ChildProcess>} */
const children = new Set();

/** Ends the commands that are under way, so that none of them starts anything more. */
export function endCommands() {
  for (const child of children) child.kill("SIGKILL");
}

/**
 * @param {string[]} args
 * @param {number} limitMs it is ended after this
 * @returns {Promise<Ended>} what it printed for people goes to our standard error as it comes
 */
export function redoubt(args, limitMs) {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [program, ...args], { cwd: projectRoot, stdio: ["ignore", "pipe", 2] });
    const limit = setTimeout(() => child.kill("SIGKILL"), limitMs);
    children.add(child);
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      stdout += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      children.delete(child);
      clearTimeout(limit);
      resolve({ code: code ?? 1, stdout, seconds: (performance.now() - startedAt) / 1000 });
    });
  });
}

/**
 * Runs a command with `--json` and reads its one line.
 * @param {Place} place
 * @param {string[]} args
 * @param {{ limitMs?: number, mayFail?: boolean }} [options]
 */
export async function redoubtJson(place, args, options = {}) {
  const { limitMs = 30_000, mayFail = false } = options;
  const { code, stdout, seconds } = await redoubt([...args, "--data", place.data, "--json"], limitMs);
  const lines = stdout.split("\n").filter((line) => line !== "");
  if (lines.length !== 1 || (code !== 0 && !mayFail)) {
    throw new Error(
      `redoubt ${args.join(" ")}: one line of JSON and exit code 0 expected, got code ${code} after ${seconds.toFixed(1)} s and ${JSON.stringify(stdout.slice(0, 500))}`,
    );
  }
  return { value: JSON.parse(lines[0] ?? ""), code, seconds };
}

/** @param {number} durationMs */
export const pause = (durationMs) => new Promise((resume) => setTimeout(resume, durationMs));

/**
 * Looks until there is something.
 * @template Value
 * @param {string} what for the error when there is nothing in time
 * @param {number} limitMs
 * @param {() => Promise<Value | undefined>} look an error counts as nothing
 * @param {number} [lookMs] pause between two looks
 * @returns {Promise<Value>}
 */
export async function until(what, limitMs, look, lookMs = LOOK_MS) {
  const limit = performance.now() + limitMs;
  let last = "";
  for (;;) {
    const found = await look().catch((error) => {
      last = `: ${error.message}`;
      return undefined;
    });
    if (found !== undefined) return found;
    if (performance.now() > limit) throw new Error(`${what}: not within ${limitMs / 1000} s${last}`);
    await pause(lookMs);
  }
}

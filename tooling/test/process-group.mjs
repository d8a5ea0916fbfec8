/**
 * Runs one program with a time limit, in a process group of its own, so that everything it started ends with it. The
 * programs of a detached cluster leave that group on purpose; the scratch folder's `redoubt down` sees to them.
 */
import { spawn } from "node:child_process";
import { projectRoot } from "../setup/workspaces.mjs";

const graceMs = 15_000;
const drainMs = 3_000;

/**
 * @param {number} pid leader of the group
 * @param {NodeJS.Signals} signal
 */
function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ limitMs: number, environment?: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ code: number, output: string, reason?: string }>} output = what went to standard output, which is
 *   shown on standard error as it comes; reason = why we ended it
 */
export function runGroup(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: projectRoot,
      env: options.environment ?? process.env,
      stdio: ["ignore", "pipe", 2],
      detached: true,
    });
    const pid = child.pid;
    let output = "";
    /** @type {string | undefined} */
    let reason;

    /** @param {string} why */
    function end(why) {
      reason ??= why;
      if (pid === undefined) return;
      signalGroup(pid, "SIGTERM");
      setTimeout(() => signalGroup(pid, "SIGKILL"), graceMs).unref();
    }
    const limit = setTimeout(() => end(`did not end within ${Math.round(options.limitMs / 1000)} s`), options.limitMs);
    const onSignal = () => end("interrupted");
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.once(signal, onSignal);

    child.stdout?.on("data", (chunk) => {
      output += chunk;
      process.stderr.write(chunk);
    });
    child.on("error", (error) => {
      reason ??= `cannot be started: ${error.message}`;
    });
    child.on("exit", () => {
      if (pid !== undefined) signalGroup(pid, "SIGKILL");
      // A program that left the group but kept our pipe must not keep us waiting for it.
      setTimeout(() => child.stdout?.destroy(), drainMs).unref();
    });
    child.on("close", (code) => {
      clearTimeout(limit);
      for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.off(signal, onSignal);
      resolve({ code: code ?? 1, output, ...(reason === undefined ? {} : { reason }) });
    });
  });
}

/**
 * Child processes of the tooling. The set-up owes standard output to the script it prepares for, so nothing a child
 * prints here ever reaches it: output goes to standard error, or is kept and shown only when the child fails.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { basename } from "node:path";

/** Flags given to an outer npm that must not reach an inner one through the environment. */
const outerFlags = ["json", "workspace", "workspaces", "include_workspace_root", "dry_run", "omit", "production"];

/**
 * The environment for programs that install, generate and build: no telemetry, and nothing that changes what a build is.
 * @returns {NodeJS.ProcessEnv}
 */
export function buildEnvironment() {
  /** @type {NodeJS.ProcessEnv} */
  const environment = {
    ...process.env,
    DO_NOT_TRACK: "1",
    TURBO_TELEMETRY_DISABLED: "1",
    NEXT_TELEMETRY_DISABLED: "1",
    CHECKPOINT_DISABLE: "1",
    PRISMA_HIDE_UPDATE_MESSAGE: "1",
    TURBO_NO_UPDATE_NOTIFIER: "1",
  };
  delete environment.NODE_ENV;
  delete environment.NODE_OPTIONS;
  for (const flag of outerFlags) delete environment[`npm_config_${flag}`];
  return environment;
}

/**
 * How to start npm: the one that runs us when there is one, else the one on the path.
 * @returns {[command: string, leadingArguments: string[]]}
 */
export function npmCommand() {
  const script = process.env.npm_execpath;
  if (script !== undefined && basename(script) === "npm-cli.js" && existsSync(script)) {
    return [process.execPath, [script]];
  }
  return ["npm", []];
}

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, show: boolean, environment?: NodeJS.ProcessEnv }} options `show`: output goes to standard error
 *   at once; otherwise it is returned
 * @returns {Promise<{ code: number, output: string }>} 127 when the program cannot be started
 */
export function runToEnd(command, args, options) {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.environment ?? buildEnvironment(),
      stdio: options.show ? ["ignore", 2, 2] : ["ignore", "pipe", "pipe"],
    });
    child.stdout?.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on("close", (code, signal) => resolve({ code: code ?? (signal === null ? 1 : 128), output }));
  });
}

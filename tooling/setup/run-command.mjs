/**
 * The command behind run.mjs. Set-up speaks on standard error; the program inherits all three streams and its exit code
 * is ours. Nothing is printed after the program, whose last line may be JSON that somebody reads.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { requireBrowser } from "./browser.mjs";
import { prepare } from "./prepare.mjs";
import { closeScratch, openScratch, scratchEnvironment, scratchFlags } from "./scratch.mjs";
import { scripts } from "./scripts.mjs";
import { projectRoot } from "./workspaces.mjs";

const signalExitBase = 128;

/**
 * Runs a program until it ends. A signal sent to us goes to it; one typed at the terminal reaches it without our help.
 * @param {string[]} args of node
 * @param {NodeJS.ProcessEnv} environment
 * @returns {Promise<number>} its exit code
 */
function runProgram(args, environment) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: projectRoot, env: environment, stdio: "inherit" });
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
      process.on(signal, () => {
        if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
      });
    }
    child.on("close", (code, signal) => resolve(code ?? signalExitBase + (signal ? constants.signals[signal] : 0)));
  });
}

/**
 * @param {string[]} args
 * @param {string} flag
 * @returns {boolean} whether the caller gave it, in either spelling
 */
function isGiven(args, flag) {
  return args.some((arg) => arg === flag || arg.startsWith(`${flag}=`));
}

/**
 * @param {string} name
 * @param {string[]} args given by the caller
 * @returns {Promise<number>} exit code
 */
async function runScript(name, args) {
  const script = scripts[name];
  if (script === undefined)
    throw new Error(`no script is called ${name}; there are ${Object.keys(scripts).join(", ")}`);
  if (script.prepares !== "itself") await prepare(projectRoot, script.prepares);
  const [path = "", ...leading] = script.program;
  const program = join(projectRoot, path);
  if (!existsSync(program)) throw new Error(`${path} does not exist in this checkout, so npm run ${name} cannot run`);
  /** @type {NodeJS.ProcessEnv} */
  const environment = { ...process.env };
  if (script.takesBrowser) environment.REDOUBT_CHROMIUM = await requireBrowser();
  if (!script.takesScratch || isGiven(args, "--data") || isGiven(args, "--help")) {
    return runProgram([program, ...leading, ...args], environment);
  }
  const scratch = await openScratch(name);
  try {
    const flags = isGiven(args, "--port-base") ? ["--data", scratch.data] : scratchFlags(scratch);
    return await runProgram([program, ...leading, ...args, ...flags], {
      ...environment,
      ...scratchEnvironment(scratch),
    });
  } finally {
    await closeScratch(scratch);
  }
}

const [name = "", ...args] = process.argv.slice(2);
try {
  process.exitCode = await runScript(name, args);
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stderr.write(`npm run ${name}: ${message}\n`);
  if (args.includes("--json")) process.stdout.write(`${JSON.stringify({ error: message })}\n`);
  process.exitCode = 1;
}

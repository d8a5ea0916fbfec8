/**
 * The parts of the test suite, in their order. Each has a time limit of its own and answers with a count; a part whose
 * program is missing has failed, since a suite that quietly leaves something out proves nothing.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSteps } from "../check/check.mjs";
import { runUnitTests } from "../check/unit.mjs";
import { requireBrowser } from "../setup/browser.mjs";
import { prepare } from "../setup/prepare.mjs";
import { closeScratch, openScratch, redoubtProgram, scratchEnvironment, scratchFlags } from "../setup/scratch.mjs";
import { projectRoot } from "../setup/workspaces.mjs";
import { countFromLastLine } from "./count.mjs";
import { countPlaywright } from "./playwright.mjs";
import { runGroup } from "./process-group.mjs";
import { countSimulation } from "./simulation.mjs";
import { countTorture } from "./torture.mjs";

/** @typedef {import("./count.mjs").Count} Count */
/** @typedef {{ name: string, limitMs: number, run: (limitMs: number) => Promise<Count> }} Part */

const minuteMs = 60_000;
const playwright = "node_modules/@playwright/test/cli.js";
const playwrightConfig = "e2e/playwright.config.ts";

/** @returns {Promise<Count>} */
async function runSetUp() {
  await prepare(projectRoot, "all");
  return { passed: 1, failed: 0 };
}

/**
 * @param {number} seeds
 * @param {number} from
 * @returns {Part["run"]}
 */
function simulation(seeds, from) {
  return async (limitMs) => {
    if (!existsSync(redoubtProgram)) return { passed: 0, failed: 1, reason: "apps/cli/bin/redoubt.mjs does not exist" };
    const args = [redoubtProgram, "simulate", "--seeds", String(seeds), "--from", String(from), "--json"];
    const { code, output, reason } = await runGroup(process.execPath, args, { limitMs });
    return countSimulation(output, code, reason);
  };
}

/**
 * A program that brings up clusters of its own in a scratch place and ends with a line of JSON with its counts.
 * @param {string} path relative to the root
 * @param {string} name
 * @param {string[]} [further] flags
 * @param {(output: string, code: number, reason?: string) => Count} [count]
 * @returns {Part["run"]}
 */
function clusterProgram(path, name, further = [], count = countFromLastLine) {
  return async (limitMs) => {
    if (!existsSync(join(projectRoot, path))) return { passed: 0, failed: 1, reason: `${path} does not exist` };
    return inScratch(name, async (flags, environment) => {
      const args = [join(projectRoot, path), ...flags, ...further, "--json"];
      const { code, output, reason } = await runGroup(process.execPath, args, { limitMs, environment });
      return count(output, code, reason);
    });
  };
}

/**
 * @param {number} cycles
 * @returns {Part["run"]}
 */
const tortureCycles = (cycles) =>
  clusterProgram("e2e/torture/torture.mjs", "torture", ["--cycles", String(cycles)], countTorture);

/**
 * @param {string} name
 * @param {(flags: string[], environment: NodeJS.ProcessEnv) => Promise<Count>} work
 * @returns {Promise<Count>}
 */
async function inScratch(name, work) {
  const scratch = await openScratch(name);
  let isGood = false;
  try {
    const count = await work(scratchFlags(scratch), { ...process.env, ...scratchEnvironment(scratch) });
    isGood = count.failed === 0;
    return count;
  } finally {
    const keepFolder = !isGood && process.env.CI !== "true";
    await closeScratch(scratch, { keepFolder });
    if (keepFolder) process.stderr.write(`data and logs kept in ${scratch.data}\n`);
  }
}

/**
 * @param {number} limitMs
 * @returns {Promise<Count>}
 */
async function runBrowserTests(limitMs) {
  if (!existsSync(join(projectRoot, playwrightConfig))) {
    return { passed: 0, failed: 1, reason: `${playwrightConfig} does not exist` };
  }
  const browser = await requireBrowser();
  const folder = mkdtempSync(join(tmpdir(), "redoubt-browser-"));
  const report = join(folder, "report.json");
  try {
    return await inScratch("browser", async (_flags, scratchVariables) => {
      const environment = { ...scratchVariables, REDOUBT_CHROMIUM: browser, PLAYWRIGHT_JSON_OUTPUT_NAME: report };
      const args = [playwright, "test", "--config", playwrightConfig, "--reporter=list,json"];
      const { code, reason } = await runGroup(process.execPath, args, { limitMs, environment });
      return countPlaywright(existsSync(report) ? readFileSync(report, "utf8") : "", code, reason);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @type {Part[]} what `npm test` runs */
export const usualParts = [
  { name: "set-up", limitMs: 8 * minuteMs, run: runSetUp },
  { name: "check", limitMs: 3 * minuteMs, run: () => runSteps(undefined) },
  { name: "unit", limitMs: 8 * minuteMs, run: (limitMs) => runUnitTests({ args: [], limitMs }) },
  { name: "simulate", limitMs: 4 * minuteMs, run: simulation(300, 1) },
  { name: "cluster", limitMs: 7 * minuteMs, run: clusterProgram("e2e/cluster/run.mjs", "cluster") },
  { name: "basic", limitMs: 4 * minuteMs, run: clusterProgram("e2e/cluster/basic.mjs", "basic") },
  {
    name: "degrees",
    limitMs: 3 * minuteMs,
    run: clusterProgram("e2e/cluster/degrees.mjs", "degrees", ["--faults", "1"]),
  },
  { name: "wipe", limitMs: 3 * minuteMs, run: clusterProgram("e2e/cluster/wipe.mjs", "wipe") },
  { name: "versions", limitMs: 4 * minuteMs, run: clusterProgram("e2e/cluster/versions.mjs", "versions") },
  { name: "containment", limitMs: 5 * minuteMs, run: clusterProgram("e2e/cluster/containment.mjs", "containment") },
  { name: "confinement", limitMs: 3 * minuteMs, run: clusterProgram("e2e/cluster/confinement.mjs", "confinement") },
  { name: "torture", limitMs: 3 * minuteMs, run: tortureCycles(6) },
  { name: "browser", limitMs: 7 * minuteMs, run: runBrowserTests },
];

/** @type {Part[]} what `npm run test:full` adds */
export const furtherParts = [
  { name: "drills", limitMs: 15 * minuteMs, run: clusterProgram("tooling/test/drills.mjs", "drills") },
  { name: "degrees-more", limitMs: 8 * minuteMs, run: clusterProgram("e2e/cluster/degrees.mjs", "degrees") },
  {
    name: "containment-more",
    limitMs: 60 * minuteMs,
    run: clusterProgram("e2e/cluster/containment.mjs", "containment", ["--attempts", "1000"]),
  },
  { name: "torture-more", limitMs: 25 * minuteMs, run: tortureCycles(100) },
  { name: "simulate-more", limitMs: 60 * minuteMs, run: simulation(3000, 1001) },
];

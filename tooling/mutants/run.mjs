/**
 * `npm run mutants`: every rule of the protocol is broken once, in the sources, and the simulator has to notice. First the
 * right sources run in every world that any mutant names and must pass; then each mutant runs in its worlds until a checker
 * finds something. Two processes at a time, 60 s for each mutant. The last line is JSON: {mutants, caught, missed}.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../setup/workspaces.mjs";
import { bundleSimulator } from "./bundle.mjs";
import { applyPatch, readMutants } from "./patches.mjs";

/** @typedef {import("./patches.mjs").Mutant} Mutant */
/** @typedef {import("./patches.mjs").Scenario} Scenario */
/** @typedef {{ seeds: number, seed?: number, invariant?: string, detail?: string }} Outcome */

const limitFlag = process.argv.find((each) => each.startsWith("--seconds="));
const mutantMs = 1_000 * Number(limitFlag?.slice("--seconds=".length) ?? 60);
const controlMs = 600_000;
const parallel = 2;

/**
 * @param {string} bundle
 * @param {Scenario} scenario
 * @param {number} timeoutMs
 * @returns {Promise<Outcome>}
 */
function runScenario(bundle, { world, from, through }, timeoutMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bundle, world, String(from), String(through)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    child.stdout.on("data", (data) => {
      output += data;
    });
    child.stderr.on("data", (data) => {
      errors += data;
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(/** @type {Outcome} */ (JSON.parse(output)));
      else if (signal === "SIGKILL") resolve({ seeds: 0 });
      else reject(new Error(`${world}: the simulator ended with ${code ?? signal}\n${errors}`));
    });
  });
}

/**
 * Runs the jobs in order, so many at a time.
 * @template Job
 * @param {readonly Job[]} jobs
 * @param {(job: Job) => Promise<void>} run
 */
async function eachOf(jobs, run) {
  const queue = [...jobs];
  const work = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await run(job);
  };
  await Promise.all(Array.from({ length: parallel }, work));
}

/**
 * Every world with the widest range of seeds that a mutant wants of it.
 * @param {readonly Mutant[]} mutants
 * @returns {Scenario[]}
 */
function controlScenarios(mutants) {
  /** @type {Map<string, Scenario>} */
  const widest = new Map();
  for (const { world, from, through } of mutants.flatMap(({ scenarios }) => scenarios)) {
    const known = widest.get(world);
    widest.set(world, {
      world,
      from: Math.min(from, known?.from ?? from),
      through: Math.max(through, known?.through ?? through),
    });
  }
  return [...widest.values()];
}

/**
 * @param {Mutant} mutant
 * @param {string} scratch
 * @returns {Promise<Outcome | undefined>} what gave it away; undefined when nothing did
 */
async function catchMutant(mutant, scratch) {
  const bundle = join(scratch, `${mutant.name}.mjs`);
  await bundleSimulator(projectRoot, applyPatch(projectRoot, mutant), bundle);
  const deadline = performance.now() + mutantMs;
  for (const scenario of mutant.scenarios) {
    const outcome = await runScenario(bundle, scenario, Math.max(1, deadline - performance.now()));
    if (outcome.invariant !== undefined) return outcome;
  }
  return undefined;
}

/** @param {string} line */
const say = (line) => process.stderr.write(`${line}\n`);

/** @param {number} since */
const secondsSince = (since) => ((performance.now() - since) / 1000).toFixed(1);

/**
 * @param {readonly Mutant[]} mutants
 * @param {string} scratch
 * @returns {Promise<string[]>} worlds in which the right sources fail
 */
async function control(mutants, scratch) {
  const bundle = join(scratch, "unpatched.mjs");
  await bundleSimulator(projectRoot, new Map(), bundle);
  /** @type {string[]} */
  const failed = [];
  await eachOf(controlScenarios(mutants), async (scenario) => {
    const startedAt = performance.now();
    const { seeds, seed, invariant, detail } = await runScenario(bundle, scenario, controlMs);
    const isWhole = seeds === scenario.through - scenario.from + 1 && invariant === undefined;
    if (!isWhole) failed.push(scenario.world);
    const verdict = isWhole ? "passes" : `FAILS: seed ${seed}: ${invariant}: ${detail}`;
    say(
      `unpatched in ${scenario.world} ${scenario.from}-${scenario.through}: ${verdict} (${secondsSince(startedAt)} s)`,
    );
  });
  return failed;
}

/**
 * @param {readonly string[]} names empty for all
 * @param {boolean} withControl
 */
async function main(names, withControl) {
  const all = readMutants(join(projectRoot, "tooling/mutants/patches"));
  const mutants = names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
  const scratch = mkdtempSync(join(tmpdir(), "redoubt-mutants-"));
  const startedAt = performance.now();
  try {
    const failed = withControl ? await control(mutants, scratch) : [];
    if (failed.length > 0)
      throw new Error(`the right sources fail in ${failed.join(", ")}: nothing can be said of mutants`);
    /** @type {string[]} */
    const missed = [];
    await eachOf(mutants, async (mutant) => {
      const since = performance.now();
      const outcome = await catchMutant(mutant, scratch);
      if (!outcome) missed.push(mutant.name);
      const verdict = outcome ? `caught by seed ${outcome.seed}: ${outcome.invariant}: ${outcome.detail}` : "MISSED";
      say(`${mutant.name} (${mutant.title}): ${verdict} (${secondsSince(since)} s)`);
    });
    const seconds = Number(secondsSince(startedAt));
    const report = { mutants: mutants.length, caught: mutants.length - missed.length, missed: missed.sort(), seconds };
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return missed.length === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const given = process.argv.slice(2);
process.exitCode = await main(
  given.filter((each) => !each.startsWith("--")),
  !given.includes("--no-control"),
);

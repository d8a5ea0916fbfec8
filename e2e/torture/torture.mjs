/**
 * `npm run torture`: a cluster of its own under clients that never stop, while processes end by SIGKILL: one, two, a node
 * with all it runs, everything. In the end every acknowledged request has its effect once, and the history of all replies
 * is strictly serializable. See --help.
 */
import { parseArgs } from "node:util";
import { start, stop } from "../cluster/cluster.mjs";
import { closeConnections } from "../cluster/http.mjs";
import { endCommands } from "../cluster/place.mjs";
import { cutPower, draw, killAndMeasure, victims } from "./faults.mjs";
import { Judgement } from "./judgement.mjs";
import { Load } from "./load.mjs";
import { summary } from "./report.mjs";

const HELP = `npm run torture -- [flags]

Ends processes of a cluster of its own with SIGKILL under load and judges what clients were told.

  --cycles <n>       how often something is ended (default 100)
  --minutes <n>      ends after so many minutes, however many cycles that is
  --seed <n>         draws the same victims again (default: by the clock)
  --rate <n>         requests per second (default 40)
  --callers <n>      clients that ask at the same time (default 16)
  --profile <name>   optimized (default) or basic
  --json             one line of JSON on standard output
  --data <folder>, --port-base <n>   where; otherwise a folder and ports of its own

Exit code 0: nothing lost, nothing doubled, strictly serializable; 1: not; 2: wrong usage.
`;
/** The bank's customers of the load. */
const CUSTOMERS = { first: 301, last: 400 };
/** Judged in stretches, so that memory does not grow with the run. */
const STRETCH_CYCLES = 25;
/** Between two faults the cluster proves that it works. */
const PROOF_ANSWERS = 20;
const PROOF_LIMIT_MS = 60_000;

/** @param {string} message @returns {never} */
function refuse(message) {
  process.stderr.write(`torture: ${message}\n`);
  process.exit(2);
}

function readFlags() {
  try {
    const text = { type: /** @type {const} */ ("string") };
    const flag = { type: /** @type {const} */ ("boolean"), default: false };
    const { values } = parseArgs({
      options: {
        ...{ cycles: text, minutes: text, seed: text, rate: text, callers: text, profile: text },
        ...{ data: text, "port-base": text, json: flag, help: flag },
      },
    });
    return values;
  } catch (error) {
    return refuse(/** @type {Error} */ (error).message);
  }
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} usual
 * @param {{ least?: number, isWhole?: boolean }} [limits]
 */
function number(name, text, usual, { least = 1, isWhole = true } = {}) {
  const value = text === undefined ? usual : Number(text);
  if (text === "" || !(value >= least) || (isWhole && text !== undefined && !Number.isSafeInteger(value))) {
    refuse(`--${name}: a ${isWhole ? "whole " : ""}number from ${least} expected, "${text}" given`);
  }
  return value;
}

function readOptions() {
  const values = readFlags();
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const { profile = "optimized", data } = values;
  if (profile !== "optimized" && profile !== "basic") refuse(`--profile: optimized or basic expected`);
  if (data === undefined || values["port-base"] === undefined) return refuse("--data and --port-base expected");
  const minutes = number("minutes", values.minutes, Number.POSITIVE_INFINITY, { least: 0.1, isWhole: false });
  return {
    place: { data, portBase: number("port-base", values["port-base"], 0, { least: 1024 }) },
    cycles: number("cycles", values.cycles, values.minutes === undefined ? 100 : Number.POSITIVE_INFINITY),
    endAtMs: performance.now() + minutes * 60_000,
    seed: number("seed", values.seed, Date.now() % 1_000_000, { least: 0 }),
    ratePerSecond: number("rate", values.rate, 40),
    callers: number("callers", values.callers, 16),
    profile,
    isJson: values.json,
  };
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). @param {number} seed */
function randomFrom(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param {string} line */
const say = (line) => process.stderr.write(`${line}\n`);

/** @param {ReturnType<typeof readOptions>} options */
async function torture(options) {
  const { place, seed, profile, callers, ratePerSecond } = options;
  const upFlags = ["--profile", profile];
  const { started } = await start(place, upFlags);
  const customers = Array.from({ length: CUSTOMERS.last - CUSTOMERS.first + 1 }, (_, at) => CUSTOMERS.first + at);
  const judgement = new Judgement(place, started.client, customers);
  await judgement.open();
  // Faults are drawn from a sequence of their own: they do not depend on how fast clients were.
  const load = new Load(started.client, { ...CUSTOMERS, callers, ratePerSecond, random: randomFrom(seed + 1) });
  const random = randomFrom(seed);
  const result = { cycles: 0, kinds: { one: 0, two: 0, node: 0, everything: 0 }, restarts: [], gapsMs: [] };
  const startedAtMs = performance.now();
  try {
    load.start();
    while (result.cycles < options.cycles && performance.now() < options.endAtMs) {
      await cycle(options, load, random, result, upFlags);
      if (result.cycles % STRETCH_CYCLES === 0) await judgeStretch(load, judgement);
    }
  } finally {
    say("judging");
    await judgeStretch(load, judgement, false);
  }
  return { result, load, judgement, seconds: (performance.now() - startedAtMs) / 1000 };
}

/**
 * @param {ReturnType<typeof readOptions>} options
 * @param {Load} load
 * @param {() => number} random
 * @param {any} result
 * @param {string[]} upFlags
 */
async function cycle({ place }, load, random, result, upFlags) {
  await load.answers(PROOF_ANSWERS, PROOF_LIMIT_MS);
  const { kind, chosen } = draw(await victims(place), random);
  const names = chosen.map(({ name }) => name).join(", ");
  load.startGap();
  const startedAtMs = performance.now();
  const restarts = kind === "everything" ? [await cutPower(place, upFlags)] : await killAndMeasure(place, chosen);
  await load.answers(1, PROOF_LIMIT_MS);
  result.cycles++;
  result.kinds[kind]++;
  result.restarts.push(...restarts);
  result.gapsMs.push({ kind, ms: Math.round(load.longestGapMs) });
  const times = restarts.map(({ name, ms }) => `${name} ${ms}`).join(", ");
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  say(
    `${result.cycles}: ${kind} ${names}: back after ms ${times}; no write answered for ${Math.round(load.longestGapMs)} ms; whole after ${seconds} s`,
  );
}

/**
 * @param {Load} load
 * @param {Judgement} judgement
 * @param {boolean} [goesOn]
 */
async function judgeStretch(load, judgement, goesOn = true) {
  await load.drain();
  await judgement.add(load.take());
  const { operations, lost, doubled, serializable, problems } = judgement;
  say(`judged ${operations} operations: ${lost} lost, ${doubled} doubled, ${serializable ? "" : "not "}serializable`);
  for (const problem of problems.splice(20)) say(problem);
  if (goesOn) load.start();
}

const options = readOptions();
for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT", "SIGHUP"])) {
  process.once(signal, () => {
    say(`${signal}: stopping the cluster`);
    endCommands();
    void stop(options.place).finally(() => process.exit(1));
  });
}
try {
  say(`seed ${options.seed}`);
  const report = summary(options.seed, await torture(options));
  process.stdout.write(options.isJson ? `${JSON.stringify(report)}\n` : `${JSON.stringify(report, undefined, 2)}\n`);
  process.exitCode = report.passed ? 0 : 1;
} catch (error) {
  const message = /** @type {Error} */ (error).message;
  say(`torture: ${message} (seed ${options.seed})`);
  if (options.isJson) process.stdout.write(`${JSON.stringify({ error: message, seed: options.seed })}\n`);
  process.exitCode = 1;
} finally {
  closeConnections();
  await stop(options.place);
}

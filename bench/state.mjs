/**
 * `npm run bench:state`: what one state replica can do and what it costs: versions per second, CPU per request with few and with many
 * objects, and how long a restart takes and how much memory it needs with many versions. Changes go straight into the replica's
 * core and journal (no links, no HTTP, no acceptance test); the time of making them is left out.
 *
 * A restart is measured on a copy of what is on the disk while the replica runs, so after a kill: no checkpoint of a clean stop helps it.
 * Progress goes to standard error, one line of JSON to standard output. The data is in a temporary folder, which goes at the end.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { readFlags } from "./flags.mjs";

const USAGE = `npm run bench:state -- [--versions 1000000,10000000] [--objects 1000,1000000] [--requests 50000] [--folder DIR] [--json]
  --versions  numbers of versions at which a restart is measured, ascending; the objects are the most of --objects
  --objects   numbers of objects at which the cost of a request is measured, ascending
  --requests  requests measured at each number of objects, each between two random ones of all of them
  --folder    where the temporary folder is made; default: the system's
  --json      only the line of JSON, no progress
`;
const CHILD = fileURLToPath(new URL("../apps/cluster/dist/measuring/replica-run.js", import.meta.url));
/** What grows to many versions is a part of the objects, as in a bank: cold ones are measured by themselves. */
const HOT_OBJECTS = 10_000;
/** Versions that a transfer writes. */
const VERSIONS_PER_REQUEST = 2;

const { flags, refuse } = readFlags("bench:state", USAGE, {
  versions: { type: "string", default: "1000000,10000000" },
  objects: { type: "string", default: "1000,1000000" },
  requests: { type: "string", default: "50000" },
  folder: { type: "string", default: tmpdir() },
  json: { type: "boolean", default: false },
});

/** @param {string} flag @param {string} text @param {number} least @returns {number} */
function wholeNumber(flag, text, least) {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < least)
    refuse(`--${flag}: a whole number of at least ${least} expected, not "${text}"`);
  return number;
}

/** @param {string} flag @param {string} text @param {number} least @returns {number[]} */
function ascending(flag, text, least) {
  const numbers = text.split(",").map((item) => wholeNumber(flag, item, least));
  if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0)))
    refuse(`--${flag}: numbers in ascending order expected, not "${text}"`);
  return numbers;
}

const versions = ascending("versions", flags.versions, 1);
const objectCounts = ascending("objects", flags.objects, 2);
const requests = wholeNumber("requests", flags.requests, 1);
const manyObjects = objectCounts.at(-1) ?? 0;

/** @param {string} line */
function tell(line) {
  if (!flags.json) process.stderr.write(`${line}\n`);
}

const megabytes = (/** @type {number} */ bytes) => Math.round(bytes / 1e6);
const rounded = (/** @type {number} */ value) => Number(value.toPrecision(3));

/** One process with a replica. */
class Replica {
  /** @param {string} what for progress */
  constructor(what) {
    this.what = what;
    this.startedAt = performance.now();
    this.child = spawn(process.execPath, [CHILD], { stdio: ["pipe", "pipe", "inherit"] });
    this.exited = once(this.child, "exit");
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    children.add(this.child);
  }

  /** Gives an order and waits for its answer. @param {Record<string, unknown>} order @returns {Promise<any>} */
  async order(order) {
    this.child.stdin.write(`${JSON.stringify(order)}\n`);
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`${this.what}: the process ended`);
      const answer = JSON.parse(value);
      if (answer.is !== "progress") return answer;
      tell(`  ${this.what}: ${answer.requests} of ${answer.of} requests, ${megabytes(answer.rssBytes)} MB`);
    }
  }

  /** As a crash would. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.exited;
    children.delete(this.child);
  }
}

/** @type {Set<import("node:child_process").ChildProcess>} */
const children = new Set();
const scratch = mkdtempSync(join(flags.folder, "redoubt-bench-state-"));
const leave = () => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
};
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.once(signal, () => {
    leave();
    process.exit(1);
  });

/** @type {Record<string, number>} */
const cpuMicrosecondsPerRequest = {};
/** @type {Record<string, Record<string, number>>} */
const restart = {};
/** Requests, their milliseconds and CPU of all that was fed. */
const fed = { requests: 0, ms: 0 };

/** @param {any} answer */
function count(answer) {
  fed.requests += answer.requests;
  fed.ms += answer.ms;
  return answer;
}

/** @param {Replica} running @param {string} folder @param {string} application @param {number} at */
async function measureRestart(running, folder, application, at) {
  const copy = join(scratch, `copy-${at}`);
  // What is on the disk at one moment, as after a kill.
  running.child.kill("SIGSTOP");
  cpSync(folder, copy, { recursive: true, filter: (path) => !path.endsWith("writer.lock") });
  running.child.kill("SIGCONT");
  const replica = new Replica(`restart at ${at} versions`);
  const opened = await replica.order({ do: "open", folder: copy, application });
  const seconds = (performance.now() - replica.startedAt) / 1_000;
  await replica.kill();
  rmSync(copy, { recursive: true, force: true });
  restart[at] = {
    seconds: rounded(seconds),
    cpuSeconds: rounded((opened.cpuMicroseconds ?? 0) / 1e6),
    rssMegabytes: megabytes(opened.rssBytes),
    records: opened.records,
    recordsReplayed: opened.replayed,
  };
  tell(`restart at ${at} versions: ${JSON.stringify(restart[at])}`);
}

/** @param {number} objects */
async function measureObjects(objects) {
  const folder = join(scratch, `replica-${objects}`);
  mkdirSync(folder);
  const replica = new Replica(`${objects} objects`);
  const { application } = await replica.order({ do: "open", folder, objects, grows: true });
  const touched = count(await replica.order({ do: "touch" }));
  let reached = touched.requests * VERSIONS_PER_REQUEST;
  const measured = count(await replica.order({ do: "transfers", requests }));
  reached += requests * VERSIONS_PER_REQUEST;
  cpuMicrosecondsPerRequest[objects] = rounded(measured.cpuMicroseconds / measured.requests);
  tell(`${objects} objects: ${cpuMicrosecondsPerRequest[objects]} µs CPU per request`);
  let last = measured;
  for (const at of objects === manyObjects ? versions : []) {
    const missing = Math.ceil((at - reached) / VERSIONS_PER_REQUEST);
    if (missing > 0) {
      last = count(await replica.order({ do: "transfers", requests: missing, among: HOT_OBJECTS }));
      reached += missing * VERSIONS_PER_REQUEST;
    }
    await measureRestart(replica, folder, application, at);
  }
  await replica.kill();
  rmSync(folder, { recursive: true, force: true });
  return { objects, versions: reached, last };
}

try {
  let result;
  for (const objects of objectCounts) result = await measureObjects(objects);
  const report = {
    versionsPerSecond: Math.round((fed.requests * VERSIONS_PER_REQUEST * 1_000) / fed.ms),
    requests: fed.requests,
    cpuMicrosecondsPerRequest,
    restart,
    objects: result?.objects,
    versions: result?.versions,
    rssMegabytesRunning: megabytes(result?.last.rssBytes ?? 0),
    journalMegabytesAppended: megabytes(result?.last.appendedBytes ?? 0),
    segmentsArchived: result?.last.archivedSegments,
    node: process.version,
    cpu: cpus()[0]?.model,
    cpus: cpus().length,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
} catch (error) {
  process.stderr.write(`bench:state: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  leave();
}

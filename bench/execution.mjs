/**
 * `npm run bench:execution`: do calibrated amounts of CPU work in handlers use all cores (REQUIREMENTS R4)? First the workers
 * alone, then the whole path of a cluster of its own, loaded through HTTP. Work is an amount of computation, never a time:
 * it is calibrated once, by what the kernel says it costs, and is the same in both parts.
 *
 * `shareOfIdeal` is throughput over what all cores could do of the bare work in that time, which on a machine with
 * neighbours says as much of them. `shareOfReceived` divides by the CPU time that this run was given instead.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createClient, runLoad } from "@redoubt/client";
import { cpuMicroseconds, redoubtOn } from "./processes.mjs";

const USAGE = `npm run bench:execution -- [--work 1,10] [--seconds 5] [--callers 100] [--no-live] [--json]
  --work     CPU milliseconds of computation in the handler
  --seconds  for each point
  --callers  of the whole path
  --no-live  the workers alone, without a cluster
`;
const RECORDS = 1_000;
const path = (/** @type {string} */ relative) => fileURLToPath(new URL(relative, import.meta.url));
const APPLICATION = path("../e2e/applications/workbench");

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    "port-base": { type: "string" },
    work: { type: "string", default: "1,10" },
    seconds: { type: "string", default: "5" },
    callers: { type: "string", default: "100" },
    "no-live": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const data = values.data ?? "";
const portBase = Number(values["port-base"]);
const isUsable = data !== "" && Number.isInteger(portBase) && /^\d+(\.\d+)?(,\d+(\.\d+)?)*$/.test(values.work);
if (values.help || !isUsable) {
  process.stderr.write(isUsable ? USAGE : `expected --data <empty folder> --port-base <number>\n${USAGE}`);
  process.exit(values.help ? 0 : 2);
}
const tell = (/** @type {string} */ line) => process.stderr.write(`${line}\n`);
const rounded = (/** @type {number} */ value, /** @type {number} */ digits) => Number(value.toFixed(digits));

const redoubt = redoubtOn(data);
const cpuMs = (/** @type {number} */ pid) => (cpuMicroseconds(pid) ?? 0) / 1_000;

function measureWorkers() {
  tell("the workers alone");
  const run = path("../apps/cluster/dist/measuring/execution-run.js");
  const args = [run, APPLICATION, join(data, "bundles"), values.work, values.seconds];
  const { stdout, status } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`the workers alone could not be measured (code ${status})`);
  return JSON.parse(stdout);
}

/** @param {Record<string, number>} units of work by milliseconds */
async function measureLive(units) {
  tell("the whole path");
  const started = await redoubt("up", "--detach", "--port-base", String(portBase), "--app", APPLICATION);
  try {
    const client = createClient({ url: started.client.url, key: started.client.key });
    const points = [];
    for (const [workMs, count] of Object.entries(units)) {
      const load = (/** @type {number} */ seconds) =>
        runLoad({
          kind: "closed",
          clients: [client],
          callers: Number(values.callers),
          durationMs: seconds * 1_000,
          deadlineMs: 30_000,
          makeOperation: (index) => ({
            operation: "work",
            input: { name: `record-${1 + (index % RECORDS)}`, units: count },
          }),
        });
      await load(3);
      const { processes } = await redoubt("status");
      const total = () => processes.reduce((sum, { pid }) => sum + cpuMs(pid), 0);
      const before = total();
      const summary = await load(Number(values.seconds));
      const cpu = total() - before;
      const answered = summary.statuses["200"] ?? 0;
      const work = answered * Number(workMs);
      const point = {
        workMs: Number(workMs),
        callers: Number(values.callers),
        requestsPerSecond: rounded(answered / (summary.elapsedMs / 1_000), 1),
        statuses: summary.statuses,
        latencyMs: summary.latencyMs,
        cpuMsPerRequest: rounded(cpu / answered, 3),
        shareOfIdeal: rounded(work / (availableParallelism() * summary.elapsedMs), 3),
        shareOfReceived: rounded(work / cpu, 3),
      };
      tell(
        `${workMs} ms: ${point.requestsPerSecond}/s, ${point.shareOfIdeal} of ideal, ${point.shareOfReceived} of received`,
      );
      points.push(point);
    }
    return points;
  } finally {
    await redoubt("down");
  }
}

const load = () => Number(readFileSync("/proc/loadavg", "latin1").split(" ")[0]);
const loadBefore = load();
const workers = measureWorkers();
const live = values["no-live"] ? [] : await measureLive(workers.units);
const result = { ...workers, live, machineLoad: { before: loadBefore, after: load() } };
process.stdout.write(`${JSON.stringify(result, undefined, values.json ? undefined : 2)}\n`);

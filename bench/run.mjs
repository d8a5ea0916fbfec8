import { parseArgs } from "node:util";
import { createClient, runLoad } from "@redoubt/client";
import { cpuMicroseconds, redoubtOn } from "./processes.mjs";

const CUSTOMERS = 1_000;

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    "port-base": { type: "string" },
    callers: { type: "string", default: "100" },
    seconds: { type: "string", default: "10" },
    profile: { type: "string", default: "optimized" },
    json: { type: "boolean", default: false },
  },
});
const data = values.data ?? "";
const portBase = Number(values["port-base"]);
if (data === "" || !Number.isInteger(portBase)) {
  process.stderr.write(
    "expected --data <empty folder> --port-base <number> [--callers n] [--seconds n] [--profile name] [--json]\n",
  );
  process.exit(2);
}

const redoubt = redoubtOn(data);

/** @returns {Promise<Map<number, string>>} pid → what the process is */
async function processes() {
  const state = await redoubt("status");
  const names = new Map();
  for (const { name, pid } of state.processes)
    names.set(pid, name.replace(/[-/]?(worker-)?\d+$/, "").replace(/-\d+\/worker$/, " worker"));
  for (const node of state.nodes)
    for (const server of node.servers) if (server.pid) names.set(server.pid, server.component);
  return names;
}

const random = (/** @type {number} */ below) => 1 + Math.floor(Math.random() * below);

function transfer() {
  const from = random(CUSTOMERS);
  const to = (from % CUSTOMERS) + 1;
  return { operation: "transfer", input: { from, to, amount: 1 } };
}

const started = await redoubt("up", "--detach", "--port-base", String(portBase), "--profile", values.profile);
try {
  const client = createClient({ url: started.client.url, key: started.client.key });
  const load = (/** @type {number} */ seconds) =>
    runLoad({
      kind: "closed",
      clients: [client],
      callers: Number(values.callers),
      durationMs: seconds * 1_000,
      deadlineMs: 20_000,
      makeOperation: transfer,
    });
  await load(3);
  const names = await processes();
  const before = new Map([...names.keys()].map((pid) => [pid, cpuMicroseconds(pid)]));
  const summary = await load(Number(values.seconds));
  const perComponent = {};
  for (const [pid, name] of names) {
    const after = cpuMicroseconds(pid);
    const earlier = before.get(pid);
    if (after === undefined || earlier === undefined) continue;
    perComponent[name] = Number(((perComponent[name] ?? 0) + (after - earlier) / summary.started).toFixed(1));
  }
  const total = Number(
    Object.values(perComponent)
      .reduce((sum, part) => sum + part, 0)
      .toFixed(1),
  );
  const result = {
    profile: values.profile,
    callers: Number(values.callers),
    requests: summary.started,
    requestsPerSecond: Math.round(summary.started / (summary.elapsedMs / 1_000)),
    statuses: summary.statuses,
    latencyMs: summary.latencyMs,
    cpuMicrosecondsPerRequest: { total, ...perComponent },
  };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
} finally {
  await redoubt("down");
}

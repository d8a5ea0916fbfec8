/** Starting and stopping a cluster on this machine: leftovers ended, ports checked, agents started, readiness awaited. */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import {
  endLeftovers,
  isAlive,
  listProcessRecords,
  type ProcessRecord,
  type ProcessStart,
  ProcessSupervisor,
  stop,
} from "../adapters/supervisor/index.ts";
import { inheritedEnvironment, type ServerEnvironment, writeServerEnvironment } from "../env.ts";
import { dataLayout, SERVER_ENTRY } from "../runtime/data-layout.ts";
import { PORT_BLOCK, portsOf } from "../runtime/ports.ts";
import type { ClusterFile } from "./cluster-file.ts";

export class RefusedError extends Error {}

const isAgent = (record: ProcessRecord): boolean => /^node-\d+$/.test(record.name);

/** The living agents of a data folder: a cluster runs while there is one. */
export const runningAgents = (data: string): ProcessRecord[] =>
  listProcessRecords(dataLayout(data).run).filter((record) => isAgent(record) && isAlive(record));

/** From now on no manager starts an agent again. */
function sayEnding(data: string): void {
  const { run, ending } = dataLayout(data);
  if (existsSync(run)) writeFileSync(ending, "");
}

export async function endDeadCluster(data: string, say: (line: string) => void): Promise<void> {
  sayEnding(data);
  const { ended, surviving } = await endLeftovers(dataLayout(data).run, { graceMs: 3_000 });
  if (ended.length > 0) say(`ended ${ended.length} processes that a dead cluster left behind`);
  if (surviving.length > 0) {
    throw new RefusedError(
      `these processes of the cluster before do not end: ${surviving.map(({ name, pid }) => `${name} (pid ${pid})`).join(", ")}`,
    );
  }
}

/** Exit 1 naming port and owner; never another port (DESIGN §8). */
export async function checkPorts(cluster: ClusterFile): Promise<void> {
  const ports = portsOf(cluster.portBase);
  const wanted: { port: number; address: string; what: string }[] = [
    { port: ports.clientApi, address: "127.0.0.1", what: "client API" },
    { port: ports.console, address: "127.0.0.1", what: "console" },
    { port: ports.administration, address: "127.0.0.1", what: "administration API" },
    { port: ports.metrics, address: "127.0.0.1", what: "metrics" },
    ...cluster.nodes.map((node) => ({ port: node.port, address: node.address, what: `agent of ${node.name}` })),
  ];
  for (let offset = 70; offset < PORT_BLOCK; offset++)
    wanted.push({ port: cluster.portBase + offset, address: "127.0.0.1", what: "Postgres" });
  for (const { port, address, what } of wanted) {
    if (await isFree(port, address)) continue;
    throw new RefusedError(
      `port ${port} (${what}) is taken by ${ownerOf(port)}; end it, or choose another --port-base`,
    );
  }
}

const isFree = (port: number, address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: address, exclusive: true }, () => probe.close(() => resolve(true)));
  });

/** Best effort from /proc: which process listens on a port. */
function ownerOf(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  try {
    const line = readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .find((row) => row.includes(`:${hex} `) && row.includes(" 0A "));
    const inode = line?.trim().split(/\s+/)[9];
    return inode === undefined ? "another process" : (processWithSocket(inode) ?? "another user's process");
  } catch {
    return "another process";
  }
}

function processWithSocket(inode: string): string | undefined {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
        if (readlinkSync(`/proc/${pid}/fd/${descriptor}`) === `socket:[${inode}]`) {
          return `${readFileSync(`/proc/${pid}/comm`, "utf8").trim()} (pid ${pid})`;
        }
      }
    } catch {
      // Another user's process, or one that has just ended.
    }
  }
  return undefined;
}

/** How the agent of a node is started, by the launcher or by the manager that restarts it. */
export function agentStart(
  data: string,
  cluster: ClusterFile,
  node: ClusterFile["nodes"][number],
  logLevel: ServerEnvironment["logLevel"],
): ProcessStart {
  return {
    name: node.name,
    command: process.execPath,
    arguments: [join(import.meta.dirname, "..", SERVER_ENTRY), "node-agent"],
    environment: {
      ...inheritedEnvironment(),
      ...writeServerEnvironment({
        component: "node-agent",
        server: node.name,
        cluster: cluster.name,
        node: node.name,
        address: node.address,
        port: node.port,
        data,
        incarnation: String(cluster.startedAt),
        settings: {},
        logLevel,
      }),
    },
  };
}

/** Starts the node agents detached; they start everything else. */
export async function startAgents(data: string, cluster: ClusterFile, logLevel: "info" | "debug"): Promise<void> {
  const layout = dataLayout(data);
  const supervisor = new ProcessSupervisor({
    runDirectory: layout.run,
    logDirectory: layout.logs,
    onEnd: () => undefined,
  });
  // From here on a manager may start again what ends.
  rmSync(layout.ending, { force: true });
  for (const node of cluster.nodes) await supervisor.start(agentStart(data, cluster, node, logLevel));
  supervisor.close();
}

export interface Readiness {
  readonly what: string;
  readonly url: string;
}

const READY_LIMIT_MS = 240_000;
const POLL_MS = 150;
const ENDING_ROUNDS_MAX = 5;

/** Waits until clients, administrators and the console's users would be served. Rejects naming what is missing. */
export async function awaitReady(cluster: ClusterFile, data: string, say: (line: string) => void): Promise<void> {
  const ports = portsOf(cluster.portBase);
  const waiting: Readiness[] = [
    { what: "configuration manager", url: `http://127.0.0.1:${ports.administration}/healthz` },
    { what: "traffic regulator", url: `http://127.0.0.1:${ports.clientApi}/readyz` },
    { what: "console", url: `http://127.0.0.1:${ports.console}/login` },
  ];
  const limit = Date.now() + READY_LIMIT_MS;
  for (const { what, url } of waiting) {
    const startedAt = Date.now();
    while (!(await answers(url))) {
      if (Date.now() > limit) throw new RefusedError(`the ${what} did not get ready; see ${join(data, "logs")}`);
      if (runningAgents(data).length === 0) throw new RefusedError(`all node agents ended; see ${join(data, "logs")}`);
      await new Promise((resume) => setTimeout(resume, POLL_MS));
    }
    say(`${what} ready (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000), redirect: "manual" });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** Ends every process of the cluster: agents first, so that nothing is started again. */
export async function stopCluster(data: string): Promise<number> {
  const layout = dataLayout(data);
  if (!existsSync(layout.run)) return 0;
  sayEnding(data);
  const agents = listProcessRecords(layout.run).filter(isAgent);
  await Promise.all(agents.map((record) => stop(record, { graceMs: 3_000 })));
  let count = agents.length;
  // What was just being started when the others were ended is found in the next round.
  for (let round = 1; round <= ENDING_ROUNDS_MAX; round++) {
    const { ended } = await endLeftovers(layout.run, { graceMs: 15_000 });
    count += ended.length;
    if (ended.length === 0) break;
  }
  rmSync(layout.endpoints, { force: true });
  return count;
}

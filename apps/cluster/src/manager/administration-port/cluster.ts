/** The cluster as a whole: status, nodes, traffic, settings, its end. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { serverNumber } from "@redoubt/protocol";
import type { Confinement } from "@redoubt/shared";
import type { AdministrationPort, NodeStatus, ServerStatus } from "../../administration/index.ts";
import { portsOf } from "../../runtime/ports.ts";
import type { NodeView, ServerView } from "../registry.ts";
import type { PortParts } from "./parts.ts";

type ClusterPart = Pick<
  AdministrationPort,
  | "status"
  | "nodes"
  | "traffic"
  | "settings"
  | "shutdown"
  | "degrees"
  | "planDegree"
  | "applyDegree"
  | "stopDegree"
  | "rollbackDegree"
>;

export function clusterPart(parts: PortParts): ClusterPart {
  const { cluster, contract, registry, degrees, traffic, server } = parts;
  const ports = portsOf(cluster.portBase);
  return {
    async status() {
      return {
        asOf: new Date().toISOString(),
        cluster: { name: cluster.name, profile: cluster.profile, startedAt: new Date(cluster.startedAt).toISOString() },
        nodes: registry.nodes.map((node) => nodeStatus(parts, node)),
        degrees: degrees.all(),
        logs: traffic.logs,
        processes: processesOf(parts),
      };
    },
    async nodes() {
      const asOf = new Date().toISOString();
      return registry.nodes.map((node) => {
        const status = nodeStatus(parts, node);
        return {
          ...status,
          asOf,
          slotsUsed: status.servers.length,
          since: new Date(node.since).toISOString(),
          lastHeartbeatAt: node.lastReportAt === null ? null : new Date(node.lastReportAt).toISOString(),
          heartbeats: node.heartbeats.history(Date.now()),
        };
      });
    },
    async traffic() {
      return traffic.current;
    },
    async settings() {
      return {
        profile: cluster.profile,
        strictPaper: cluster.strictPaper,
        application: { name: contract.name, version: cluster.application },
        clientUrl: `http://127.0.0.1:${ports.clientApi}`,
        drillsAllowed: cluster.drills,
        sandbox: registry.nodes.flatMap(({ name }) => {
          const [first] = registry
            .of("execution-server")
            .flatMap((view) => (view.node === name ? confinementOf(view) : []));
          return first ? [{ node: name, means: [...first.means], sentence: first.sentence }] : [];
        }),
      };
    },
    async shutdown() {
      const request = JSON.stringify({ command: "down", data: server.environment.data });
      const launcher = join(import.meta.dirname, "..", "..", "launch.js");
      spawn(process.execPath, [launcher, request], { detached: true, stdio: "ignore" }).unref();
    },
    degrees: () => degrees.details(),
    planDegree: (request, actor) => degrees.plan(request, actor),
    applyDegree: (request, actor) => degrees.apply(request, actor),
    stopDegree: ({ changeId }, actor) => degrees.stop(changeId, actor),
    rollbackDegree: ({ changeId }, actor) => degrees.rollback(changeId, actor),
  };
}

function nodeStatus(parts: PortParts, node: NodeView): NodeStatus {
  const servers = parts.registry.servers
    .filter((view) => view.node === node.name)
    .sort((left, right) => byName(left, right))
    .map((view) => serverStatus(parts, view));
  return {
    name: node.name,
    address: node.address,
    pid: node.state === "down" ? null : node.pid,
    state: node.state,
    slots: parts.cluster.slotsPerNode,
    servers,
  };
}

const byName = (left: ServerView, right: ServerView): number =>
  left.component === right.component
    ? serverNumber(left.server) - serverNumber(right.server)
    : left.component < right.component
      ? -1
      : 1;

function serverStatus(parts: PortParts, view: ServerView): ServerStatus {
  const hosting = parts.cluster.profile === "optimized" && view.component === "state-replica";
  const isOwn = view.component === "configuration-manager";
  const { transferChanges, transferBytes, transferMs } = view.health?.counters ?? {};
  return {
    name: view.server,
    component: view.component,
    pid: isOwn ? process.pid : (view.report?.pid ?? null),
    state: view.state,
    role: roleOf(parts, view),
    since: new Date(view.since).toISOString(),
    ...(hosting ? { hosts: ["acceptance-test-server" as const] } : {}),
    ...confinementOf(view).reduce((_, confinement) => ({ confinement }), {}),
    ...(transferMs !== undefined && transferChanges && transferBytes
      ? { transfer: { changes: transferChanges, bytes: transferBytes, ms: transferMs } }
      : {}),
  };
}

/** Of the process that runs now; none where it has not said anything yet. */
const confinementOf = ({ health, report }: ServerView): readonly Confinement[] =>
  health?.confinement && health.incarnation === report?.incarnation ? [health.confinement] : [];

/** An execution server may say of itself what it likes: who holds leases is the masters' to say. */
function roleOf({ holders }: PortParts, { server, component, state, report, health }: ServerView): string {
  if (component === "configuration-manager") return "primary";
  if (state === "starting") return "starting";
  if (component === "execution-server") return holders.has(server) ? "lease holder" : "spare";
  return health !== undefined && health.incarnation === report?.incarnation ? health.role : "unknown";
}

/** Every process of the cluster that somebody trusted vouches for, each once, by name. */
function processesOf({ registry, database, server }: PortParts): { name: string; pid: number }[] {
  const processes = new Map<string, number>();
  const add = (name: string, pid: number | null): void => {
    if (pid !== null) processes.set(name, pid);
  };
  for (const node of registry.nodes) {
    if (node.state !== "down") add(node.name, node.pid);
    for (const { name, pid } of node.processes) add(name, pid);
  }
  for (const { server: name, component, report, health } of registry.servers) {
    if (component === "configuration-manager") continue;
    add(name, report?.pid ?? null);
    if (health?.incarnation !== report?.incarnation || !report?.pid) continue;
    for (const part of health?.processes ?? []) add(part.name, part.pid);
  }
  add(server.environment.server, process.pid);
  for (const { name, pid } of database.processes) add(name, pid);
  return [...processes].map(([name, pid]) => ({ name, pid })).sort((left, right) => (left.name < right.name ? -1 : 1));
}

/**
 * What is known of nodes and servers: the newest report of each agent, the newest report of each server, and the verdicts
 * that follow from them. It observes and tells; it orders nothing.
 */
import {
  type EndedProcess,
  endedBetween,
  judgeServer,
  livenessAfter,
  ObserverClock,
  type ServerComponent,
} from "@redoubt/protocol";
import type {
  AttemptReport,
  HealthReportMessage,
  NodeState,
  ServerCondition,
  ServerHealthMessage,
  ServerName,
  ServerReport,
  ServerState,
} from "@redoubt/shared";
import type { ClusterFile } from "../launch/cluster-file.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { MemoryFile } from "./memory.ts";

/** Of a node agent's reports, and of a server's. */
export const AGENT_PERIOD_MS = 500;
export const SERVER_PERIOD_MS = 1_000;
const TICK_MS = 250;

export interface NodeView {
  readonly name: string;
  readonly address: string;
  state: NodeState;
  /** Milliseconds since 1970. */
  since: number;
  pid: number | null;
  membershipVersion: number;
  lastReportAt: number | null;
  host: HealthReportMessage["host"] | undefined;
  processes: HealthReportMessage["processes"];
  readonly heartbeats: Heartbeats;
  /** On the observer's clock. */
  heardAtMs: number;
}

export interface ServerView {
  readonly server: ServerName;
  readonly component: ServerComponent;
  node: string;
  state: ServerState;
  cause: string;
  since: number;
  report: ServerReport | undefined;
  /** Of the process that runs now. */
  health: ServerHealthMessage | undefined;
  healthAtMs: number;
  /** Since when this manager has seen this process run, on the observer's clock. */
  runningSinceMs: number;
}

export interface RegistryListener {
  readonly onEnded: (view: ServerView, ended: EndedProcess) => void;
  readonly onServerState: (view: ServerView, from: ServerState) => void;
  readonly onNodeState: (view: NodeView, from: NodeState, cause: string) => void;
  /** A process of a server reported for the first time: it has to be told what it missed. */
  readonly onNewProcess: (server: ServerName) => void;
  readonly onViolations: (reporter: ServerName, violations: ServerHealthMessage["violations"]) => void;
  /** What was tried in the workers of an execution server, as it tells. */
  readonly onAttempts: (view: ServerView, attempts: readonly AttemptReport[]) => void;
  /** Something keeps a server that runs from serving, or does no longer (undefined). */
  readonly onCondition: (server: ServerName, condition: ServerCondition | undefined) => void;
}

export class Registry {
  readonly #memory: MemoryFile;
  readonly #nodes = new Map<string, NodeView>();
  readonly #servers = new Map<ServerName, ServerView>();
  readonly #clock = new ObserverClock(TICK_MS);
  readonly #timer: NodeJS.Timeout;
  #listener: RegistryListener | undefined;

  constructor(cluster: ClusterFile, memory: MemoryFile) {
    this.#memory = memory;
    const heardAtMs = this.#clock.beat(performance.now());
    for (const { name, address } of cluster.nodes) {
      const known = memory.value.nodes[name];
      this.#nodes.set(name, {
        name,
        address,
        state: known?.state ?? "unknown",
        since: known?.since ?? Date.now(),
        pid: null,
        membershipVersion: -1,
        lastReportAt: null,
        host: undefined,
        processes: [],
        heartbeats: new Heartbeats(AGENT_PERIOD_MS, Date.now()),
        heardAtMs,
      });
    }
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  listen(listener: RegistryListener): void {
    this.#listener = listener;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get nodes(): readonly NodeView[] {
    return [...this.#nodes.values()];
  }

  get servers(): readonly ServerView[] {
    return [...this.#servers.values()];
  }

  node(name: string): NodeView | undefined {
    return this.#nodes.get(name);
  }

  server(name: ServerName): ServerView | undefined {
    return this.#servers.get(name);
  }

  of(component: ServerComponent): readonly ServerView[] {
    return this.servers.filter((view) => view.component === component);
  }

  live(component: ServerComponent): number {
    return this.of(component).filter(({ state }) => state === "up").length;
  }

  /** The servers there shall be. One that shall not be any more is forgotten. */
  expect(placement: readonly { server: ServerName; component: ServerComponent; node: string }[]): void {
    const names = new Set(placement.map(({ server }) => server));
    for (const name of this.#servers.keys()) {
      if (names.has(name)) continue;
      this.#servers.delete(name);
      delete this.#memory.value.servers[name];
    }
    for (const { server, component, node } of placement) {
      const view = this.#servers.get(server);
      if (view) view.node = node;
      else this.#servers.set(server, this.#newView(server, component, node));
    }
    this.#memory.changed();
  }

  takeReport(from: string, message: HealthReportMessage): void {
    const node = this.#nodes.get(from);
    if (!node || message.node !== from) return;
    const isNewAgent = node.pid !== message.pid;
    node.heardAtMs = this.#clock.at(performance.now());
    node.lastReportAt = Date.now();
    node.heartbeats.beat(node.lastReportAt);
    node.pid = message.pid;
    node.membershipVersion = message.membershipVersion;
    node.host = message.host;
    node.processes = message.processes;
    if (isNewAgent) this.#listener?.onNewProcess(from);
    this.#enterNode(node, "up", "its agent reports");
    for (const report of message.servers) this.#takeServerReport(node.name, report);
  }

  takeHealth(message: ServerHealthMessage): void {
    const view = this.#servers.get(message.server);
    if (!view) return;
    const isNew = view.health?.incarnation !== message.incarnation;
    const { condition } = message;
    if (condition !== view.health?.condition) this.#listener?.onCondition(message.server, condition);
    view.health = message;
    view.healthAtMs = this.#clock.at(performance.now());
    if (isNew) this.#listener?.onNewProcess(message.server);
    if (message.violations.length > 0) this.#listener?.onViolations(message.server, message.violations);
    if (message.attempts && message.attempts.length > 0) this.#listener?.onAttempts(view, message.attempts);
    this.#judge(view);
  }

  /** A process that was ordered to go: what it reports no longer makes it live. */
  noteDiscarded(server: ServerName): void {
    const view = this.#servers.get(server);
    if (view) this.#judge(view);
  }

  #takeServerReport(node: string, report: ServerReport): void {
    const view = this.#servers.get(report.server);
    if (!view || view.node !== node) return;
    const previous = view.report;
    view.report = report;
    if (previous?.incarnation !== report.incarnation || previous.state !== report.state)
      view.runningSinceMs = this.#clock.at(performance.now());
    for (const ended of endedBetween(previous, report)) this.#listener?.onEnded(view, ended);
    this.#judge(view);
  }

  #tick(): void {
    const now = this.#clock.beat(performance.now());
    for (const node of this.#nodes.values()) {
      const silentMs = now - node.heardAtMs;
      const liveness = livenessAfter(silentMs, AGENT_PERIOD_MS);
      if (liveness !== "up")
        this.#enterNode(node, liveness, `its agent has been silent for ${(silentMs / 1000).toFixed(1)} s`);
    }
    for (const view of this.#servers.values()) this.#judge(view);
  }

  #judge(view: ServerView): void {
    const { report, health, component } = view;
    const now = this.#clock.at(performance.now());
    // This manager is itself: it needs no witness.
    if (component === "configuration-manager" && health?.pid === process.pid) {
      this.#enterServer(view, "up", "answers");
      return;
    }
    const isOfProcess = health !== undefined && health.incarnation === report?.incarnation;
    const verdict = judgeServer({
      report,
      discarded: report !== undefined && this.#memory.value.discarded.includes(`${view.server} ${report.incarnation}`),
      health: isOfProcess
        ? { ready: health.ready, silentMs: now - view.healthAtMs, periodMs: SERVER_PERIOD_MS }
        : undefined,
      runningMs: now - view.runningSinceMs,
    });
    // Right after this manager started, what it remembers holds until there is evidence.
    const waiting = verdict.state === "unknown" || (verdict.state === "starting" && health === undefined);
    const remembered = waiting && view.state === "up" && this.#isRemembered(view);
    if (remembered && now - view.runningSinceMs < 6 * SERVER_PERIOD_MS) return;
    this.#enterServer(view, verdict.state, verdict.cause);
  }

  /** What was remembered is of the process that ran then: one that was started since has to report for itself. */
  #isRemembered({ server, report }: ServerView): boolean {
    const { incarnation } = this.#memory.value.servers[server] ?? {};
    return report === undefined || incarnation === undefined || incarnation === report.incarnation;
  }

  #enterServer(view: ServerView, to: ServerState, cause: string): void {
    view.cause = cause;
    const { incarnation } = view.report ?? {};
    const known = this.#memory.value.servers[view.server];
    if (known && to === "up" && incarnation !== undefined && known.incarnation !== incarnation) {
      known.incarnation = incarnation;
      this.#memory.changed();
    }
    if (view.state === to) return;
    const from = view.state;
    view.state = to;
    view.since = Date.now();
    this.#memory.value.servers[view.server] = { state: to, since: view.since, ...(incarnation && { incarnation }) };
    this.#memory.changed();
    this.#listener?.onServerState(view, from);
  }

  #enterNode(node: NodeView, to: NodeState, cause: string): void {
    if (node.state === to || (node.state === "down" && to === "suspect")) return;
    // Before the first report of a new cluster's node there is nothing to suspect.
    if (node.state === "unknown" && to === "suspect") return;
    const from = node.state;
    node.state = to;
    node.since = Date.now();
    this.#memory.value.nodes[node.name] = { state: to, since: node.since };
    this.#memory.changed();
    this.#listener?.onNodeState(node, from, cause);
  }

  #newView(server: ServerName, component: ServerComponent, node: string): ServerView {
    const known = this.#memory.value.servers[server];
    const now = this.#clock.at(performance.now());
    return {
      server,
      component,
      node,
      state: known?.state ?? "unknown",
      cause: "not heard from yet",
      since: known?.since ?? Date.now(),
      report: undefined,
      health: undefined,
      healthAtMs: now,
      runningSinceMs: now,
    };
  }
}

/** Plain data about nodes, servers, degrees and traffic as the administration interface shows it. Times are ISO 8601 UTC. */
import type {
  Confinement,
  DegreeChangeState,
  FeedComponent,
  NodeState,
  ServerState,
  TrafficCounters,
} from "@redoubt/shared";

export interface ServerStatus {
  name: string;
  component: FeedComponent;
  pid: number | null;
  state: ServerState;
  /** `primary`/`backup` for regulator, manager and masters; `lease holder`, `spare`, `member`, … for the others. */
  role: string;
  since: string;
  /** Components hosted in the same process (optimized profile: a state replica hosts an acceptance test server). */
  hosts?: FeedComponent[];
  /** Execution servers: how the processes that run the application's code are confined, as the server says itself. */
  confinement?: Confinement;
  /** State replicas whose process started without a journal: what it fetched from the others, and how long until it was a member. */
  transfer?: { changes: number; bytes: number; ms: number };
}

export interface NodeStatus {
  name: string;
  address: string;
  /** Process id of the node agent. */
  pid: number | null;
  state: NodeState;
  slots: number;
  servers: ServerStatus[];
}

export interface DegreeStatus {
  wanted: number;
  live: number;
  quorum: number;
  faultsToleratedNow: number;
  faultsToleratedByDesign: number;
}

/** Exactly what `redoubt status --json` prints, and when it was true. */
export interface ClusterStatus {
  asOf: string;
  cluster: { name: string; profile: string; startedAt: string };
  nodes: NodeStatus[];
  degrees: Partial<Record<FeedComponent, DegreeStatus>>;
  logs: { L1: number; L2: number; L3: number };
  processes: { name: string; pid: number }[];
}

/** A node with what its observers know of it. */
export interface NodeDetail extends NodeStatus {
  asOf: string;
  slotsUsed: number;
  since: string;
  /** Last heartbeat the manager has from this node's agent; null when it never had one. */
  lastHeartbeatAt: string | null;
  /** Share of beats received per interval, oldest first, 0…1; null where nothing is known. At most 60. */
  heartbeats: {
    at: string;
    fraction: number | null;
    received: number;
    expected: number;
  }[];
}

export interface DecidedBy {
  kind: "person" | "policy" | "file";
  name: string;
  at: string;
}

export interface DegreeDetail extends DegreeStatus {
  component: FeedComponent;
  asOf: string;
  /** What the operator turns: servers of a farm without quorum by count, the others by faults tolerated. */
  unit: "count" | "faults";
  adjustable: boolean;
  /** Why it cannot be changed from here, when it cannot. */
  fixedBecause: string | null;
  minimum: number;
  maximum: number;
  /** Token of this decision; a plan made on an older one is refused. */
  version: string;
  decidedBy: DecidedBy;
  change: DegreeChange | null;
}

export interface DegreePlanStep {
  action: "start" | "drain" | "stop";
  server: string;
  node: string;
  why: string;
  liveAfter: number;
  faultsToleratedAfter: number;
}

export interface DegreeVerdict {
  ok: boolean;
  sentence: string;
}

/** A saved plan: nothing has changed yet. */
export interface DegreePlan {
  planId: string;
  component: FeedComponent;
  version: string;
  from: DegreeStatus;
  to: DegreeStatus;
  steps: DegreePlanStep[];
  bytesToCopy: number;
  estimatedMs: number;
  /** Does the group stay able to answer at every step? */
  availability: DegreeVerdict;
  /** Does every verified version keep t+1 copies at every step? */
  durability: DegreeVerdict;
  warnings: string[];
  blockers: { sentence: string; remedy: string }[];
  expiresAt: string;
}

/** A plan being carried out; counts are observed, never the wish. */
export interface DegreeChange {
  changeId: string;
  component: FeedComponent;
  state: DegreeChangeState;
  previous: number;
  wanted: number;
  live: number;
  stepsDone: number;
  stepsTotal: number;
  /** What is happening now, or what it is stuck on and why. */
  detail: string;
  startedAt: string;
  endedAt: string | null;
  startedBy: string;
}

export type Traffic = TrafficCounters;

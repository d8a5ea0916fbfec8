/** What goes in and out of the state master's core, and what the process around it writes to Postgres. */
import type {
  ChangeName,
  ClusterRange,
  Decision,
  Digest,
  Epoch,
  ParentReference,
  RequestId,
  RequestOutcome,
  ServerName,
  Slot,
  ToStateMaster,
} from "@redoubt/shared";
import type { CommonEffect, CommonInput, Core, Hasher, Random } from "../core.ts";
import type { MasterCommand } from "./commands.ts";
import type { PaxosRecord } from "./paxos/paxos-types.ts";

export type StateMasterRecord = PaxosRecord<MasterCommand>;

export type StateMasterInput = CommonInput<ToStateMaster, StateMasterRecord>;

/** One verified version. */
export interface VersionRow {
  readonly object: string;
  readonly number: number;
  readonly epoch: Epoch;
  readonly parent: ParentReference;
  readonly c1: Digest;
  readonly c2: Digest;
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly changeDigest: Digest;
  readonly executionServer: ServerName;
  /** Servers whose passing verdicts were counted. */
  readonly testers: readonly ServerName[];
  /** Slot of the object's version before this one; 0 for the first. Chains an object's history. */
  readonly previousSlot: Slot;
}

/** A change that will never be verified: found wrong by acceptance tests, or void at a settlement. */
export interface DeadChangeRow {
  readonly status: "invalid" | "voided";
  readonly change: ChangeName;
  readonly epoch: Epoch;
}

export interface ApplyRows {
  readonly versions: readonly VersionRow[];
  readonly dead: readonly DeadChangeRow[];
}

/** Facts of one applied slot for the process around the core, in slot order, only for slots that decided something. */
export type ApplyEffect = {
  readonly kind: "apply";
  readonly slot: Slot;
  /** Milliseconds since 1970 by the proposing master's clock. */
  readonly at: number;
  readonly decisions: readonly Decision[];
  readonly rows: ApplyRows;
};

export type StateMasterEffect = CommonEffect<StateMasterRecord> | ApplyEffect;

export interface StateMasterDependencies {
  readonly hasher: Hasher;
  readonly random: Random;
}

export interface StateMasterConfiguration {
  readonly self: ServerName;
  /** All masters, in the same order on each. */
  readonly masters: readonly ServerName[];
  /** Slots up to this one are already in Postgres: no `apply` effect for them when the journal is replayed. */
  readonly appliedThrough?: Slot;
}

export interface ObjectHead {
  readonly number: number;
  readonly epoch: Epoch;
  readonly c1: Digest;
  readonly c2: Digest;
  readonly changeDigest: Digest;
  readonly requestId: RequestId;
  /** Slot that verified it. */
  readonly slot: Slot;
}

/** Clusters that share everything, for the explorer. */
export interface PlacementEntry {
  readonly clusters: readonly ClusterRange[];
  readonly epoch: Epoch;
  readonly settledEpoch: Epoch;
  readonly holder: ServerName;
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
}

export interface PrimaryLease {
  readonly server: ServerName;
  readonly epoch: Epoch;
  readonly nonce: string;
}

export interface StateMaster extends Core<StateMasterInput, StateMasterEffect> {
  /** True while this master is the primary: the Paxos leader with everything older applied. */
  readonly isPrimary: boolean;
  /** The primary this master believes in; empty during elections. */
  readonly primary: ServerName;
  readonly decidedThrough: Slot;
  placement(): PlacementEntry[];
  objectHead(object: string): ObjectHead | undefined;
  outcome(requestId: RequestId): RequestOutcome;
  primaryLease(component: "traffic-regulator" | "configuration-manager"): PrimaryLease | undefined;
  /** Over heads, outcomes and clusters: equal on masters that have applied the same slot. Reads everything; for comparisons only. */
  metadataDigest(): Digest;
}

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
  SlotDecisions,
  ToStateMaster,
} from "@redoubt/shared";
import type {
  CheckpointedCore,
  CheckpointedInput,
  CommonEffect,
  CommonInput,
  Hasher,
  Instant,
  Random,
  RecordNumber,
  Sender,
} from "../core.ts";
import type { MasterCommand } from "./commands.ts";
import type { PaxosRecord, PaxosWindow } from "./paxos/paxos-types.ts";

export type StateMasterRecord = PaxosRecord<MasterCommand>;

export type StateMasterInput =
  | CommonInput<ToStateMaster, StateMasterRecord>
  | Extract<CheckpointedInput<StateMasterRecord>, { readonly kind: "restore" | "replay" }>
  /** Rows through this slot are in this master's database; undefined: the database is away. */
  | (Instant & { readonly kind: "database"; readonly appliedThrough: Slot | undefined })
  /**
   * Answers `lookupSlots`: what the database holds after the slot asked for, in order, complete through `through`.
   * Undefined: it is away. `prunedThrough`: rows up to this slot are kept no longer.
   */
  | (Instant & {
      readonly kind: "slotsFound";
      readonly to: Sender;
      readonly after: Slot;
      readonly found:
        | { readonly slots: readonly SlotDecisions[]; readonly through: Slot; readonly prunedThrough: Slot }
        | undefined;
    })
  /** This process is about to end: a primary lets another one take over. */
  | (Instant & { readonly kind: "handOver" });

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
  /** Slot of the row before this one: a database that does not have it lacks rows. */
  readonly previous: Slot;
  /** Milliseconds since 1970 by the proposing master's clock. */
  readonly at: number;
  readonly decisions: readonly Decision[];
  readonly rows: ApplyRows;
};

export type StateMasterEffect =
  | CommonEffect<StateMasterRecord>
  | ApplyEffect
  /** Records below `before` are not needed by this master's votes any more; a checkpoint must cover them too. */
  | { readonly kind: "cutJournal"; readonly before: RecordNumber }
  /** The first record is durable: from now on this journal is the master. */
  | { readonly kind: "identified"; readonly identity: string }
  /** A follower needs decisions that are no longer in memory. */
  | { readonly kind: "lookupSlots"; readonly to: Sender; readonly after: Slot; readonly limit: number };

export interface StateMasterDependencies {
  readonly hasher: Hasher;
  readonly random: Random;
}

export interface StateMasterConfiguration {
  readonly self: ServerName;
  /** All masters, in the same order on each. */
  readonly masters: readonly ServerName[];
  /** Configuration managers: told of damage that replicas find. */
  readonly managers?: readonly ServerName[];
  /** Identity for an empty journal (PROTOCOL §11): random, but that of the first start of a cluster is fixed. */
  readonly journalIdentity?: string;
  /** There is a database that says what it has applied; votes and truncation take it into account. */
  readonly hasDatabase?: boolean;
  /** Smaller ones make tests and simulations reach the bounds soon. */
  readonly window?: PaxosWindow & { readonly streamSlotsMax: number };
}

export interface ObjectHead {
  readonly number: number;
  readonly epoch: Epoch;
  readonly c1: Digest;
  readonly c2: Digest;
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
  /** Wanted as members, and still gathering what they lack … */
  readonly joining: readonly ServerName[];
  /** … those among them that lost their journals. */
  readonly struckOff: readonly ServerName[];
  /** Seats among the t faulty ones that nobody has. */
  readonly vacant: number;
}

export interface PrimaryLease {
  readonly server: ServerName;
  readonly epoch: Epoch;
  readonly nonce: string;
}

export interface StateMasterStatus {
  readonly identity: string;
  readonly isVoter: boolean;
  /** Servers with a vote. */
  readonly seats: readonly ServerName[];
  readonly truncatedThrough: Slot;
  /** Rows up to this slot must come from a peer's database if this master's own lacks them. */
  readonly rowsAfter: Slot;
  /** Bytes of the snapshot this master got from a peer; 0 without one. */
  readonly snapshotBytes: number;
  /** Of the snapshot that is on its way, about. */
  readonly snapshotProgress: { readonly doneBytes: number; readonly totalBytes: number } | undefined;
  readonly outcomes: number;
  readonly objects: number;
  /** On the primary: decided slots that no majority of databases has. */
  readonly lag: number;
}

export interface StateMaster extends CheckpointedCore<StateMasterInput, StateMasterEffect> {
  status(): StateMasterStatus;
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

/**
 * Plain rows of a state master's database, as the master hands them over and gets them back. Slots, epochs and version
 * numbers are bigint, digests and request ids are 32 raw bytes.
 */

/** What one decided Paxos slot left behind; slots that decided nothing worth keeping have none. */
export interface DecidedSlotRow {
  readonly slot: bigint;
  /** Time carried by the decided command: the same on every master. */
  readonly at: Date;
  readonly kinds: readonly string[];
  /** The commands, packed by the master; opaque to the store. */
  readonly payload: Uint8Array;
  /** `requestPrefix` of every request id in it. */
  readonly requestPrefixes: readonly bigint[];
  /** Execution servers whose versions it verified, each once. */
  readonly executionServers: readonly string[];
  /** Every object it decided about, each once; `ObjectHeadRow`s of the batch must name them too. */
  readonly objects: readonly string[];
  /**
   * For each of them the slot before this one that names it, 0 for none, where the caller knows; else the store looks at
   * the heads it has. A database that gets only what another one keeps cannot know by itself.
   */
  readonly previousSlots?: readonly bigint[];
}

export type ObjectStatus = "pending" | "verified" | "invalid";

/** Newest known version of one object after a batch, however often the batch changed it. */
export interface ObjectHeadRow {
  readonly object: string;
  readonly cluster: number;
  readonly number: bigint;
  readonly epoch: bigint;
  readonly c1: Uint8Array;
  readonly c2: Uint8Array;
  readonly status: ObjectStatus;
  readonly changeDigest: Uint8Array;
  readonly requestId: Uint8Array;
  /** Last slot of the batch that names the object. */
  readonly slot: bigint;
}

export interface ObjectClusterRow {
  readonly cluster: number;
  readonly epoch: bigint;
  /** 0: none settled yet. */
  readonly settledEpoch: bigint;
  readonly holder: string | null;
  readonly members: readonly string[];
  readonly chainHead: Uint8Array | null;
  /** Slot that last changed the row. */
  readonly slot: bigint;
}

export interface PrimaryLeaseRow {
  readonly component: string;
  readonly server: string;
  readonly epoch: bigint;
  /** Slot that last changed the row. */
  readonly slot: bigint;
}

/** What applying some decided slots changes. Rows of slots that are applied already are ignored. */
export interface AppliedBatch {
  /** Every decided slot up to and including this one is covered by the batch or was applied before. */
  readonly throughSlot: bigint;
  /** Where the caller knows the database to be. One that is elsewhere (a backup took its place) refuses the batch. */
  readonly afterSlot?: bigint;
  /**
   * Where the rows come from a database that keeps slots up to `reducedThrough` only reduced: what that does to the chain.
   * Nothing for a database that is beyond that slot itself.
   */
  readonly base?: RetentionRow;
  /** Ascending. */
  readonly slots: readonly DecidedSlotRow[];
  /** Each object once. */
  readonly heads: readonly ObjectHeadRow[];
  /** Each object cluster once. */
  readonly clusters: readonly ObjectClusterRow[];
  /** Each component once. */
  readonly leases: readonly PrimaryLeaseRow[];
}

/** A decided slot found again. */
export interface StoredSlot {
  readonly slot: bigint;
  readonly at: Date;
  readonly kinds: readonly string[];
  readonly payload: Uint8Array;
}

/** From where on a database keeps everything; slot 0 and the year 1970 while it keeps all. */
export interface RetentionRow {
  readonly reducedThrough: bigint;
  /** Newest time at which one of the reduced slots was decided. */
  readonly reducedAt: Date;
  /** The chain after `reducedThrough`, 32 bytes. */
  readonly chainDigest: Uint8Array;
}

/** What is left of a payload; undefined when the row is not needed at all. Called for old slots, reduced ones among them. */
export type Reduce = (slot: StoredSlot) => Uint8Array | undefined;

/** What one step did. */
export interface Reduction {
  /** Rows made smaller. */
  readonly reduced: number;
  readonly removed: number;
  readonly reducedThrough: bigint;
  readonly reducedAt: Date;
}

/** A place among old rows that were left whole. */
export interface SweepPlace {
  readonly at: Date;
  readonly slot: bigint;
}

/** The newest version of an object with the time of the slot that decided it. */
export interface TimedHead {
  readonly object: string;
  readonly number: bigint;
  readonly epoch: bigint;
  readonly status: ObjectStatus;
  readonly requestId: Uint8Array;
  readonly slot: bigint;
  /** Null when the slot's row is no longer kept. */
  readonly at: Date | null;
}

/** Which slots that changed objects are wanted; newest first. */
export interface SlotSearch {
  /** Only slots with versions of this execution server. */
  readonly server?: string | undefined;
  /** Inclusive. */
  readonly from?: Date | undefined;
  /** Inclusive. */
  readonly to?: Date | undefined;
  /** Only slots older than this one (for the next page). */
  readonly before?: { readonly at: Date; readonly slot: bigint } | undefined;
  /** Only slots newer than this one: below it a database keeps only some. */
  readonly after?: bigint | undefined;
  readonly limit: number;
}

/** One step of the walk through an object's history. */
export interface HistoryStep extends StoredSlot {
  /** The slot before this one that names the object; null at the beginning of its history. */
  readonly previousSlot: bigint | null;
}

export interface MasterCounts {
  readonly appliedSlot: bigint;
  readonly decidedSlots: number;
  readonly objects: number;
  readonly objectClusters: number;
  readonly primaryLeases: number;
}

/** Digest of what a master holds; equal on two masters that applied the same slots and compare from the same one. */
export interface MasterDigest {
  readonly appliedSlot: bigint;
  /** Of slots up to this one only rows that hold the newest version of an object are in it. */
  readonly comparedAfter: bigint;
  /** 64 hex digits over everything below. */
  readonly digest: string;
  /** 64 hex digits per table, to name where two masters differ. */
  readonly tables: Readonly<Record<string, string>>;
  readonly rows: Readonly<Record<string, number>>;
}

/** First 63 bits of a request id (at least 8 bytes), as the index keeps it. Two ids may share it. */
export function requestPrefix(requestId: Uint8Array): bigint {
  const view = new DataView(requestId.buffer, requestId.byteOffset, requestId.byteLength);
  return view.getBigUint64(0) >> 1n;
}

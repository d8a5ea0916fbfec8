/** Plain data about the state masters and about what the state farm does to stay whole. */

/** What the masters' own databases hold, side by side. */
export interface MastersComparison {
  at: string;
  equal: boolean;
  /** Of decisions up to this slot only those that made newest versions are compared: some master keeps no more. 0: all are. */
  comparedAfter: number;
  masters: {
    server: string;
    reachable: boolean;
    appliedSlot: number;
    digest: string;
    rows: Record<string, number>;
  }[];
  differences: string[];
}

export interface MasterStatus {
  server: string;
  node: string;
  state: string;
  /** "leader" decides, "follower" votes, "learner" catches up and has no vote yet. */
  role: "leader" | "follower" | "learner" | "unknown";
  since: string;
  /** Slot through which it knows all decisions; null when it does not say. */
  decidedThrough: number | null;
  /** Slot through which its own database is. */
  appliedSlot: number | null;
  /** Slots it knows to be decided that its database does not have yet, both as of its own last report. */
  lag: number | null;
  databaseUp: boolean | null;
  /** A learner that takes in a peer's snapshot; null when none is under way. */
  snapshot: { doneBytes: number; totalBytes: number } | null;
  /** How it got back what it had lost, since its process began: time until it counted, bytes from the other masters. */
  rebuilt: { ms: number; stateBytes: number; rows: number; rowBytes: number } | null;
  /**
   * Decisions older than `windowMs` (0: none) are reduced in its database, so far up to a slot; `keptFrom` is when the
   * newest of these was decided, null while everything is kept. Null when it does not say.
   */
  retention: { windowMs: number; reducedThrough: number; keptFrom: string | null } | null;
}

/** How a replica's background check of what it stores stands. */
export interface ScrubStatus {
  server: string;
  node: string;
  state: string;
  /** Bytes taken from other members so far by a replica that is none yet; null for a member. */
  gatheredBytes: number | null;
  /** Whole passes over its journal since its process started; null when it does not say. */
  passes: number | null;
  /** How long the last whole pass took, and what it read. */
  lastPassMs: number | null;
  lastPassBytes: number | null;
  /** Damaged records found, and mended from peers, since its process started. */
  found: number | null;
  repaired: number | null;
}

export interface MastersStatus {
  asOf: string;
  leader: string | null;
  quorum: number;
  live: number;
  faultsToleratedNow: number;
  /** The largest slot that any master knows to be decided. */
  decidedThrough: number | null;
  masters: MasterStatus[];
  scrub: ScrubStatus[];
}

/** Plain data about objects, their versions and where they are kept, as the state explorer shows them. */

export type VersionStatus = "pending" | "verified" | "invalid";

/** What one replica stores of a version. */
export interface ReplicaCopy {
  server: string;
  /** Computed again from the bytes it stores, not remembered; empty when they cannot be read. */
  c1: string;
  /** What its scrub found; absent while nothing was ever wrong with this copy. `unread`: it lies behind a corrupt one. */
  mark?: "corrupt" | "repaired" | "unread";
}

export interface StateVersion {
  number: number;
  epoch: number;
  parent: { number: number; epoch: number } | null;
  status: VersionStatus;
  c1: string;
  /** Null until the version is verified. */
  c2: string | null;
  requestId: string;
  executionServer: string;
  /** Members whose passing acceptance tests the masters counted; empty until the version is verified. */
  testers: string[];
  replicas: ReplicaCopy[];
  /** When the masters decided it; for a version they have not decided, when it was looked at. */
  at: string;
  /** Which attempt of its request made it. This and what follows are null until the masters decided it. */
  attempt: number | null;
  /** Slot of the decision that verified it. */
  slot: number | null;
  changeDigest: string | null;
}

/** Exactly what `redoubt state show --json` prints; versions ascending. */
export interface StateObjectHistory {
  object: string;
  /** Null when no master could say. */
  newest: number | null;
  /** Object cluster, its lease and its members as the masters have them now; null when none could say. */
  placement: ObjectPlacement | null;
  versions: StateVersion[];
  /** Ask again with this as `before` for what is older; null at the beginning of the history. */
  older: string | null;
  /** Since when the masters keep every version; null while they keep all, or when none could say. */
  keptFrom: string | null;
  /**
   * Versions older than the masters' retention window belong here: who tested them, their C2 and when they were decided
   * is not known any more, and they are shown as far as replicas have them.
   */
  isCut: boolean;
}

export interface ObjectPlacement {
  cluster: number;
  epoch: number;
  holder: string;
  members: string[];
  faultsTolerated: number;
}

export interface StateObjectSummary {
  object: string;
  type: string;
  versions: number;
  head: {
    number: number;
    epoch: number;
    status: VersionStatus;
    requestId: string;
    at: string;
  };
}

/** Which verified versions are wanted; newest first. */
export interface VersionFilter {
  requestId?: string | undefined;
  executionServer?: string | undefined;
  /** ISO 8601 UTC, inclusive. */
  from?: string | undefined;
  to?: string | undefined;
  /** `next` of the page before. */
  before?: string | undefined;
  limit: number;
}

export interface FoundVersion {
  object: string;
  number: number;
  epoch: number;
  status: VersionStatus;
  requestId: string;
  executionServer: string;
  testers: string[];
  c1: string;
  c2: string;
  slot: number;
  at: string;
}

export interface VersionPage {
  asOf: string;
  versions: FoundVersion[];
  next: string | null;
  /** Nothing older is found: the masters keep every version since then. Null while they keep all. */
  keptFrom: string | null;
}

export interface Placement {
  asOf: string;
  groups: PlacementGroup[];
}

/** Object clusters that share epoch, holder and members. */
export interface PlacementGroup {
  /** Inclusive. */
  clusters: { from: number; to: number }[];
  count: number;
  epoch: number;
  /** Newest epoch whose settlement is decided; lower than `epoch` while one is under way. */
  settledEpoch: number;
  holder: string;
  faultsTolerated: number;
  members: {
    server: string;
    state: "member" | "joining" | "struck off";
    /** The manager's view of its process. */
    serverState: string;
  }[];
  /** How many members may still fail: what counts against t is taken off. */
  faultsToleratedNow: number;
  /** Since when, at the latest, every seat has a member that holds everything; null while one does not, or nobody knows. */
  fullyReplicatedAt: string | null;
}

/** Bytes of a replica's journal that were damaged on purpose. */
export interface CorruptedRecord {
  server: string;
  object: string;
  version: number;
  /** Number of the record in the journal, and where its bytes lie. */
  record: number;
  path: string;
  offset: number;
  bytes: number;
  at: string;
}

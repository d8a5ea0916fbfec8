/** What a state master receives. */
import type { ChangeSummary, Verdict } from "../change.ts";
import type { ChangeName, ClusterRange } from "../decisions.ts";
import type { Digest, Epoch, ObjectClusterNumber, RequestId, ServerName, Slot } from "../ids.ts";
import type { PaxosMessage } from "../paxos-messages.ts";

/** Member or acceptance test server → masters (PROTOCOL §4, §7). */
export type ReportMessage = {
  readonly kind: "report";
  readonly changes: readonly {
    readonly digest: Digest;
    readonly summary: ChangeSummary;
    readonly durable: boolean;
    readonly verdict?: Verdict;
  }[];
};
export interface PromisedPage {
  /** Digest of the whole list and of what had been taken in when it was made. */
  readonly listing: Digest;
  /** 0 … count − 1. */
  readonly index: number;
  readonly count: number;
}
export type PromisedMessage = {
  readonly kind: "promised";
  readonly epoch: Epoch;
  readonly clusters: readonly ClusterRange[];
  /** The undecided changes this member holds in those clusters, in the order it accepted them. */
  readonly undecided: readonly ChangeSummary[];
  /** Of a list that fills more than one message: all pages of one listing together are the list. */
  readonly page?: PromisedPage;
  /** Decisions it has taken in. */
  readonly appliedThrough: Slot;
  /** Names the journal the list was made from. */
  readonly identity?: string;
};
export type FencedMessage = {
  readonly kind: "fenced";
  readonly requestId: RequestId;
  readonly home: ObjectClusterNumber;
  readonly hasRecord: boolean;
};
/** Anybody who follows the decisions → masters. `restarted` once after a start: this process lost its memory of read confirmations. */
export type FollowMessage = {
  readonly kind: "follow";
  readonly after: Slot;
  readonly restarted: boolean;
  /** State replicas only: names the sender's journal. Another one than before means that its disk was lost. */
  readonly identity?: string;
};
/**
 * State replica → masters: C2 of the newest verified version of its objects, recomputed from what is on its disk
 * (docs/PROTOCOL.md §10). One pass over all objects is many messages with one `pass` number.
 */
export type ChecksumsMessage = {
  readonly kind: "checksums";
  readonly identity: string;
  readonly pass: number;
  /** Decisions the sender had taken in when the pass began: the pass covers every object there was then. */
  readonly since: Slot;
  readonly entries: readonly { readonly object: string; readonly number: number; readonly c2: Digest }[];
  /** With the last message of a pass: how many objects it covered, and the decisions taken in by then. */
  readonly end?: { readonly objects: number; readonly appliedThrough: Slot };
};
/** State replica → masters, for the administrator: stored bytes that are not what was written. Repeated until acknowledged by `damageNoted`. */
export type DamageMessage = {
  readonly kind: "damage";
  readonly events: readonly DamageEvent[];
};
export type DamageEvent = {
  /** Counts the sender's events; with `identity` names the event. */
  readonly number: number;
  readonly identity: string;
  readonly state: "found" | "repaired";
  /** Number of the record in the server's journal. */
  readonly record: number;
  /** The first object concerned and its version; empty and 0 when the record holds none. */
  readonly object: string;
  readonly version: number;
  /** Milliseconds since 1970 by the server's clock. */
  readonly at: number;
};
/** Member → masters: a predecessor has been missing for too long (PROTOCOL §4). */
export type GapMessage = {
  readonly kind: "gap";
  readonly epoch: Epoch;
  readonly cluster: ObjectClusterNumber;
  readonly fromSerial: number;
};
/** Regulator → masters. */
export type RequestEpochMessage = {
  readonly kind: "requestEpoch";
  readonly clusters: readonly ClusterRange[];
  /** No effect when any of the clusters has a newer epoch than this already. */
  readonly epochMax: Epoch;
  readonly holder: ServerName;
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
  readonly invalid: readonly ChangeName[];
  /**
   * For these clusters alone, not for the whole domains they are in. The asker answers for it that no ticket names the epoch
   * they have, which must be `epochMax` and settled; the holder must hold nothing else.
   */
  readonly part?: boolean;
};
export type CloseMessage = {
  readonly kind: "close";
  readonly requestId: RequestId;
  readonly home: ObjectClusterNumber;
};
export type OutcomeOfMessage = {
  readonly kind: "outcomeOf";
  readonly requests: readonly RequestId[];
};
export type ClaimPrimaryMessage = {
  readonly kind: "claimPrimary";
  readonly component: "traffic-regulator" | "configuration-manager";
  readonly nonce: string;
  /** Key of the masters' ticket entry in the regulator's new epoch, 64 hexadecimal digits; empty for the manager. */
  readonly mastersKey: string;
};
/** A place among verified versions, newest first: `index` versions of this slot are still to come. */
export type VersionCursor = {
  /** Milliseconds since 1970, of the slot. */
  readonly at: number;
  readonly slot: Slot;
  readonly index: number;
};
/** Verified versions by execution server and time, newest first. Times are milliseconds since 1970, inclusive. */
export type VersionSearch = {
  readonly server?: ServerName;
  readonly from?: number;
  readonly to?: number;
  readonly before?: VersionCursor;
  readonly limit: number;
};
/** Manager → masters: for state explorer and `masters compare`; answered by the process around the core from its own Postgres. */
export type MetadataQueryMessage = {
  readonly kind: "metadataQuery";
  readonly query: string;
  readonly about: /** Its verified versions, newest first, at most `limit`; those older than version `before`, which slot `before` verified. */
    | {
        readonly kind: "object";
        readonly object: string;
        readonly limit?: number;
        readonly before?: { readonly slot: Slot; readonly number: number };
      }
    | { readonly kind: "request"; readonly requestId: RequestId }
    /** Newest versions of objects whose names start with `prefix`, by name, at most `limit`, after the name `after`. */
    | { readonly kind: "objects"; readonly prefix: string; readonly limit: number; readonly after?: string }
    | { readonly kind: "versions"; readonly search: VersionSearch }
    /** Over what is newer than this slot where nothing older is kept by another master (ADR 0022). */
    | { readonly kind: "digest"; readonly from?: Slot }
    | { readonly kind: "placement" };
};

/** Manager → masters: these are to vote from now on; repeated until they do. Servers come and go one at a time (PROTOCOL §11). */
export type ChangeMastersMessage = {
  readonly kind: "changeMasters";
  readonly masters: readonly ServerName[];
};
/** Master → master, between the processes: rows of the other's database after a slot, for a database that lost some. */
export type FetchRowsMessage = {
  readonly kind: "fetchRows";
  readonly after: Slot;
};
/** Ascending; complete from `after` through `through`. Payloads as the databases hold them. */
export type RowsMessage = {
  readonly kind: "rows";
  readonly after: Slot;
  readonly through: Slot;
  readonly rows: readonly { readonly slot: Slot; readonly at: number; readonly payload: Uint8Array }[];
  /** Of rows up to `reducedThrough` the database that answers keeps only what rebuilding needs (ADR 0022); absent: it keeps all. */
  readonly base?: {
    readonly reducedThrough: Slot;
    /** Milliseconds since 1970: the newest time at which one of them was decided. */
    readonly reducedAt: number;
    /** Chain over the rows through that slot, 32 bytes. */
    readonly chainDigest: Uint8Array;
  };
};

export type ToStateMaster =
  | { readonly kind: "paxos"; readonly body: PaxosMessage }
  | ReportMessage
  | PromisedMessage
  | FencedMessage
  | FollowMessage
  | GapMessage
  | ChecksumsMessage
  | DamageMessage
  | RequestEpochMessage
  | CloseMessage
  | OutcomeOfMessage
  | ClaimPrimaryMessage
  | ChangeMastersMessage
  | FetchRowsMessage
  | RowsMessage
  | MetadataQueryMessage;

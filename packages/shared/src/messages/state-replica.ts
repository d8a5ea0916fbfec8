/** What a member of an object cluster (a state replica) receives. */
import type { ChangeRecord, Ticket, VersionReference } from "../change.ts";
import type { ClusterRange, SlotDecisions } from "../decisions.ts";
import type { Digest, Epoch, ObjectClusterNumber, RequestId, ServerName, Slot } from "../ids.ts";

/**
 * Execution server → member. `at` asks for those very versions (shadow run) instead of the newest. The input must be the
 * ticket's: the member works out from it which objects the operation may touch, and denies all others.
 */
export type FetchMessage = {
  readonly kind: "fetch";
  readonly fetch: string;
  readonly ticket: Ticket;
  readonly input: string;
  readonly objects: readonly string[];
  readonly at: readonly VersionReference[];
};
export type ChangeMessage = {
  readonly kind: "change";
  readonly record: ChangeRecord;
};
/** Ed25519 over SHA-256 of the listed change digests: evidence for disputes (PROTOCOL §3). */
export type EvidenceMessage = {
  readonly kind: "evidence";
  readonly digests: readonly Digest[];
  readonly signature: string;
};
/** Shadow result: tested, answered with a `shadowVerdict`, never stored. */
export type ShadowResultMessage = {
  readonly kind: "shadowResult";
  readonly run: string;
  readonly record: ChangeRecord;
};

/** Regulator → member. */
export type TicketKeyMessage = {
  readonly kind: "ticketKey";
  readonly regulatorEpoch: Epoch;
  readonly key: string;
};
export type AnswerAgainMessage = {
  readonly kind: "answerAgain";
  readonly requests: readonly {
    readonly requestId: RequestId;
    readonly attempt: number;
    readonly test: boolean;
    readonly reply: boolean;
    readonly escalate: boolean;
  }[];
};
/** Regulator → member (basic): send C1 answers of this request to that acceptance test server too. */
export type RedesignateMessage = {
  readonly kind: "redesignate";
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly acceptanceTestServer: ServerName;
  /** It tests what was released already, to see whether the others tested right. */
  readonly audit?: boolean;
};

/** Master → member. */
export type StreamMessage = {
  readonly kind: "stream";
  /** Everything after this slot … */
  readonly after: Slot;
  /** … up to and with this one is in `slots` (slots without decisions are left out). */
  readonly through: Slot;
  readonly slots: readonly SlotDecisions[];
  readonly primary: ServerName;
  /** Decisions up to this slot are kept nowhere any more: a follower that lacks them needs a state transfer. */
  readonly prunedThrough?: Slot;
};
export type PromiseMessage = {
  readonly kind: "promise";
  readonly epoch: Epoch;
  readonly clusters: readonly ClusterRange[];
};
export type FenceMessage = {
  readonly kind: "fence";
  readonly requestId: RequestId;
  readonly home: ObjectClusterNumber;
};
export type ReportedMessage = {
  readonly kind: "reported";
  readonly digests: readonly Digest[];
};

/** The primary's answer to `checksums`: these are other versions than the masters verified. */
export type ChecksumsDifferMessage = {
  readonly kind: "checksumsDiffer";
  readonly pass: number;
  /** What the masters have at that number. */
  readonly entries: readonly { readonly object: string; readonly number: number; readonly c2: Digest }[];
};
/** The primary has told the administrator of the damage up to this event. */
export type DamageNotedMessage = {
  readonly kind: "damageNoted";
  readonly through: number;
};

/** Member ↔ member. */
export type FetchChangesMessage = {
  readonly kind: "fetchChanges";
  readonly digests: readonly Digest[];
  /** Of the same changes, in the same order: verified ones are found by them. */
  readonly requestIds: readonly RequestId[];
};
export type ChangesMessage = {
  readonly kind: "changes";
  readonly records: readonly ChangeRecord[];
};

/** Acceptance test server → member (basic): the record and the stored versions it read. */
export type FetchRecordMessage = {
  readonly kind: "fetchRecord";
  readonly digest: Digest;
  /** Versions wanted for a change that no member holds (a shadow result). */
  readonly versions?: readonly VersionReference[];
};

/** Manager → member: for the state explorer. */
export type DescribeObjectMessage = {
  readonly kind: "describeObject";
  readonly query: string;
  readonly object: string;
  /** Only versions with these numbers, inclusive; absent: the newest. */
  readonly numbers?: { readonly from: number; readonly to: number };
};

export type ToStateReplica =
  | FetchMessage
  | ChangeMessage
  | EvidenceMessage
  | ShadowResultMessage
  | TicketKeyMessage
  | AnswerAgainMessage
  | RedesignateMessage
  | StreamMessage
  | PromiseMessage
  | FenceMessage
  | ReportedMessage
  | ChecksumsDifferMessage
  | DamageNotedMessage
  | FetchChangesMessage
  | ChangesMessage
  | FetchRecordMessage
  | DescribeObjectMessage;

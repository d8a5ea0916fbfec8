/** What an execution server receives. */
import type { StoredVersion, Ticket, VersionReference } from "../change.ts";
import type { Digest, Epoch, ObjectClusterNumber, RequestId } from "../ids.ts";

/** Regulator → execution server. */
export type DispatchMessage = {
  readonly kind: "dispatch";
  readonly ticket: Ticket;
  readonly input: string;
  /** Run alone in a fresh worker (suspect lane). */
  readonly disposable: boolean;
};

/**
 * Regulator → another execution server: run the request again on the state at its place in the chain; the result goes
 * to the testers and is discarded (PROTOCOL §10). `reads` are the versions the failing attempt read, where known;
 * other objects are read at their newest.
 */
export type ShadowRunMessage = {
  readonly kind: "shadowRun";
  readonly run: string;
  readonly ticket: Ticket;
  readonly input: string;
  readonly reads: readonly VersionReference[];
};

/** Member → execution server. */
export type FetchedMessage = {
  readonly kind: "fetched";
  readonly fetch: string;
  /** Newest version of each object asked for (or the version asked for); null when there is none. */
  readonly objects: readonly {
    readonly object: string;
    readonly version: StoredVersion | null;
  }[];
  /** For each cluster of the ticket: the last journalled change and its epoch as this member holds it. */
  readonly tips: readonly {
    readonly cluster: ObjectClusterNumber;
    readonly epoch: Epoch;
    readonly follows: Digest;
  }[];
};
export type AcknowledgedMessage = {
  readonly kind: "acknowledged";
  readonly digests: readonly Digest[];
};
export type RefusedMessage = {
  readonly kind: "refused";
  readonly requestId: RequestId;
  readonly attempt: number;
  /** Stable code: "obsolete-request", "ticket", "sender", "stale-epoch", "scope", "order", "not-newest", "fenced", "overloaded", "malformed". */
  readonly reason: string;
};
/** Member → execution server: changes from this serial on are missing in the epoch. */
export type ResendMessage = {
  readonly kind: "resend";
  readonly epoch: Epoch;
  readonly fromSerial: number;
};

export type ToExecutionServer =
  | DispatchMessage
  | ShadowRunMessage
  | FetchedMessage
  | AcknowledgedMessage
  | RefusedMessage
  | ResendMessage;

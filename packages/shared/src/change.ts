/**
 * The words of one request's way through the cluster: ticket, state change, answer (PROTOCOL §2–§6). Objects' values
 * travel as canonical JSON text, so that what is hashed is what is stored.
 */
import type { Digest, Epoch, ObjectClusterNumber, RequestId, ServerName } from "./ids.ts";

/** One object cluster of a ticket: the epoch it names and the members of that epoch. */
export interface TicketCluster {
  readonly cluster: ObjectClusterNumber;
  readonly epoch: Epoch;
  readonly members: readonly ServerName[];
}

export type Profile = "optimized" | "basic";

/** What the regulator allows one execution server to do for one attempt of one request (PROTOCOL §2). */
export interface TicketBody {
  readonly requestId: RequestId;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly operation: string;
  /** Content address of the application bundle, or "genesis" for the internal request that creates the first objects. */
  readonly applicationVersion: string;
  readonly inputDigest: Digest;
  readonly principal: string;
  /** Admission time, milliseconds since 1970; the same on every attempt. */
  readonly now: number;
  /** Seed of `context.id`; the same on every attempt. */
  readonly seed: Digest;
  readonly readOnly: boolean;
  readonly executionServer: ServerName;
  readonly regulatorEpoch: Epoch;
  /** Every object cluster that may be read or written, ascending by number. */
  readonly clusters: readonly TicketCluster[];
  /** The home object cluster: where the request record and the testers live. */
  readonly home: ObjectClusterNumber;
  readonly profile: Profile;
  /** Optimized: t+1 members of the home cluster. Basic: the designated acceptance test server(s). */
  readonly testers: readonly ServerName[];
  /** Faults tolerated in each object cluster (t of 2t+1). */
  readonly faultsTolerated: number;
  /** Checked by execution server and regulator only, milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The ticket and its authenticators: HMAC-SHA-256 of the ticket digest under each member's and the masters' key. */
export interface Ticket {
  readonly body: TicketBody;
  readonly entries: Readonly<Record<ServerName, Digest>>;
  readonly mastersEntry: Digest;
}

/** Identity of a version and its bytes. Number 0 with {@link ZERO_DIGEST} means "the object does not exist". */
export interface VersionReference {
  readonly object: string;
  readonly number: number;
  readonly epoch: Epoch;
  readonly c1: Digest;
}

/** Identity of a parent version (the object is the child's). */
export interface ParentReference {
  readonly number: number;
  readonly epoch: Epoch;
  readonly c1: Digest;
}

/** A new version as the execution server sends it. */
export interface VersionWrite {
  readonly object: string;
  readonly number: number;
  readonly epoch: Epoch;
  readonly parent: ParentReference;
  /** Canonical JSON text of the value. */
  readonly bytes: string;
}

/**
 * The place of a change in one object cluster. Every change that is journalled names the one before it, so the changes
 * of an object cluster form one chain (ADR 0002); serials order everything, read-only requests too.
 */
export interface ChainLink {
  readonly cluster: ObjectClusterNumber;
  readonly epoch: Epoch;
  /** Serial of the holder's previous change (read-only ones too) in this cluster and epoch; 0 for the first. */
  readonly predecessorSerial: number;
  /** Digest of the previous journalled change of this cluster, in this or an earlier epoch; {@link ZERO_DIGEST} for the first ever. */
  readonly follows: Digest;
}

/** One request's state change with its reply, as multicast to every member of every object cluster touched (PROTOCOL §3). */
export interface ChangeRecord {
  readonly ticket: Ticket;
  /** Canonical JSON text of the input. */
  readonly input: string;
  /** Canonical JSON text of {status, body}. */
  readonly reply: string;
  readonly reads: readonly VersionReference[];
  readonly writes: readonly VersionWrite[];
  /** The holder's serial number, 1 for its first change in the epoch; one sequence over all its object clusters. */
  readonly serial: number;
  /** One per ticket cluster, in the ticket's order. */
  readonly links: readonly ChainLink[];
}

/** All of a change but the bytes; enough to recompute its digest. What members report and list (PROTOCOL §4, §8). */
export interface ChangeSummary {
  readonly ticket: TicketBody;
  readonly mastersEntry: Digest;
  readonly replyDigest: Digest;
  readonly reads: readonly VersionReference[];
  readonly writes: readonly (VersionReference & {
    readonly parent: ParentReference;
  })[];
  readonly serial: number;
  readonly links: readonly ChainLink[];
}

/** One object an execution server asked a member for, or named in its change. */
export interface LoggedAccess {
  readonly object: string;
  readonly mode: "fetch" | "read" | "write";
  readonly granted: boolean;
}

/** Outcome of one acceptance test of one change by one tester. */
export type Verdict =
  | { readonly kind: "pass" }
  | { readonly kind: "fail"; readonly check: string; readonly detail: string }
  /** The test died or ran out of time: says nothing about the change (PROTOCOL §5). */
  | { readonly kind: "unable"; readonly detail: string };

export interface ReplyContent {
  /** HTTP status the application chose: 200 or a 4xx refusal. */
  readonly status: number;
  readonly body: unknown;
}

/** A version as a member stores it. */
export interface StoredVersion {
  readonly object: string;
  readonly number: number;
  readonly epoch: Epoch;
  readonly parent: ParentReference;
  readonly requestId: RequestId;
  readonly bytes: string;
  readonly c1: Digest;
}

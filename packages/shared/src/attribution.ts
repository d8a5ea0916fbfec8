/**
 * Who was found guilty of a failure, and what shows it, as the regulator tells the manager and as people read it (paper §3.2,
 * REQUIREMENTS U4, U6). Metadata only: digests and verdicts, never inputs or replies.
 */
import type { Digest, RequestId, ServerName } from "./ids.ts";

export const guiltyParties = [
  /** Malformed: it failed on enough distinct processes. */
  "request",
  "execution-server",
  "state-replica",
  "acceptance-test-server",
  /** The routine itself ends, or seems to be wrong: nobody is blamed. */
  "acceptance-test",
  /** Messages were late or lost, or nobody can be told guilty: nobody is blamed. */
  "network",
] as const;
export type GuiltyParty = (typeof guiltyParties)[number];

export interface AttributionVoice {
  readonly server: ServerName;
  /** Of the change, which covers the C1 of every version (docs/PROTOCOL.md §1); of the result in a shadow run. */
  readonly digest: Digest;
  /** pass, fail or unable; null when it did not test. */
  readonly verdict: string | null;
}

/** One attempt or shadow run. */
export interface AttributionRun {
  readonly kind: "attempt" | "shadow-run";
  readonly attempt: number;
  readonly server: ServerName;
  readonly incarnation: string;
  readonly epoch: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** From its dispatch until then, on the regulator's monotonic clock. */
  readonly lastedMs: number;
  /** `inside`: it ran in a process that ended, and may have nothing to do with it. */
  readonly outcome: "failed" | "inside" | "passed" | "inconclusive";
  readonly check: string;
  readonly detail: string;
  readonly members: readonly AttributionVoice[];
  readonly acceptance: readonly AttributionVoice[];
  /** Changes for which a right signature of the server was shown; two for one ticket are proof. */
  readonly signed: readonly Digest[];
}

export interface AttributionEvidence {
  readonly runs: readonly AttributionRun[];
  /** Processes (`server incarnation`) at which it failed, and in which way. */
  readonly strikes: readonly { readonly process: string; readonly kind: string }[];
}

export interface Attribution {
  readonly guilty: GuiltyParty;
  /** The guilty processes; empty for a request or the network. */
  readonly servers: readonly { readonly server: ServerName; readonly incarnation: string }[];
  readonly requestId: RequestId;
  readonly check: string;
  readonly detail: string;
  readonly evidence: AttributionEvidence;
}

/** Plain data about one request's way through the cluster: what regulator, replicas, masters and manager each know of it. */
import type {
  AttributionEvidence,
  GuiltyParty,
  QuarantineReason,
  QuarantineState,
  RequestTraceSeen,
} from "@redoubt/shared";
import type { VersionStatus } from "./state.ts";

export type HopTone = "plain" | "good" | "warn" | "bad";

/** One thing that happened to the request, in words. */
export interface RequestHopTold {
  /** ISO 8601 UTC; of the clock of whoever told it. */
  at: string;
  /** Milliseconds since its admission on the regulator's own clock; null when only another party knows of it. */
  ms: number | null;
  /** Who did it, or where it happened. */
  server: string;
  event: string;
  detail: string;
  /** Attempt it belongs to; null when to none. */
  attempt: number | null;
  tone: HopTone;
}

export interface RequestAttempt {
  number: number;
  /** Shadow runs find out who was at fault: their results are discarded. */
  kind: "attempt" | "shadow run";
  executionServer: string;
  at: string;
  /** Since admission; null when the regulator no longer knows. */
  ms: number | null;
  epoch: number | null;
  testers: string[];
  members: string[];
  /** In a worker process of its own. */
  alone: boolean;
  outcome: string;
  tone: HopTone;
  /** What it failed with; null when it did not, or nobody knows. */
  failure: { detector: string; check: string; detail: string } | null;
}

/** What one tester said of one attempt. */
export interface RequestTest {
  attempt: number;
  kind: RequestAttempt["kind"];
  server: string;
  verdict: "passed" | "failed" | "could not run";
  check: string | null;
  detail: string | null;
  ms: number;
}

export interface RequestVersion {
  object: string;
  number: number;
  epoch: number;
  status: VersionStatus;
  c1: string;
  executionServer: string;
  attempt: number | null;
  /** Slot of the decision; null while there is none. */
  slot: number | null;
  testers: string[];
  /** Replicas that were asked for it now and say that they store it, with C1 computed again; null when they were not asked. */
  replicas: { server: string; c1: string }[] | null;
}

/** Where an attribution ended, as the regulator told it: the evidence itself. */
export interface RequestAttribution {
  at: string;
  guilty: GuiltyParty;
  servers: { server: string; incarnation: string }[];
  check: string;
  detail: string;
  evidence: AttributionEvidence;
}

/** The same for people, with what else is known. */
export interface RequestFault {
  /** Who was found at fault; `undecided` while it is being found out. */
  guilty: GuiltyParty | "nobody" | "undecided";
  sentence: string;
  /** What it rests on, line by line. */
  evidence: { server: string; text: string; tone: HopTone }[];
  incidents: { incidentId: string; title: string; subject: string; openedAt: string; closedAt: string | null }[];
}

/** An answer that left for the client. */
export interface RequestAnswer {
  at: string;
  ms: number | null;
  status: number;
  /** How many waiting exchanges got it; 0 when nobody waited any more. */
  exchanges: number;
  /** Of them repetitions of the same request, which are told so by `Idempotent-Replayed`. */
  repeated: number;
  why: string;
}

/** Exactly what `redoubt request show --json` prints. */
export interface RequestHistory {
  asOf: string;
  requestId: string;
  operation: string;
  client: string;
  host: string;
  receivedAt: string;
  log: "L1" | "L2" | "L3";
  /** State of its attempt while it is in L3. */
  state: string | null;
  outcome: string;
  replyStatus: number | null;
  attempts: RequestAttempt[];
  hops: RequestHopTold[];
  tests: RequestTest[];
  versions: RequestVersion[];
  /** Null when nothing failed. */
  fault: RequestFault | null;
  /** Oldest first; empty for a request that nobody failed with. */
  attributions: RequestAttribution[];
  answers: RequestAnswer[];
  quarantine: {
    state: QuarantineState;
    reason: QuarantineReason;
    check: string;
    decidedBy: string | null;
    decidedAt: string | null;
    decisionReason: string | null;
  } | null;
  verdict: string | null;
  /** The regulator's own record of its hops; null when it has none any more. */
  trace: RequestTraceSeen | null;
  /** What nobody could say, sentence by sentence. */
  unknown: string[];
}

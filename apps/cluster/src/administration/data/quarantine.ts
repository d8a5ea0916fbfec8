/** Plain data about quarantined requests (L1): the list and the eight evidence blocks an administrator decides on. */
import type { QuarantineReason, QuarantineState } from "@redoubt/shared";

export interface QuarantineSummary {
  requestId: string;
  operation: string;
  /** The operation's title for people, filled from the input with confidential parts left out. */
  title: string;
  client: string;
  host: string;
  reason: QuarantineReason;
  /** Name of the acceptance test, rule or signature that failed or matched. */
  check: string;
  at: string;
  state: QuarantineState;
  severity: "low" | "high";
  claimedBy: string | null;
  /** A held request is still waiting for a decision; a rejected one already had its 403. */
  onQuarantine: "reject" | "hold";
  /** A held request that nobody has decided is rejected at this time; null: it is decided, or was rejected at once. */
  heldUntil: string | null;
}

export interface QuarantineFilter {
  states?: QuarantineState[] | undefined;
  reasons?: QuarantineReason[] | undefined;
  operation?: string | undefined;
  client?: string | undefined;
  host?: string | undefined;
  /** At most 500. */
  limit: number;
  /** Only items older than this one (for the next page). */
  before?: string | undefined;
}

export interface QuarantinePage {
  asOf: string;
  items: QuarantineSummary[];
  /** How many match the filter in all. */
  total: number;
  counts: Record<QuarantineState, number>;
}

export interface ObjectTouched {
  object: string;
  mode: "read" | "written";
  /** Was it inside the operation's declared access set? */
  allowed: boolean;
  versions: {
    number: number;
    epoch: number;
    status: "pending" | "verified" | "invalid";
    c1: { server: string; c1: string }[];
  }[];
}

export interface SimilarRequest {
  requestId: string;
  operation: string;
  at: string;
  log: "L1" | "L2";
  relation: "same signature" | "same host" | "same client" | "near duplicate";
  outcome: string;
}

/** Result of running the request again in isolation on the state at its place in the version chain (PROTOCOL §10). */
export interface ShadowRun {
  at: string;
  outcome: "failed again" | "passed" | "crashed again" | "not run";
  executionServer: string | null;
  check: string | null;
  stateDifference: {
    object: string;
    field: string;
    before: string;
    after: string;
    allowed: boolean;
  }[];
  replyStatus: number | null;
  sentence: string;
}

export interface QuarantineItem extends QuarantineSummary {
  asOf: string;
  /** Block 1: one sentence that says what failed and where it came from. */
  verdict: {
    sentence: string;
    at: string;
    source: QuarantineReason;
    testers: string[];
  };
  /** Block 2: the request, without its payload (that is a read of its own, with its own permission). */
  request: {
    method: string;
    route: string;
    principal: string;
    host: string;
    /** Why the host may not be what it looks like: trusted proxy, cluster node, this console's own address. */
    hostNote: string | null;
    receivedAt: string;
    sizeBytes: number;
    contentType: string;
    idempotencyKey: string | null;
    /** How many requests this principal had sent before, when known. */
    sequence: number | null;
  };
  /** Block 3: what the execution did. */
  did: {
    executionServer: string | null;
    attempts: number;
    objects: ObjectTouched[];
    reply: { status: number | null; released: boolean; leakFindings: string[] };
  };
  /** Block 4: what speaks for or against coincidence. */
  confidence: {
    executionServerFailures: number;
    executionServerState: string;
    overloaded: boolean | null;
    intrusionAlerts: number | null;
    acceptedElsewhere: boolean | null;
    sentence: string;
  };
  /** Block 5. */
  history: {
    sameSignature: number;
    sameHost: number;
    sameClient: number;
    similar: SimilarRequest[];
  };
  /** Block 6; null when no shadow run was made. */
  replay: ShadowRun | null;
  /** Block 7: what each button does, sentence by sentence. */
  consequences: {
    release: string[];
    rerun: string[];
    confirm: string[];
    nothing: string[];
  };
  /** Block 8. */
  who: {
    claimedBy: string | null;
    claimedUntil: string | null;
    releaseRequestedBy: string | null;
    decidedBy: string | null;
    decidedAt: string | null;
    decisionReason: string | null;
    deadline: string | null;
    notes: { at: string; by: string; text: string }[];
  };
}

/** The bytes of a request as they came in. Untrusted: shown only through the inert viewer. */
export interface QuarantinePayload {
  requestId: string;
  contentType: string;
  sizeBytes: number;
  /** First bytes, base64; at most 256 KiB. */
  bytesBase64: string;
  truncated: boolean;
  /** Fields whose values were replaced by dots. Empty when unmasked or when nothing is confidential. */
  maskedFields: string[];
  /** Byte ranges the failed check points at, [from, to). */
  matched: { from: number; to: number; why: string }[];
}

export interface QuarantineDecision {
  requestId: string;
  state: QuarantineState;
  /** Id of the new request when a rejected one is run again; of the same one when a held one is. */
  rerunRequestId: string | null;
  /** What happened, sentence by sentence, for the person who pressed the button. */
  effects: string[];
}

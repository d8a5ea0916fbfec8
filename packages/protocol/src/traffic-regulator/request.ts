/**
 * One request in L3 and its current attempt, as plain mutable state. Which state may follow which is in attempts.ts; what
 * happens on entering one is in the files named after it.
 */
import type {
  AttributionRun,
  ChangeName,
  Digest,
  DispatchMessage,
  Epoch,
  ObjectClusterNumber,
  RequestId,
  ServerName,
  VersionReference,
} from "@redoubt/shared";
import type { Assignment } from "./assignments.ts";
import type { RequestState } from "./attempts.ts";
import type { Detector } from "./attribution.ts";
import type { AcceptanceVote, Vote } from "./release.ts";
import type { Strikes } from "./strikes.ts";
import type { RequestTrace } from "./traces.ts";
import type { AdmittedRecord, Hold, QuarantineReason } from "./types.ts";

/** Members named different changes for one ticket. */
export interface Divergence {
  readonly since: number;
  judged: boolean;
  /** Changes for which a right signature of the execution server was shown. */
  readonly signed: Set<Digest>;
}

/** One dispatch of the request to one execution server process. */
export interface Attempt {
  readonly number: number;
  readonly epoch: Epoch;
  readonly testers: readonly ServerName[];
  /** Empty for an attempt that a settlement kept, when this regulator cannot tell who made it. */
  readonly server: ServerName;
  readonly incarnation: string;
  readonly publicKey: string;
  /** Members of all clusters of the ticket. */
  readonly members: readonly ServerName[];
  readonly homeMembers: readonly ServerName[];
  readonly disposable: boolean;
  /** As it was sent, to be sent again; undefined for an attempt that a settlement kept. */
  readonly dispatch: DispatchMessage | undefined;
  readonly votes: Map<ServerName, Vote>;
  /** Made when the first one comes (basic profile). */
  acceptance: Map<ServerName, AcceptanceVote> | undefined;
  /** Acceptance test servers designated so far (basic profile). */
  readonly designated: ServerName[];
  readonly startedAt: number;
  deadlineAt: number;
  divergence: Divergence | undefined;
  /** Asked for at once, not only by the retry timer; never twice, or each answer would cause the next question. */
  escalated: boolean;
  replyAsked: boolean;
}

/** What failed, until attribution says who was at fault. */
export interface Blame {
  readonly detector: Detector;
  readonly check: string;
  readonly detail: string;
  readonly reason: QuarantineReason;
  readonly server: ServerName;
  readonly incarnation: string;
  readonly attempt: number;
  readonly reads: readonly VersionReference[];
  /** False: it was only inside a worker that crashed, and is screened alone before it runs again. */
  readonly direct: boolean;
}

/** How a request leaves L3. */
export type Ending =
  | {
      readonly kind: "reply";
      readonly reply: string;
      readonly changeDigest: Digest;
      readonly by: "all-members" | "masters";
    }
  | { readonly kind: "closed" }
  /** Condemned, but a person may still release it. */
  | { readonly kind: "held"; readonly hold: Hold }
  /** It was verified before the window: 410. */
  | { readonly kind: "expired" };

export interface PendingRequest {
  /** Replaced only when another version takes over a withheld request. */
  record: AdmittedRecord;
  readonly requestId: RequestId;
  /** Made by the regulator itself: creation of the first objects, or a re-run that an administrator asked for. */
  readonly internal: "genesis" | "rerun" | undefined;
  readonly readOnly: boolean;
  /** Ascending. */
  readonly clusters: readonly ObjectClusterNumber[];
  readonly home: ObjectClusterNumber;
  readonly deadlineMs: number;
  /** Monotonic; negative after a restart means "before it". */
  readonly arrivedAt: number;
  /** What happened to it, for administrators. */
  readonly trace: RequestTrace;
  /** Exchanges that wait for the answer; `repeated` ones get `Idempotent-Replayed`. */
  readonly exchanges: { readonly exchange: string; readonly repeated: boolean; readonly expiresAt: number }[];
  /** Reply text that each member sent, one each, its digest checked: a lying one cannot crowd out the right text. */
  readonly replies: Map<ServerName, { readonly digest: Digest; readonly text: string }>;
  /** Processes at which it failed without anybody being found guilty. */
  readonly strikes: Strikes;
  /** What became of its failed attempts and shadow runs so far; evidence only. */
  readonly trail: AttributionRun[];
  state: RequestState;
  /** Highest attempt number used. */
  attempt: number;
  current: Attempt | undefined;
  /** What a dead attempt means: dispatch again, find out who was guilty, or close. */
  disposition: "retry" | "shadow" | "condemn";
  blame: Blame | undefined;
  /** False: condemned, but nobody is blamed (acceptance test that dies, breaker, budget). */
  blamed: boolean;
  /** The change that this regulator has asked the masters to make invalid: only they can release it from then on. */
  invalidated: Digest | undefined;
  /** A settlement of an epoch after this one says what became of the attempt. */
  doomedAfter: number;
  /** In the suspect lane because of its own failures. */
  suspect: boolean;
  /** It was inside something that ended, among others; not yet shown to be harmless. */
  isSifted: boolean;
  /** It failed with nothing else around it: only then can it be condemned by the times it was inside something that ended. */
  hasFailedAlone: boolean;
  failures: number;
  softFailures: number;
  /** One of the first requests of a version that replaced another. */
  readonly onTrial: boolean;
  /** Its principal was in the suspect lane, for other reasons, when it was dispatched first. */
  cameSuspect: boolean;
  /** A shadow run has shown it harmless: it need not be tried again before its attempt. */
  isRehearsed: boolean;
  /** The suspect check for which it waits without an attempt. */
  withheldFor: string | undefined;
  /** Times the acceptance test ended on it, or could not judge it, since a result of it could be tested. */
  untestable: number;
  verified: { readonly change: ChangeName; readonly replyDigest: Digest } | undefined;
  survivor: ChangeName | undefined;
  /** Who was given its newest attempt before this regulator started, where that is certain. */
  assigned: Assignment | undefined;
  ending: Ending | undefined;
  /** Ancestors waited for (release rule (c)). */
  awaited: readonly Digest[];
  /** The masters were asked for its outcome at this time because of a member's hint. */
  hintAt: number;
  retryAt: number | undefined;
  retryDelayMs: number;
  /** Bucketed due time that is still to come. */
  scheduledAt: number | undefined;
}

/** What the traffic regulator receives. */
import type { ChangeSummary, Profile, Verdict, VersionReference } from "../change.ts";
import type { RequestOutcome } from "../decisions.ts";
import type { Digest, Epoch, RequestId, ServerName } from "../ids.ts";
import type { MisbehaviourAct } from "../misbehaviour.ts";
import type { StreamMessage } from "./state-replica.ts";

/** Member → regulator: this change is durable here; with the verdict when this member tested it (PROTOCOL §4–§6). */
export type AnswerMessage = {
  readonly kind: "answer";
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly changeDigest: Digest;
  readonly replyDigest: Digest;
  /** `follows` of the change's links, without {@link ZERO_DIGEST}: the ancestors of PROTOCOL §6 (c). */
  readonly follows: readonly Digest[];
  /** False for read-only requests, which are only confirmed. */
  readonly durable: boolean;
  readonly verdict?: Verdict;
  /** Reply text, from the first tester or when asked for. */
  readonly reply?: string;
  /** Versions read, with a failing verdict: what the shadow run needs. */
  readonly reads?: readonly VersionReference[];
  /** This member knew the request id from another attempt: the answer is a hint about that one. */
  readonly known: boolean;
};
/** Member → regulator: it lacks its key of this regulator epoch, and can check no ticket. */
export type AskTicketKeyMessage = {
  readonly kind: "askTicketKey";
  readonly regulatorEpoch: Epoch;
};
/**
 * Member → regulator (basic): the masters have not decided this change for long enough that its acceptance test server may
 * keep its verdict from them; another one should test it.
 */
export type AskTesterMessage = {
  readonly kind: "askTester";
  readonly requestId: RequestId;
  readonly attempt: number;
};
/** Member → regulator: something an execution server sent was refused; evidence for attribution. */
export type RefusalReportMessage = {
  readonly kind: "refusalReport";
  readonly executionServer: ServerName;
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly reason: string;
  readonly detail: string;
  /** What the sender did; absent where races explain the refusal. */
  readonly act?: MisbehaviourAct;
  /** Digests of what was refused, where it could be read. */
  readonly ticketDigest?: Digest;
  readonly changeDigest?: Digest;
};
/**
 * Member → regulator: a change this member holds or has refused, and its sender's signature over it. The summary proves
 * which ticket the digest belongs to; without it a faulty member could accuse a server with what it signed for another.
 */
export type EvidenceReportMessage = {
  readonly kind: "evidenceReport";
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly changeDigest: Digest;
  readonly summary: ChangeSummary;
  readonly evidence: {
    readonly digests: readonly Digest[];
    readonly signature: string;
  };
};
/** Tester → regulator. */
export type ShadowVerdictMessage = {
  readonly kind: "shadowVerdict";
  readonly run: string;
  readonly verdict: Verdict;
  readonly resultDigest: Digest;
  /** Who sent the result, and the ticket it was made under: a run is judged by its own server's result under its own ticket. */
  readonly executionServer: ServerName;
  readonly ticketDigest: Digest;
};
/** Execution server → regulator: the request could not be finished (worker died, timed out, threw) or is obsolete. */
export type ExecutionFailedMessage = {
  readonly kind: "executionFailed";
  readonly requestId: RequestId;
  readonly attempt: number;
  /** Set for shadow runs. */
  readonly run?: string;
  readonly reason: "crash" | "timeout" | "oversize" | "thrown" | "refused" | "stale" | "cpu";
  readonly detail: string;
  /** Requests that were inside the same worker. */
  readonly alsoInside: readonly RequestId[];
};
/** Acceptance test server → regulator (basic). */
export type AcceptanceMessage = {
  readonly kind: "acceptance";
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly changeDigest: Digest;
  readonly verdict: Verdict;
  readonly replyDigest: Digest;
  readonly reply: string;
  readonly reads?: readonly VersionReference[];
};
/** Master → regulator. */
export type OutcomesMessage = {
  readonly kind: "outcomes";
  readonly outcomes: readonly {
    readonly requestId: RequestId;
    readonly outcome: RequestOutcome;
  }[];
};

/** Master → regulator: a member's list in a settlement is no possible state of a right one (docs/PROTOCOL.md §4), or its checksums are not the masters'. */
export type MemberMisbehavedMessage = {
  readonly kind: "memberMisbehaved";
  readonly member: ServerName;
  /** Of the settlement; 0 where it is about none. */
  readonly epoch: Epoch;
  readonly reason: string;
  /** An impossible list unless it says otherwise. */
  readonly act?: MisbehaviourAct;
};

/** Manager → regulator: the desired set of execution servers, clients and so on; whole state, idempotent, versioned. */
export type RegulatorConfigurationMessage = {
  readonly kind: "regulatorConfiguration";
  readonly version: number;
  readonly clients: readonly {
    readonly id: string;
    readonly name: string;
    readonly keyHash: Digest;
    readonly roles: readonly string[];
  }[];
  /** Execution servers that may be given work, with the process (incarnation) that bears the name now. */
  readonly executionServers: readonly {
    readonly server: ServerName;
    readonly incarnation: string;
    readonly publicKey: string;
  }[];
  readonly acceptanceTestServers: readonly ServerName[];
  readonly members: readonly ServerName[];
  readonly masters: readonly ServerName[];
  readonly faultsTolerated: number;
  readonly profile: Profile;
  /** Basic: a of 2a+1 designated acceptance test servers may be faulty. Default 0. */
  readonly acceptanceFaultsTolerated?: number;
  /** Basic: of the replies released so many percent are tested again by another acceptance test server. Default 2. */
  readonly auditPercent?: number;
  readonly strictPaper: boolean;
  /** Addresses that are never blocked (DESIGN §5). */
  readonly exemptAddresses: readonly string[];
  /** Absent: the version the cluster was made with. */
  readonly application?: ApplicationChoice;
};
/** Which version of the application admits requests, as the manager recorded it before it said so (I12). */
export type ApplicationChoice = {
  /** Names the order: the same version chosen twice is on trial twice. */
  readonly order: number;
  /** Content address of its bundle. */
  readonly current: string;
  /** The version it replaced; absent for the first one, which has nothing to go back to. */
  readonly replaces?: string;
  /** Its first requests, in which the breaker looks at all failures together (PROTOCOL §10). */
  readonly trialRequests: number;
};
/** Manager → regulator: this execution server's process is gone. */
export type ServerGoneMessage = {
  readonly kind: "serverGone";
  readonly server: ServerName;
  readonly incarnation: string;
  readonly cause: string;
};
/** Manager → regulator: an administrator's decision on a quarantined request or a block; answered with `regulatorFact`s. */
export type QuarantineOrderMessage = {
  readonly kind: "quarantineOrder";
  readonly order: string;
  readonly action:
    | {
        readonly kind: "release";
        readonly requestId: RequestId;
        readonly rerun: boolean;
      }
    | { readonly kind: "confirm"; readonly requestId: RequestId }
    | {
        readonly kind: "unblock";
        readonly principal?: string;
        readonly address?: string;
      };
};
/** Manager → regulator: read from the logs; answered with `logPage`. */
export type ReadLogMessage = {
  readonly kind: "readLog";
  readonly query: string;
  readonly log: "L1" | "L2" | "L3";
  readonly requestId?: RequestId;
  readonly limit: number;
};
export type FactsAcknowledgedMessage = {
  readonly kind: "factsAcknowledged";
  readonly through: number;
};

export type ToTrafficRegulator =
  | AnswerMessage
  | AskTicketKeyMessage
  | AskTesterMessage
  | RefusalReportMessage
  | EvidenceReportMessage
  | ShadowVerdictMessage
  | ExecutionFailedMessage
  | AcceptanceMessage
  | StreamMessage
  | OutcomesMessage
  | MemberMisbehavedMessage
  | RegulatorConfigurationMessage
  | ServerGoneMessage
  | QuarantineOrderMessage
  | ReadLogMessage
  | FactsAcknowledgedMessage;

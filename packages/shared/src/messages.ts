/**
 * The message catalogue, one union per receiving component, and the table of who may send what (DESIGN §10). A message
 * outside the table closes the link and is reported.
 */
import type {
  ChangeRecord,
  ChangeSummary,
  Profile,
  StoredVersion,
  Ticket,
  Verdict,
  VersionReference,
} from "./change.ts";
import type { Component } from "./components.ts";
import type { ChangeName, ClusterRange, RequestOutcome, SlotDecisions } from "./decisions.ts";
import type { Digest, Epoch, ObjectClusterNumber, RequestId, ServerName, Slot } from "./ids.ts";
import type { PaxosMessage } from "./paxos-messages.ts";

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

/** Execution server → member. `at` asks for those very versions (shadow run) instead of the newest. */
export type FetchMessage = {
  readonly kind: "fetch";
  readonly fetch: string;
  readonly ticket: Ticket;
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

/** Member ↔ member. */
export type FetchChangesMessage = {
  readonly kind: "fetchChanges";
  readonly digests: readonly Digest[];
};
export type ChangesMessage = {
  readonly kind: "changes";
  readonly records: readonly ChangeRecord[];
};

/** Acceptance test server → member (basic): the record and the stored versions it read. */
export type FetchRecordMessage = {
  readonly kind: "fetchRecord";
  readonly digest: Digest;
};

/** Manager → member: for the state explorer. */
export type DescribeObjectMessage = {
  readonly kind: "describeObject";
  readonly query: string;
  readonly object: string;
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
  | FetchChangesMessage
  | ChangesMessage
  | FetchRecordMessage
  | DescribeObjectMessage;

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
/** Member → regulator: something an execution server sent was refused; evidence for attribution. */
export type RefusalReportMessage = {
  readonly kind: "refusalReport";
  readonly executionServer: ServerName;
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly reason: string;
  readonly detail: string;
};
/** Member → regulator: what this member holds for a request with diverging answers: the digest and its sender's signature. */
export type EvidenceReportMessage = {
  readonly kind: "evidenceReport";
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly changeDigest: Digest;
  readonly evidence?: {
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
};
/** Execution server → regulator: the request could not be finished (worker died, timed out, threw) or is obsolete. */
export type ExecutionFailedMessage = {
  readonly kind: "executionFailed";
  readonly requestId: RequestId;
  readonly attempt: number;
  /** Set for shadow runs. */
  readonly run?: string;
  readonly reason: "crash" | "timeout" | "oversize" | "thrown" | "refused" | "stale";
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
  readonly strictPaper: boolean;
  /** Addresses that are never blocked (DESIGN §5). */
  readonly exemptAddresses: readonly string[];
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
  | RefusalReportMessage
  | EvidenceReportMessage
  | ShadowVerdictMessage
  | ExecutionFailedMessage
  | AcceptanceMessage
  | StreamMessage
  | OutcomesMessage
  | RegulatorConfigurationMessage
  | ServerGoneMessage
  | QuarantineOrderMessage
  | ReadLogMessage
  | FactsAcknowledgedMessage;

/** Member → acceptance test server (basic): the C1 vote. */
export type MemberAnswerMessage = {
  readonly kind: "memberAnswer";
  readonly summary: ChangeSummary;
  readonly changeDigest: Digest;
};
export type RecordMessage = {
  readonly kind: "record";
  readonly digest: Digest;
  /** Null when this member does not hold it. */
  readonly record: ChangeRecord | null;
  /** The versions read and the parents of the writes, as stored here. */
  readonly before: readonly StoredVersion[];
};
export type ToAcceptanceTestServer = MemberAnswerMessage | RecordMessage | ShadowResultMessage | StreamMessage;

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
export type PromisedMessage = {
  readonly kind: "promised";
  readonly epoch: Epoch;
  readonly clusters: readonly ClusterRange[];
  /** The undecided changes this member holds in those clusters, in the order it accepted them. */
  readonly undecided: readonly ChangeSummary[];
  /** Decisions it has taken in. */
  readonly appliedThrough: Slot;
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
/** Manager → masters: for state explorer and `masters compare`; answered by the process around the core from its own Postgres. */
export type MetadataQueryMessage = {
  readonly kind: "metadataQuery";
  readonly query: string;
  readonly about:
    | { readonly kind: "object"; readonly object: string }
    | { readonly kind: "request"; readonly requestId: RequestId }
    | { readonly kind: "digest" }
    | { readonly kind: "placement" };
};

export type ToStateMaster =
  | { readonly kind: "paxos"; readonly body: PaxosMessage }
  | ReportMessage
  | PromisedMessage
  | FencedMessage
  | FollowMessage
  | GapMessage
  | RequestEpochMessage
  | CloseMessage
  | OutcomeOfMessage
  | ClaimPrimaryMessage
  | MetadataQueryMessage;

/** Regulator → manager: a numbered fact, repeated until acknowledged (R42, U31). */
export type RegulatorFactsMessage = {
  readonly kind: "regulatorFacts";
  readonly facts: readonly NumberedFact[];
};
export type NumberedFact = {
  readonly number: number;
  readonly at: number;
  readonly fact: RegulatorFact;
};
export type RegulatorFact =
  | {
      readonly kind: "quarantined";
      readonly requestId: RequestId;
      readonly attempt: number;
      readonly operation: string;
      readonly clientId: string;
      readonly host: string;
      readonly reason: string;
      readonly check: string;
      readonly detail: string;
      readonly executionServer: string;
      readonly payload: string;
      readonly state: "rejected" | "held";
      readonly evidence: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: "quarantineChanged";
      readonly requestId: RequestId;
      readonly state: "released" | "confirmed";
      readonly order: string;
    }
  | {
      readonly kind: "hostBlocked";
      readonly principal?: string;
      readonly address?: string;
      readonly requestId: RequestId;
      readonly reason: string;
    }
  | {
      readonly kind: "hostUnblocked";
      readonly principal?: string;
      readonly address?: string;
    }
  | {
      readonly kind: "blockWithheld";
      readonly address: string;
      readonly requestId: RequestId;
      readonly reason: string;
    }
  | {
      readonly kind: "signatureLearned";
      readonly signature: string;
      readonly requestId: RequestId;
      readonly operation: string;
    }
  /** Shut this process down (or isolate it): the regulator gives it no more work (PROTOCOL §10). */
  | {
      readonly kind: "discardServer";
      readonly server: ServerName;
      readonly incarnation: string;
      readonly requestId: RequestId;
      readonly detector: "acceptance-test" | "checksum-vote" | "deadline" | "crash" | "refusal" | "reply-audit";
      readonly check: string;
      readonly detail: string;
    }
  /** The shadow run passed: the server, not the request, was at fault. */
  | {
      readonly kind: "serverConvicted";
      readonly server: ServerName;
      readonly incarnation: string;
      readonly requestId: RequestId;
      readonly evidence: string;
    }
  | {
      readonly kind: "requestExonerated";
      readonly requestId: RequestId;
      readonly clientId: string;
    }
  | {
      readonly kind: "breakerTripped";
      readonly operation: string;
      readonly check: string;
    }
  | {
      readonly kind: "epochOpened";
      readonly epoch: Epoch;
      readonly holder: ServerName;
      readonly reason: string;
    };

export type ToConfigurationManager =
  | RegulatorFactsMessage
  | {
      readonly kind: "logPage";
      readonly query: string;
      readonly entries: readonly Readonly<Record<string, unknown>>[];
      readonly counts: {
        readonly L1: number;
        readonly L2: number;
        readonly L3: number;
      };
    }
  | {
      readonly kind: "traffic";
      readonly counters: Readonly<Record<string, number>>;
    }
  | {
      readonly kind: "objectDescription";
      readonly query: string;
      readonly object: string;
      readonly versions: readonly {
        readonly number: number;
        readonly epoch: Epoch;
        readonly c1: Digest;
        readonly status: "pending" | "verified" | "invalid";
        readonly requestId: RequestId;
        readonly executionServer: ServerName;
      }[];
    }
  | {
      readonly kind: "metadata";
      readonly query: string;
      readonly answer: unknown;
    }
  | StreamMessage;

export interface MessagesTo {
  readonly "traffic-regulator": ToTrafficRegulator;
  readonly "execution-server": ToExecutionServer;
  readonly "acceptance-test-server": ToAcceptanceTestServer;
  readonly "state-replica": ToStateReplica;
  readonly "state-master": ToStateMaster;
  readonly "configuration-manager": ToConfigurationManager;
}

export type AnyMessage = MessagesTo[keyof MessagesTo];

/** Which component may send which message kind to which component. Control messages (`control.ts`) have their own rows. */
export const MAY_SEND: Readonly<Record<string, Readonly<Partial<Record<Component, readonly string[]>>>>> = {
  "execution-server": {
    "traffic-regulator": ["dispatch", "shadowRun"],
    "state-replica": ["fetched", "acknowledged", "refused", "resend"],
  },
  "state-replica": {
    "execution-server": ["fetch", "change", "evidence", "shadowResult"],
    "traffic-regulator": ["ticketKey", "answerAgain", "redesignate"],
    "state-master": ["stream", "promise", "fence", "reported"],
    "state-replica": ["fetchChanges", "changes"],
    "acceptance-test-server": ["fetchRecord"],
    "configuration-manager": ["describeObject"],
  },
  "traffic-regulator": {
    "state-replica": ["answer", "refusalReport", "evidenceReport", "shadowVerdict"],
    "execution-server": ["executionFailed"],
    "acceptance-test-server": ["acceptance", "shadowVerdict"],
    "state-master": ["stream", "outcomes"],
    "configuration-manager": [
      "regulatorConfiguration",
      "serverGone",
      "quarantineOrder",
      "readLog",
      "factsAcknowledged",
    ],
  },
  "acceptance-test-server": {
    "state-replica": ["memberAnswer", "record"],
    "execution-server": ["shadowResult"],
    "state-master": ["stream"],
  },
  "state-master": {
    "state-master": ["paxos"],
    "state-replica": ["report", "promised", "fenced", "follow", "gap"],
    "acceptance-test-server": ["report", "follow"],
    "traffic-regulator": ["requestEpoch", "close", "outcomeOf", "claimPrimary", "follow"],
    "configuration-manager": ["claimPrimary", "follow", "metadataQuery"],
  },
  "configuration-manager": {
    "traffic-regulator": ["regulatorFacts", "logPage", "traffic"],
    "state-replica": ["objectDescription"],
    "state-master": ["metadata", "stream"],
  },
};

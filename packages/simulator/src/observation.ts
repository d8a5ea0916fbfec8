/**
 * What can be seen from outside a simulated cluster: what clients asked and were told, what the masters decided, and
 * the bytes on the replicas' disks. Checkers read this and never the memory of a core (STYLE rule 12).
 */
import type { Hasher, VersionRow } from "@redoubt/protocol";
import type { ChangeRecord, Digest, RegulatorFact, RequestId, ServerName, SlotDecisions } from "@redoubt/shared";
import type { BankInput } from "./bank.ts";

export interface ClientOperation {
  readonly id: number;
  readonly client: string;
  readonly operation: string;
  readonly input: BankInput;
  /** Idempotency key. */
  readonly key: string;
  readonly invokedAt: number;
  /** Virtual milliseconds; undefined while unanswered. */
  completedAt: number | undefined;
  status: number | undefined;
  /** Reply text exactly as the client got it. */
  replyText: string | undefined;
  requestId: RequestId | undefined;
  /** It was told once that it is held for a person. */
  held?: boolean;
  /** Times it was sent, the first included. */
  sent: number;
}

export interface StoredChange {
  /** From the execution server that made it, or from another replica. */
  readonly how: "accepted" | "fetched";
  readonly digest: Digest;
  readonly replyDigest: Digest;
  readonly record: ChangeRecord;
}

/** A reply that left for a client, and what bore it at that moment. */
export interface Release {
  readonly requestId: RequestId;
  readonly at: number;
  /** Changes with this reply that were on some replica's disk. */
  readonly changes: readonly {
    readonly digest: Digest;
    readonly holders: ReadonlySet<ServerName>;
    /** Some master had applied the decision. */
    readonly verified: boolean;
    /** Changes it follows, directly or not, that no master had decided, and who held them. */
    readonly undecidedAncestors: readonly { readonly digest: Digest; readonly holders: ReadonlySet<ServerName> }[];
  }[];
}

/** A definite rejection of a request that was executed, and what the masters had decided by then. */
export interface Rejection {
  readonly requestId: RequestId;
  readonly at: number;
  readonly closed: boolean;
}

/** A request that some master has closed, and which replicas had refused it for ever by then. */
export interface Closing {
  readonly requestId: RequestId;
  readonly fencedBy: ReadonlySet<ServerName>;
  readonly faultsTolerated: number;
}

type Misbehaviour = Extract<RegulatorFact, { readonly kind: "misbehaviour" }>;

/** Something that the regulator told of an innocent server. `wrong-result`: it was convicted of a result that failed its tests. */
export interface Accusation extends Pick<Misbehaviour, "server" | "component" | "confirmed" | "detail"> {
  readonly act: Misbehaviour["act"] | "wrong-result";
}

/** The synced part of a replica's disk at some moment, as texts. */
export interface JournalSnapshot {
  readonly server: ServerName;
  readonly texts: readonly string[];
}

export interface Observation {
  readonly operations: readonly ClientOperation[];
  /** Per life of a master ("state-master-1/2"), what it applied, in the order it applied it. */
  readonly decisions: ReadonlyMap<string, readonly SlotDecisions[]>;
  /** Per life of a master, the rows of verified versions it put out for its database. */
  readonly versionRows: ReadonlyMap<string, readonly VersionRow[]>;
  readonly releases: readonly Release[];
  readonly rejections: readonly Rejection[];
  readonly closings: readonly Closing[];
  readonly accusations?: readonly Accusation[];
  /** Earlier states of replicas' disks; the last one of each replica is its disk at the end. */
  readonly snapshots: readonly JournalSnapshot[];
  /** Per replica, the change records on its disk, in disk order. */
  readonly stored: ReadonlyMap<ServerName, readonly StoredChange[]>;
  /** Replicas that misbehaved in this run: nothing is expected of them. */
  readonly faultyReplicas: ReadonlySet<ServerName>;
  /** So many captured processes lied in shadow runs that innocent clients may have been blocked. */
  readonly mayFrame?: boolean;
  /** Last slot that was decided when a replica lost its disk: of epochs up to it, it is a faulty member. */
  readonly lostDisks?: ReadonlyMap<ServerName, number>;
  /** Executions that started for quarantined requests after their definite rejection, or while they were held (I10). */
  readonly executionsAfterRejection: readonly RequestId[];
  readonly digestReply: (status: number, bodyText: string) => Digest;
  readonly hasher: Hasher;
}

export interface Violation {
  /** "I1" … "I12", or "liveness". */
  readonly invariant: string;
  readonly detail: string;
}

export type Checker = (observation: Observation) => Violation[];

const longestOf = (decisions: Observation["decisions"]): readonly SlotDecisions[] =>
  [...decisions.values()].reduce<readonly SlotDecisions[]>(
    (best, stream) => ((stream.at(-1)?.slot ?? 0) > (best.at(-1)?.slot ?? 0) ? stream : best),
    [],
  );

/** The verified changes that wrote or refused, in decision order with their records, from the longest decision stream and any disk that has them. */
export function verifiedChanges(
  observation: Observation,
): { digest: Digest; requestId: RequestId; replyDigest: Digest; record: ChangeRecord | undefined }[] {
  const records = new Map<Digest, ChangeRecord>();
  for (const changes of observation.stored.values()) {
    for (const { digest, record } of changes) if (!records.has(digest)) records.set(digest, record);
  }
  return longestOf(observation.decisions).flatMap(({ decisions }) =>
    decisions.flatMap((decision) =>
      decision.kind === "verified" && !decision.readOnly
        ? [
            {
              digest: decision.change.digest,
              requestId: decision.change.requestId,
              replyDigest: decision.replyDigest,
              record: records.get(decision.change.digest),
            },
          ]
        : [],
    ),
  );
}

/** Inputs, effects and durable records of the state replica. Types only. */
import type {
  ChangeRecord,
  ClusterRange,
  Digest,
  Epoch,
  ObjectClusterNumber,
  RequestId,
  ServerName,
  SlotDecisions,
  ToStateReplica,
} from "@redoubt/shared";
import type {
  AcceptanceTestEffect,
  AcceptanceTestedInput,
  ApplicationLoadedInput,
  ApplicationPort,
} from "../application-port.ts";
import type {
  CheckpointedEffect,
  CheckpointedInput,
  CommonEffect,
  CommonInput,
  Hasher,
  Instant,
  RecordNumber,
} from "../core.ts";
import type { AccessLog } from "./accesses.ts";

export interface StateReplicaDependencies {
  readonly hasher: Hasher;
  readonly application: ApplicationPort;
  /** Further versions of it that are at hand from the start. */
  readonly otherVersions?: readonly ApplicationPort[];
}

export interface StateReplicaConfiguration {
  readonly self: ServerName;
  readonly masters: readonly ServerName[];
  /** Regulator to answer to before the stream has named a primary. */
  readonly trafficRegulator: ServerName;
  /** Optimized profile: the acceptance test server is in this process. */
  readonly hostsAcceptanceTests: boolean;
  /** Bounds of the caches; generous ones where absent. */
  readonly memory?: ReplicaMemory;
  /** Bytes of undecided changes listed in one `promised`. */
  readonly promisedBytesMax?: number;
  /** Names the journal if it is empty: random, never used before. Without it a lost disk is not noticed. */
  readonly journalIdentity?: string;
  /** Keep all object clusters, member of them or not, so as to be able to become one. */
  readonly keepsEverything?: boolean;
  /** Bytes fetched per second from other members. */
  readonly transferBytesPerSecond?: number;
  /** A reading of the whole journal from the disk is begun so often; without it nothing is scrubbed. */
  readonly scrubPeriodMs?: number;
  /** Bytes read per second at most while scrubbing; a pass takes longer than the period if it must. */
  readonly scrubBytesPerSecond?: number;
}

/** Bytes, roughly. What is beyond is read back from the journal when it is needed. */
export interface ReplicaMemory {
  /** Newest verified versions of hot objects. */
  readonly headBytesMax: number;
  /** Verified changes used lately. */
  readonly recordBytesMax: number;
}

/**
 * A journalled change. `parents`: by which requests the versions it continues were written, one per write; null where it
 * creates the object or the object is not kept here. They link the versions of an object into a chain of records.
 */
interface JournalledChange {
  readonly record: ChangeRecord;
  readonly parents: readonly (RequestId | null)[];
}

/** Records from `from` on and below `through` count for nothing: the first of them was damaged when a process started. */
export interface AbandonedRecords {
  readonly from: RecordNumber;
  readonly through: RecordNumber;
}

/** Journal records; state is rebuilt by taking them in again in their order. */
export type StateReplicaDurable =
  /**
   * The first record of all: a journal with another identity is another journal. Later ones give up records that cannot
   * be replayed (`replay.ts`).
   */
  | { readonly kind: "identity"; readonly identity: string; readonly abandoned?: AbandonedRecords }
  /** A change this member accepted (PROTOCOL §3.3). */
  | ({ readonly kind: "accepted" } & JournalledChange)
  /** What was fetched under the ticket of the change that comes next (`accesses.ts`). */
  | ({ readonly kind: "accesses"; readonly change: Digest } & AccessLog)
  /** A change the decision stream named and this member got from another one. Comes before the `applied` that needs it. */
  | ({ readonly kind: "fetched" } & JournalledChange)
  /** Decisions taken in: the member's labels. `superseded`: survivors named there that it passed over. */
  | { readonly kind: "applied"; readonly slot: SlotDecisions; readonly superseded?: readonly Digest[] }
  | { readonly kind: "promise"; readonly epoch: Epoch; readonly clusters: readonly ClusterRange[] }
  | { readonly kind: "fence"; readonly requestId: RequestId; readonly home: ObjectClusterNumber };

export type StateReplicaInput =
  | CommonInput<ToStateReplica, StateReplicaDurable>
  | CheckpointedInput<StateReplicaDurable>
  /** The acceptance test asked for by a `test` effect has ended. */
  | (Instant & AcceptanceTestedInput)
  | (Instant & ApplicationLoadedInput);

export type StateReplicaEffect =
  | CommonEffect<StateReplicaDurable>
  | CheckpointedEffect<StateReplicaDurable>
  | AcceptanceTestEffect;

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
import type { AcceptanceTestEffect, AcceptanceTestedInput, ApplicationPort } from "../application-port.ts";
import type { CheckpointedEffect, CheckpointedInput, CommonEffect, CommonInput, Hasher, Instant } from "../core.ts";
import type { AccessLog } from "./accesses.ts";

export interface StateReplicaDependencies {
  readonly hasher: Hasher;
  readonly application: ApplicationPort;
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

/** Journal records; state is rebuilt by taking them in again in their order. */
export type StateReplicaDurable =
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
  | (Instant & AcceptanceTestedInput);

export type StateReplicaEffect =
  | CommonEffect<StateReplicaDurable>
  | CheckpointedEffect<StateReplicaDurable>
  | AcceptanceTestEffect;

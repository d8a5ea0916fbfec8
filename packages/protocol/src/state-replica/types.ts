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
}

/** Journal records; state is rebuilt by taking them in again in their order. */
export type StateReplicaDurable =
  /** A change this member accepted (PROTOCOL §3.3). */
  | { readonly kind: "accepted"; readonly record: ChangeRecord }
  /** What was fetched under the ticket of the change that comes next (`accesses.ts`). */
  | ({ readonly kind: "accesses"; readonly change: Digest } & AccessLog)
  /** A change the decision stream named and this member got from another one. Comes before the `applied` that needs it. */
  | { readonly kind: "fetched"; readonly record: ChangeRecord }
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

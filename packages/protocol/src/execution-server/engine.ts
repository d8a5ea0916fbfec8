/** The parts of one execution server and of one execution, as its rules see them. No rules here. */
import type {
  ChangeRecord,
  ExecutionFailedMessage,
  ServerName,
  StoredVersion,
  Ticket,
  VersionReference,
} from "@redoubt/shared";
import type { DeclaredAccess } from "../application-port.ts";
import type { Applications } from "../applications.ts";
import type { ClusterCache } from "./cache.ts";
import type { ObjectLines } from "./lines.ts";
import type { Outgoing } from "./outgoing.ts";
import type { FetchTally } from "./tally.ts";
import type { ExecutionServerConfiguration, ExecutionServerDependencies, ExecutionServerEffect } from "./types.ts";

/** One step: its clocks and what it puts out. */
export interface Turn {
  readonly now: number;
  readonly wall: number;
  readonly effects: ExecutionServerEffect[];
}

/** One attempt of one request, or one shadow run, at this server. */
export interface Execution {
  readonly ticket: Ticket;
  readonly input: string;
  readonly disposable: boolean;
  readonly declared: readonly DeclaredAccess[];
  readonly objects: readonly string[];
  /** Shadow runs only: the run's name and the versions to start from. */
  readonly shadow: { readonly run: string; readonly at: ReadonlyMap<string, VersionReference> } | undefined;
  /** Name of the run going on in a worker; undefined while it waits or fetches. */
  running: string | undefined;
  /** What the run was given. */
  snapshot: ReadonlyMap<string, StoredVersion | null>;
  conflicts: number;
  isLined: boolean;
  /** Monotonic. */
  readonly arrivedAt: number;
  fetch: { readonly name: string; readonly tally: FetchTally; againAt: number; refusals: Set<ServerName> } | undefined;
}

/** What became of a dispatch, for when it comes again. */
export type Handled = { readonly kind: "active" } | { readonly kind: "sent" } | ExecutionFailedMessage;

export interface Engine {
  readonly dependencies: ExecutionServerDependencies;
  readonly applications: Applications;
  readonly configuration: ExecutionServerConfiguration;
  readonly cache: ClusterCache;
  readonly outgoing: Outgoing;
  readonly lines: ObjectLines<Execution>;
  /** By request and attempt, or by run. Oldest first. */
  readonly handled: Map<string, Handled>;
  /** Neither sent nor failed yet. */
  readonly active: Set<Execution>;
  /** By name of the run in a worker. */
  readonly running: Map<string, Execution>;
  /** By name of the fetch, in the order they are to be repeated. */
  readonly fetching: Map<string, Execution>;
  /** Results of shadow runs, for when the regulator asks again. */
  readonly shadowResults: Map<string, ChangeRecord>;
  regulator: ServerName;
  /** Last serial used in each epoch held. */
  readonly serials: Map<number, number>;
  /** Makes names of runs and fetches unique. */
  names: number;
}

export const handledKey = ({ ticket, shadow }: Pick<Execution, "ticket" | "shadow">): string =>
  shadow ? `run:${shadow.run}` : `${ticket.body.requestId}:${ticket.body.attempt}`;

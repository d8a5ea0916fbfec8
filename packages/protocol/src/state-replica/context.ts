/** The parts of one state replica, as its rules see them, and one step's output. No rules here. */
import type { Digest, Epoch, ServerName } from "@redoubt/shared";
import type { Applications } from "../applications.ts";
import type { Hasher, RecordNumber, SendEffect } from "../core.ts";
import type { RecentKeys } from "../recent.ts";
import type { AccessLogs } from "./accesses.ts";
import type { Budgets } from "./budgets.ts";
import type { ChangeEntry } from "./change-entry.ts";
import type { ReadConfirmations } from "./confirmations.ts";
import type { DamageReports } from "./damage-reports.ts";
import type { Evidence, RivalChanges } from "./evidence.ts";
import type { Examiner } from "./examination.ts";
import type { WaitingFetches } from "./fetches.ts";
import type { Gaps } from "./gaps.ts";
import type { HeldChanges } from "./held-changes.ts";
import type { Transfer } from "./joining.ts";
import type { WaitingPromise } from "./promises.ts";
import type { RecordReads } from "./record-reads.ts";
import type { RefusalReports } from "./refusals.ts";
import type { Reports } from "./reports.ts";
import type { Scrub } from "./scrub.ts";
import type { ShadowTests } from "./shadow.ts";
import type { ReplicaStore } from "./store.ts";
import type { StreamState } from "./stream.ts";
import type { TicketKeys } from "./ticket-keys.ts";
import type { AbandonedRecords, StateReplicaConfiguration, StateReplicaDurable, StateReplicaEffect } from "./types.ts";

/** One step: its clock and what it puts out. */
export interface Turn {
  readonly now: number;
  readonly wall: number;
  readonly effects: StateReplicaEffect[];
}

export interface JournalPosition {
  /** Number of the record that is journalled next. */
  next: RecordNumber;
  /** The journal's name, empty while it has none. */
  identity: string;
  /** What was given up, ascending. */
  abandoned: readonly AbandonedRecords[];
}

export interface Replica {
  readonly hasher: Hasher;
  readonly applications: Applications;
  readonly configuration: StateReplicaConfiguration;
  readonly examiner: Examiner;
  readonly store: ReplicaStore;
  readonly reads: RecordReads;
  readonly journal: JournalPosition;
  readonly held: HeldChanges;
  readonly gaps: Gaps;
  readonly accesses: AccessLogs;
  readonly evidence: Evidence;
  readonly rivals: RivalChanges;
  readonly reports: Reports;
  readonly refusals: RefusalReports;
  readonly budgets: Budgets;
  readonly fetches: WaitingFetches;
  readonly shadows: ShadowTests;
  readonly stream: StreamState;
  readonly transfer: Transfer;
  readonly scrub: Scrub;
  readonly damage: DamageReports;
  /** Asked before this member had taken in the epoch they are for. */
  readonly promises: WaitingPromise[];
  /** Read-only changes confirmed lately; lost with the process. */
  readonly confirmations: ReadConfirmations;
  /** Object histories being read for somebody. */
  readonly descriptions: { open: number };
  /** Changes whose acceptance test is running. */
  readonly testing: Map<Digest, ChangeEntry>;
  /** Changes refused in their turn. */
  readonly refused: RecentKeys<Digest>;
  readonly keys: TicketKeys;
  /** `decided`: the part of it that the decisions in the journal bear; the rest is hearsay from the regulator itself. */
  readonly regulator: {
    server: ServerName;
    epoch: Epoch;
    decided: { readonly server: ServerName; readonly epoch: Epoch };
  };
}

export const put = (turn: Turn, ...effects: (SendEffect | StateReplicaEffect)[]): void => {
  turn.effects.push(...effects);
};

/** Appends to the journal; returns the record's number. */
export function journal(
  replica: Replica,
  turn: Turn,
  record: StateReplicaDurable,
  durability: "synced" | "written",
): RecordNumber {
  put(turn, { kind: "append", record, durability });
  return replica.journal.next++;
}

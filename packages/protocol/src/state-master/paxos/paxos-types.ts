/**
 * What goes in and out of the consensus machine: its durable records, its effects and its interface. The machine knows
 * nothing of the commands it orders; the state master above it does.
 */
import type { Ballot, PaxosEntry, PaxosMessage, ServerName, Slot } from "@redoubt/shared";
import type { Instant, Random } from "../../core.ts";

/** Acceptor state. `promised` and `accepted` are synced before anything that depends on them leaves; `decidedThrough` is lazy. */
export type PaxosRecord<Command> =
  | { readonly kind: "promised"; readonly ballot: Ballot }
  | { readonly kind: "accepted"; readonly entry: PaxosEntry<Command> }
  | { readonly kind: "decidedThrough"; readonly slot: Slot };

export type PaxosEffect<Command> =
  | { readonly kind: "append"; readonly record: PaxosRecord<Command>; readonly durability: "synced" | "written" }
  | { readonly kind: "send"; readonly to: ServerName; readonly message: PaxosMessage };

export interface PaxosConfiguration<Command> {
  readonly self: ServerName;
  /** All masters in the order every one of them was configured with (a ballot names its proposer by index). */
  readonly members: readonly ServerName[];
  readonly random: Random;
  /** Rough encoded size of a command in bytes; bounds batches and messages. */
  readonly sizeOf: (command: Command) => number;
}

/**
 * One master's part in Multi-Paxos. Every method returns its effects in order; the driver lets no send leave before the
 * appends in front of it are durable.
 */
export interface Paxos<Command> {
  start(durable: readonly PaxosRecord<Command>[], instant: Instant): PaxosEffect<Command>[];
  receive(from: ServerName, message: PaxosMessage, instant: Instant): PaxosEffect<Command>[];
  tick(instant: Instant): PaxosEffect<Command>[];
  /** Queues commands for the next slots. Dropped when this master is not the leader: whoever asked asks again. */
  propose(commands: readonly Command[], instant: Instant): PaxosEffect<Command>[];
  /** Entries decided since the last call, in slot order without holes. */
  takeDecided(): PaxosEntry<Command>[];
  /** True from the moment everything that could have been decided under earlier leaders is decided here. */
  readonly isLeader: boolean;
  /** The leader this master believes in; undefined during elections. */
  readonly leader: ServerName | undefined;
  readonly decidedThrough: Slot;
  /** Commands queued or in flight. */
  readonly backlog: number;
  readonly wakeAt: number;
}

/**
 * What goes in and out of the consensus machine: its durable records, its effects and its interface. The machine knows
 * nothing of the commands it orders nor of what they lead to; the state master above it does.
 */
import type { Ballot, MasterMembership, PaxosEntry, PaxosMessage, ServerName, Slot } from "@redoubt/shared";
import type { Instant, Random, RecordNumber } from "../../core.ts";

/**
 * Acceptor state. All but `decidedThrough` are synced before anything that depends on them leaves. A `truncated` record
 * repeats what it must not lose (promise, identity, membership), so that records before it may be cut.
 */
export type PaxosRecord<Command> =
  /** First record of a journal: who this acceptor is. Journals of the first version have none. */
  | {
      readonly kind: "identity";
      readonly identity: string;
      /** The first membership, whatever the settings say later. */
      readonly members: readonly ServerName[];
    }
  | { readonly kind: "promised"; readonly ballot: Ballot }
  | { readonly kind: "accepted"; readonly entry: PaxosEntry<Command> }
  | { readonly kind: "decidedThrough"; readonly slot: Slot }
  | ({ readonly kind: "truncated"; readonly identity: string; readonly promised: Ballot } & SlotState)
  | { readonly kind: "snapshotPart"; readonly part: number; readonly bytes: Uint8Array }
  /** The parts in front of it are the state after slot `through`. */
  | ({ readonly kind: "installed"; readonly parts: number } & SlotState);

/** A slot and who voted as of it. */
export interface SlotState {
  readonly through: Slot;
  readonly masters: MasterMembership;
  readonly mastersSlot: Slot;
}

export type PaxosEffect<Command> =
  | { readonly kind: "append"; readonly record: PaxosRecord<Command>; readonly durability: "synced" | "written" }
  | { readonly kind: "send"; readonly to: ServerName; readonly message: PaxosMessage }
  /** Records below this one are not needed by this acceptor any more. */
  | { readonly kind: "cut"; readonly before: RecordNumber };

export interface PaxosConfiguration<Command> {
  readonly self: ServerName;
  /** The first membership, in the order every master was configured with (a ballot names its proposer by seat). */
  readonly members: readonly ServerName[];
  /** Identity for an empty journal; without one nothing is recorded and it is that of the first start. */
  readonly identity?: string;
  readonly random: Random;
  /** Rough encoded size of a command in bytes; bounds batches and messages. */
  readonly sizeOf: (command: Command) => number;
  /** The state that the entries taken so far led to, for a master that cannot get them one by one. */
  readonly snapshot?: () => Uint8Array[];
  /** Smaller ones make tests reach the bounds soon. */
  readonly window?: PaxosWindow;
}

export interface PaxosWindow {
  /** Decided entries kept for a peer that missed some. */
  readonly keptSlotsMax: number;
  /** Journals are cut this many slots at a time. */
  readonly truncateSlots: number;
  /** Cuts fall on multiples of this many records. */
  readonly markRecords: number;
}

/** The machine as plain data; with the state of the same slot above it, all a restart needs but the later records. */
export interface PaxosCheckpoint<Command> {
  readonly identity: string;
  readonly records: RecordNumber;
  readonly marks: readonly CutMark[];
  readonly promised: Ballot;
  readonly decidedThrough: Slot;
  readonly forgottenThrough: Slot;
  readonly truncatedThrough: Slot;
  readonly taken: Slot;
  readonly masters: MasterMembership;
  readonly mastersSlot: Slot;
  readonly entries: readonly PaxosEntry<Command>[];
}

/** Records below `record` concern slots up to `highest` only. */
export interface CutMark {
  readonly record: RecordNumber;
  readonly highest: Slot;
}

export interface InstalledSnapshot {
  readonly through: Slot;
  readonly parts: readonly Uint8Array[];
}

/**
 * One master's part in Multi-Paxos. Every method returns its effects in order; the driver lets no send leave before the
 * appends in front of it are durable.
 */
export interface Paxos<Command> {
  /** Before `replay` and `start`, if at all: what `checkpoint` gave once. */
  restore(checkpoint: PaxosCheckpoint<Command>): void;
  /** Records that follow the checkpoint (or begin a journal whose beginning was cut), in order; `first` is the first one's number. */
  replay(records: readonly PaxosRecord<Command>[], first: RecordNumber): void;
  start(durable: readonly PaxosRecord<Command>[], instant: Instant): PaxosEffect<Command>[];
  receive(from: ServerName, message: PaxosMessage, instant: Instant): PaxosEffect<Command>[];
  tick(instant: Instant): PaxosEffect<Command>[];
  /** Queues commands for the next slots. Dropped when this master is not the leader: whoever asked asks again. */
  propose(commands: readonly Command[], instant: Instant): PaxosEffect<Command>[];
  /** On the leader: who votes from now on, one server more or less at a time; anything else is ignored. */
  changeMasters(servers: readonly ServerName[], instant: Instant): PaxosEffect<Command>[];
  /** A leader asks the most advanced peer to take over. */
  handOver(instant: Instant): PaxosEffect<Command>[];
  /** Asks the others whether this ballot still leads; the number is confirmed once {@link confirmed} reaches it. */
  confirm(instant: Instant): { readonly number: number; readonly effects: PaxosEffect<Command>[] };
  /** Everything up to this slot is in this master's database too. Until it is called, the journal alone counts. */
  databaseApplied(slot: Slot): void;
  /** No votes and no leading while it holds: the database lacks what the journal no longer has. */
  abstain(holds: boolean, instant: Instant): PaxosEffect<Command>[];
  /** A snapshot got from a peer: replaces the state above. To be asked before `takeDecided`. */
  takeInstalled(): InstalledSnapshot | undefined;
  /** Entries decided since the last call, in slot order without holes. */
  takeDecided(): PaxosEntry<Command>[];
  /** As of the entries taken. */
  checkpoint(): PaxosCheckpoint<Command>;
  /** True from the moment everything that could have been decided under earlier leaders is decided here. */
  readonly isLeader: boolean;
  /** Changes whenever this master starts to lead. */
  readonly term: number;
  readonly confirmed: number;
  /** The leader this master believes in; undefined during elections. */
  readonly leader: ServerName | undefined;
  readonly decidedThrough: Slot;
  readonly truncatedThrough: Slot;
  readonly masters: MasterMembership;
  readonly identity: string;
  /** Whether its votes count as far as it knows: member under this identity, state and database complete. */
  readonly isVoter: boolean;
  /** Bytes of the last snapshot got from a peer; 0 without one. */
  readonly snapshotBytes: number;
  /** Of the snapshot that is on its way: parts here, and of how many. */
  readonly snapshotProgress: { readonly done: number; readonly parts: number } | undefined;
  /** Commands queued or in flight. */
  readonly backlog: number;
  /** On the leader: decided slots that no majority has applied to their databases yet. */
  readonly lag: number;
  readonly wakeAt: number;
}

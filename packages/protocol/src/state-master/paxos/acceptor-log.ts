/**
 * The durable half of a master: the highest ballot it promised, what it accepted per slot, how far it knows slots to be
 * decided, and who votes as of there. It keeps one rule everything rests on: for a slot known as decided, the entry here
 * *is* the decided one, and is never replaced.
 *
 * Storing a decided entry learned from a peer as if it had been accepted here is safe although this master did not vote
 * for it: its ballot is at least the one it was chosen in, and every ballot from there on proposes the same value.
 *
 * Memory holds the undecided entries and a bounded window of decided ones; whoever needs older ones gets a snapshot of
 * what they led to (`snapshots.ts`). It knows nothing of ballots' owners or messages.
 */
import { assert, type Ballot, type MasterMembership, type PaxosEntry, type Slot } from "@redoubt/shared";
import { NO_BALLOT } from "./ballot.ts";
import type { SlotState } from "./paxos-types.ts";
import { PAXOS_LIMITS } from "./timing.ts";

/** A run of entries that fits one message; `through` is set when there are more. */
export interface EntryChunk<Command> {
  readonly entries: PaxosEntry<Command>[];
  readonly through: Slot | undefined;
}

export class AcceptorLog<Command> {
  promised: Ballot = NO_BALLOT;
  /** Every slot up to this one is known as decided. */
  decidedThrough: Slot = 0;
  /** {@link decidedThrough} as last written to the journal. */
  durableThrough: Slot = 0;
  /** Slots up to this one may be cut from the journal: a majority has applied them durably. */
  truncatedThrough: Slot = 0;
  /** As of {@link decidedThrough}. */
  masters: MasterMembership;
  mastersSlot: Slot = 0;
  readonly #entries = new Map<Slot, PaxosEntry<Command>>();
  readonly #sizeOf: (command: Command) => number;
  readonly #keptSlotsMax: number;
  #highest: Slot = 0;
  #taken: Slot = 0;
  #forgotten: Slot = 0;
  #bytes = 0;

  constructor(masters: MasterMembership, sizeOf: (command: Command) => number, keptSlotsMax: number) {
    this.masters = masters;
    this.#keptSlotsMax = keptSlotsMax;
    this.#sizeOf = sizeOf;
  }

  /** Decided entries taken so far. */
  get taken(): Slot {
    return this.#taken;
  }

  /** Slots up to this one are decided and no longer here. */
  get forgottenThrough(): Slot {
    return this.#forgotten;
  }

  /** True when what the forgotten slots led to is lost: only a snapshot helps. */
  get isHollow(): boolean {
    return this.#taken < this.#forgotten;
  }

  get entries(): PaxosEntry<Command>[] {
    return [...this.#entries.values()];
  }

  /** Everything but what `promise`d is; before anything else happens. */
  load(state: {
    readonly decidedThrough: Slot;
    readonly forgottenThrough: Slot;
    readonly truncatedThrough: Slot;
    readonly taken: Slot;
    readonly masters: MasterMembership;
    readonly mastersSlot: Slot;
    readonly entries: readonly PaxosEntry<Command>[];
  }): void {
    for (const entry of state.entries) this.#put(entry);
    this.decidedThrough = state.decidedThrough;
    this.durableThrough = state.decidedThrough;
    this.truncatedThrough = state.truncatedThrough;
    this.masters = state.masters;
    this.mastersSlot = state.mastersSlot;
    this.#taken = state.taken;
    this.#forgotten = state.forgottenThrough;
  }

  store(entry: PaxosEntry<Command>): void {
    assert(entry.slot > this.decidedThrough, `I8: slot ${entry.slot} is decided and cannot be replaced`);
    this.#put(entry);
  }

  #put(entry: PaxosEntry<Command>): void {
    this.#remove(entry.slot);
    this.#entries.set(entry.slot, entry);
    this.#bytes += this.bytesOf(entry);
    this.#highest = Math.max(this.#highest, entry.slot);
  }

  #remove(slot: Slot): void {
    const entry = this.#entries.get(slot);
    if (!entry) return;
    this.#bytes -= this.bytesOf(entry);
    this.#entries.delete(slot);
  }

  get(slot: Slot): PaxosEntry<Command> | undefined {
    return this.#entries.get(slot);
  }

  /** Highest slot with an accepted entry, at least {@link decidedThrough}. */
  get highest(): Slot {
    return Math.max(this.#highest, this.decidedThrough);
  }

  /** The next slot is decided with the entry held for it. */
  markDecided(): void {
    const entry = this.#entries.get(this.decidedThrough + 1);
    assert(entry, `slot ${this.decidedThrough + 1} has no entry to decide`);
    this.decidedThrough += 1;
    if (!entry.masters) return;
    this.masters = entry.masters;
    this.mastersSlot = entry.slot;
  }

  /** A slot known as decided from the journal; stops where entries are missing because their records were cut. */
  markDecidedThrough(slot: Slot): void {
    while (this.decidedThrough < slot && this.#entries.has(this.decidedThrough + 1)) this.markDecided();
  }

  /** Entries from a slot on, as many as fit one message, at most through `last`. */
  chunk(from: Slot, last: Slot): EntryChunk<Command> {
    const entries: PaxosEntry<Command>[] = [];
    let bytes = 0;
    for (let slot = from; slot <= last; slot++) {
      const entry = this.#entries.get(slot);
      if (!entry) continue;
      bytes += this.bytesOf(entry);
      if (bytes > PAXOS_LIMITS.messageBytesMax && entries.length > 0) return { entries, through: slot - 1 };
      entries.push(entry);
    }
    return { entries, through: undefined };
  }

  bytesOf(entry: PaxosEntry<Command>): number {
    return entry.commands.reduce((bytes, command) => bytes + this.#sizeOf(command), 32);
  }

  /** Decided entries not taken yet, in slot order without holes; none while an earlier part is missing. */
  take(): PaxosEntry<Command>[] {
    const entries: PaxosEntry<Command>[] = [];
    if (this.isHollow) return entries;
    while (this.#taken < this.decidedThrough) {
      const entry = this.#entries.get(this.#taken + 1);
      assert(entry, `decided slot ${this.#taken + 1} is missing from the journal`);
      entries.push(entry);
      this.#taken += 1;
    }
    this.#trim();
    return entries;
  }

  /** Frees entries that every master has durably: nobody is likely to ask for them again. */
  forget(through: Slot): void {
    this.#forgetThrough(Math.min(through, this.#taken, this.durableThrough));
  }

  #forgetThrough(slot: Slot): void {
    while (this.#forgotten < slot) {
      this.#forgotten += 1;
      this.#remove(this.#forgotten);
    }
  }

  /** Keeps memory bounded while a master is away, however long. */
  #trim(): void {
    const { keptBytesMax } = PAXOS_LIMITS;
    while (
      this.#forgotten < this.#taken &&
      (this.#taken - this.#forgotten > this.#keptSlotsMax || this.#bytes > keptBytesMax)
    ) {
      this.#forgetThrough(this.#forgotten + 1);
    }
  }

  /** From the journal: below are no records any more, or there need not be. */
  truncated(state: SlotState): void {
    this.truncatedThrough = Math.max(this.truncatedThrough, state.through);
    this.markDecidedThrough(state.through);
    if (this.decidedThrough >= state.through) return;
    this.#jump(state);
  }

  /** The state above is now that after `through`, whatever it was; entries behind stay. */
  install(state: SlotState): void {
    this.markDecidedThrough(state.through);
    this.#jump(state);
    this.#taken = state.through;
    this.durableThrough = this.decidedThrough;
  }

  /** Everything through a slot is decided, and not here. Entries behind it may be known as decided already. */
  #jump({ through, masters, mastersSlot }: SlotState): void {
    this.#forgetThrough(through);
    if (this.decidedThrough < through) {
      this.decidedThrough = through;
      this.masters = masters;
      this.mastersSlot = mastersSlot;
    }
    this.durableThrough = Math.max(this.durableThrough, through);
  }
}

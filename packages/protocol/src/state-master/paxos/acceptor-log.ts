/**
 * The durable half of a master: the highest ballot it promised, what it accepted per slot, and how far it knows slots
 * to be decided. It keeps one rule everything rests on: for a slot known as decided, the entry here *is* the decided
 * one, and is never replaced.
 *
 * Storing a decided entry learned from a peer as if it had been accepted here is safe although this master did not vote
 * for it: its ballot is at least the one it was chosen in, and every ballot from there on proposes the same value.
 *
 * Stated limit: entries stay in memory until every master has them durably, so all that is decided while one is down.
 */
import { assert, type Ballot, type PaxosEntry, type Slot } from "@redoubt/shared";
import { compareBallots, NO_BALLOT } from "./ballot.ts";
import type { PaxosRecord } from "./paxos-types.ts";
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
  readonly #entries = new Map<Slot, PaxosEntry<Command>>();
  readonly #sizeOf: (command: Command) => number;
  #highest: Slot = 0;
  #taken: Slot = 0;
  #forgotten: Slot = 0;

  constructor(sizeOf: (command: Command) => number) {
    this.#sizeOf = sizeOf;
  }

  /** One durable record, in journal order, before anything else happens. */
  replay(record: PaxosRecord<Command>): void {
    switch (record.kind) {
      case "promised":
        if (compareBallots(record.ballot, this.promised) > 0) this.promised = record.ballot;
        return;
      case "accepted":
        this.store(record.entry);
        return;
      case "decidedThrough":
        this.decidedThrough = Math.max(this.decidedThrough, record.slot);
        this.durableThrough = this.decidedThrough;
        return;
    }
  }

  store(entry: PaxosEntry<Command>): void {
    assert(entry.slot > this.decidedThrough, `I8: slot ${entry.slot} is decided and cannot be replaced`);
    this.#entries.set(entry.slot, entry);
    this.#highest = Math.max(this.#highest, entry.slot);
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
    assert(this.#entries.has(this.decidedThrough + 1), `slot ${this.decidedThrough + 1} has no entry to decide`);
    this.decidedThrough += 1;
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

  /** Decided entries not taken yet, in slot order without holes. */
  take(): PaxosEntry<Command>[] {
    const entries: PaxosEntry<Command>[] = [];
    while (this.#taken < this.decidedThrough) {
      const entry = this.#entries.get(this.#taken + 1);
      assert(entry, `decided slot ${this.#taken + 1} is missing from the journal`);
      entries.push(entry);
      this.#taken += 1;
    }
    return entries;
  }

  /** Frees entries that every master has durably: nobody will ask for them again. */
  forget(through: Slot): void {
    const last = Math.min(through, this.#taken, this.durableThrough);
    while (this.#forgotten < last) {
      this.#forgotten += 1;
      this.#entries.delete(this.#forgotten);
    }
  }

  get forgottenThrough(): Slot {
    return this.#forgotten;
  }
}

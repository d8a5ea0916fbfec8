/**
 * Rows on their way to this master's database: those it has not confirmed are kept and put out again after a restart.
 * Bounded; what is dropped, or was never here because the state came as a snapshot, must come from the database of a
 * peer (`after`). A primary pushes back long before a majority of databases is so far behind (`state-master.ts`).
 */
import type { Slot } from "@redoubt/shared";
import type { ApplyEffect } from "./types.ts";

/** Versions and decisions in rows not yet confirmed. */
const WEIGHT_MAX = 50_000;

export interface PackedRows {
  readonly after: Slot;
  readonly last: Slot;
  readonly rows: readonly ApplyEffect[];
}

const weightOf = ({ decisions, rows }: ApplyEffect): number => decisions.length + rows.versions.length;

export class RowBacklog {
  /** Rows up to this slot are not here: the database has them, or has to get them from a peer. */
  after: Slot = 0;
  /** Slot of the newest row, confirmed or not. */
  last: Slot = 0;
  /** What the database said last; undefined while it is away, or there is none. */
  confirmed: Slot | undefined;
  readonly #isKept: boolean;
  #rows: ApplyEffect[] = [];
  #weight = 0;

  /** `isKept`: there is a database that confirms. */
  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  /** True when the database lacks rows that only a peer's database can give. */
  get isBehind(): boolean {
    return this.confirmed !== undefined && this.confirmed < this.after;
  }

  get unconfirmed(): number {
    return this.#rows.length;
  }

  add(row: ApplyEffect): void {
    this.last = row.slot;
    if (!this.#isKept) {
      this.after = row.slot;
      return;
    }
    this.#rows.push(row);
    this.#weight += weightOf(row);
    while (this.#weight > WEIGHT_MAX && this.#rows.length > 1) this.#drop();
  }

  confirm(slot: Slot | undefined): void {
    this.confirmed = slot;
    while (slot !== undefined && this.#rows[0] !== undefined && this.#rows[0].slot <= slot) this.#drop();
  }

  #drop(): void {
    const row = this.#rows.shift() as ApplyEffect;
    this.#weight -= weightOf(row);
    this.after = row.slot;
  }

  pack(): PackedRows {
    return { after: this.after, last: this.last, rows: this.#rows };
  }

  /** Returns the rows to put out again. */
  load({ after, last, rows }: PackedRows): readonly ApplyEffect[] {
    this.after = after;
    this.last = last;
    this.#rows = [...rows];
    this.#weight = rows.reduce((weight, row) => weight + weightOf(row), 0);
    return rows;
  }

  /** The state came from a peer: its rows do too. */
  jump(last: Slot): void {
    this.#rows = [];
    this.#weight = 0;
    this.after = last;
    this.last = last;
  }
}

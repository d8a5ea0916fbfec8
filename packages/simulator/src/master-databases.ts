/**
 * The databases of simulated masters, and what the process around a master's core does with one: rows go in in slot order
 * a little later, rows that the core does not have come from another master's database, questions about old decisions
 * are answered, and the core hears how far it is. A database survives its master and knows nothing of the cores.
 */
import type { ApplyEffect, StateMasterEffect, StateMasterInput } from "@redoubt/protocol";
import type { Decision, ServerName, Slot } from "@redoubt/shared";
import type { SeededRandom } from "./random.ts";

type Lookup = Extract<StateMasterEffect, { readonly kind: "lookupSlots" }>;
type WithoutClock<Input> = Input extends unknown ? Omit<Input, "now" | "wall"> : never;

export interface DatabaseSurroundings {
  readonly later: (delayMs: number, run: () => void) => void;
  /** Rows up to this slot are not put out by the master's core any more. */
  readonly rowsAfter: (server: ServerName) => Slot;
  /** Gives the master's core an input, if it runs. */
  readonly deliver: (server: ServerName, input: WithoutClock<StateMasterInput>) => void;
}

interface Database {
  rows: ApplyEffect[];
  /** Put out by the master in this life and not yet in. */
  queue: ApplyEffect[];
  isUp: boolean;
  isWorking: boolean;
}

/** Rows one transaction takes, and one copy from a peer. */
const BATCH_MAX = 16;
const WORK_MS_MAX = 25;
/** Rows this much older than the newest are reduced (docs/adr/0022-reduced-metadata.md). */
const WHOLE_MS = 1_000;

const isNeeded = (decision: Decision): boolean => decision.kind !== "verified" || !decision.readOnly;

export class MasterDatabases {
  readonly #databases = new Map<ServerName, Database>();
  readonly #surroundings: DatabaseSurroundings;
  readonly #random: SeededRandom;

  constructor(surroundings: DatabaseSurroundings, random: SeededRandom) {
    this.#surroundings = surroundings;
    this.#random = random;
  }

  /** A new life of the master: what its process held is gone. */
  started(server: ServerName): void {
    const database = this.#of(server);
    database.queue = [];
    this.#workLater(server, database);
  }

  /** All of it is gone; a new one is empty. */
  lost(server: ServerName): void {
    const database = this.#databases.get(server);
    if (database) database.rows = [];
  }

  fail(server: ServerName, forMs: number, comesBack: "whole" | "empty" | "old"): void {
    const database = this.#of(server);
    database.isUp = false;
    this.#workLater(server, database);
    this.#surroundings.later(forMs, () => {
      const kept = { whole: 1, empty: 0, old: this.#random.between(0, 1) }[comesBack];
      database.rows = database.rows.slice(0, Math.floor(database.rows.length * kept));
      database.isUp = true;
      this.#workLater(server, database);
    });
  }

  apply(server: ServerName, row: ApplyEffect): void {
    const database = this.#of(server);
    database.queue.push(row);
    this.#workLater(server, database);
  }

  lookUp(server: ServerName, { to, after, limit }: Lookup): void {
    this.#surroundings.later(this.#random.between(0.5, 5), () => {
      const { rows, isUp } = this.#of(server);
      const found = rows.filter(({ slot }) => slot > after).slice(0, limit);
      const wholeFrom = (rows.at(-1)?.at ?? 0) - WHOLE_MS;
      const slots = found
        .map(({ slot, at, decisions }) => ({
          slot,
          at,
          decisions: at < wholeFrom ? decisions.filter(isNeeded) : decisions,
        }))
        .filter(({ decisions }) => decisions.length > 0);
      this.#surroundings.deliver(server, {
        ...{ kind: "slotsFound", to, after },
        found: isUp ? { slots, through: found.at(-1)?.slot ?? after, prunedThrough: 0 } : undefined,
      });
    });
  }

  #of(server: ServerName): Database {
    const known = this.#databases.get(server);
    if (known) return known;
    const database: Database = { rows: [], queue: [], isUp: true, isWorking: false };
    this.#databases.set(server, database);
    return database;
  }

  #workLater(server: ServerName, database: Database): void {
    if (database.isWorking) return;
    database.isWorking = true;
    this.#surroundings.later(this.#random.between(1, WORK_MS_MAX), () => {
      database.isWorking = false;
      this.#work(server, database);
    });
  }

  #work(server: ServerName, database: Database): void {
    if (!database.isUp) {
      this.#surroundings.deliver(server, { kind: "database", appliedThrough: undefined });
      return;
    }
    const last = (): Slot => database.rows.at(-1)?.slot ?? 0;
    database.queue = database.queue.filter(({ slot }) => slot > last());
    const [next] = database.queue;
    if (last() < Math.max(next?.previous ?? 0, this.#surroundings.rowsAfter(server))) this.#copy(database, last());
    for (const row of database.queue.slice(0, BATCH_MAX)) if (row.previous === last()) database.rows.push(row);
    database.queue = database.queue.filter(({ slot }) => slot > last());
    this.#surroundings.deliver(server, { kind: "database", appliedThrough: last() });
    // Also without rows of its own: a state that came as a snapshot brings none.
    if (database.queue.length > 0 || last() < this.#surroundings.rowsAfter(server)) this.#workLater(server, database);
  }

  #copy(database: Database, after: Slot): void {
    for (const { rows } of this.#databases.values()) {
      const missing = rows.filter(({ slot }) => slot > after).slice(0, BATCH_MAX);
      if (missing[0]?.previous !== after) continue;
      database.rows.push(...missing);
      return;
    }
  }
}

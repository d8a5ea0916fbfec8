/**
 * Cuts a master's journal where two things agree: its votes do not need the records any more (the core says so, after
 * that is durable), and the older of the two checkpoints kept covers them. Both checkpoints of this life, so that the
 * one a restart falls back to is known.
 */
import type { Logger } from "pino";
import type { Journal } from "../adapters/journal/index.ts";

export class JournalCutter {
  readonly #journal: Pick<Journal, "cutBefore">;
  readonly #log: Logger;
  #allowed = 0;
  #older = 0;
  #newer = 0;

  constructor(journal: Pick<Journal, "cutBefore">, log: Logger) {
    this.#journal = journal;
    this.#log = log;
  }

  /** Records below are not needed for votes. */
  allow(before: number): void {
    this.#allowed = Math.max(this.#allowed, before);
    this.#cut();
  }

  /** A checkpoint through this record is durable. */
  saved(through: number): void {
    this.#older = this.#newer;
    this.#newer = through;
    this.#cut();
  }

  #cut(): void {
    const before = Math.min(this.#allowed, this.#older);
    if (before === 0) return;
    this.#journal.cutBefore(before).catch((error: unknown) => {
      this.#log.warn({ error: error instanceof Error ? error.message : error }, "the journal was not cut");
    });
  }
}

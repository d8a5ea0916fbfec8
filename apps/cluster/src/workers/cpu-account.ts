/**
 * Whether a request inside one process has used more CPU time than it may. The kernel counts for the process as a whole,
 * threads of all requests together, so what is certain is only what the others cannot have used: each of them at most its own
 * budget, and at most every core for as long as it was inside. While all keep to their budgets nothing is ever found; a
 * request that is alone is measured exactly. In a crowd, that one of them is over is certain, not which: whoever trusts the
 * server less runs each alone. Who hides in a stream of others is found by its deadline.
 * Pure: the caller looks at the clock and at the process.
 */

/** Times of the kernel are rounded, and between reading the clock and the process time passes. */
const ROUNDING_MS = 30;

interface Entry {
  readonly serial: number;
  readonly budgetMs: number;
  readonly startedAt: number;
  /** Made at the first look: what was used before is nobody's. */
  base: Base | undefined;
}

interface Base {
  readonly usedMs: number;
  /** Of all that had begun by then. */
  readonly serial: number;
  /** What those that were inside then may use in all. */
  readonly eldersMs: number;
  /** The most that those can have used which came later and have ended. */
  endedMs: number;
}

export interface OverBudget {
  readonly execution: string;
  readonly usedMs: number;
  readonly budgetMs: number;
}

export class CpuAccount {
  readonly #entries = new Map<string, Entry>();
  readonly #cores: number;
  #serial = 0;

  /** `cores`: so many threads can run at a time. */
  constructor(cores: number) {
    this.#cores = cores;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  begin(execution: string, budgetMs: number, atMs: number): void {
    this.#entries.set(execution, { serial: ++this.#serial, budgetMs, startedAt: atMs, base: undefined });
  }

  end(execution: string, atMs: number): void {
    const ended = this.#entries.get(execution);
    if (!ended) return;
    this.#entries.delete(execution);
    for (const { base } of this.#entries.values())
      if (base && base.serial < ended.serial) base.endedMs += this.#most(ended, atMs);
  }

  /** `usedMs`: of the process with all its threads so far. Returns the oldest of those one of which must be over. */
  look(usedMs: number, atMs: number): OverBudget | undefined {
    const entries = [...this.#entries];
    const budgetsMs = entries.reduce((sum, [, { budgetMs }]) => sum + budgetMs, 0);
    for (const [execution, entry] of entries) {
      const { base, budgetMs } = entry;
      if (!base) {
        entry.base = { usedMs, serial: this.#serial, eldersMs: budgetsMs - budgetMs, endedMs: 0 };
        continue;
      }
      const laterMs = entries.reduce(
        (sum, [, other]) => (other.serial > base.serial ? sum + this.#most(other, atMs) : sum),
        base.endedMs,
      );
      const certainMs = usedMs - base.usedMs - base.eldersMs - laterMs;
      if (certainMs > budgetMs + ROUNDING_MS) return { execution, usedMs: certainMs, budgetMs };
    }
    return undefined;
  }

  #most({ budgetMs, startedAt }: Entry, atMs: number): number {
    return Math.min(budgetMs, this.#cores * (atMs - startedAt));
  }
}

/**
 * Requests each client has had admitted within the window of exactly once, in twenty-four steps. Every one leaves an id that the
 * cluster keeps on disk for seven windows, so their number is a client's use of the cluster's disks (docs/PROTOCOL.md §7).
 */
const STEPS = 24;

interface Use {
  /** Requests by step of the window, the step's number modulo {@link STEPS}. */
  readonly counts: number[];
  lastStep: number;
  total: number;
}

export class KeyQuota {
  readonly #stepMs: number;
  readonly #max: number;
  readonly #byClient = new Map<string, Use>();

  constructor(windowMs: number, max: number) {
    this.#stepMs = windowMs / STEPS;
    this.#max = max;
  }

  /** Counts a request admitted at this time; also while the journal is read again. */
  add(clientId: string, at: number): void {
    const use = this.#useAt(clientId, at);
    const step = Math.floor(at / this.#stepMs);
    // Too old to count any more.
    if (step <= use.lastStep - STEPS) return;
    use.counts[step % STEPS] = (use.counts[step % STEPS] ?? 0) + 1;
    use.total++;
  }

  isUsedUp(clientId: string, at: number): boolean {
    return this.#useAt(clientId, at).total >= this.#max;
  }

  /** Seconds until the oldest step leaves the window. */
  retryAfterSeconds(at: number): number {
    return Math.max(1, Math.ceil((this.#stepMs - (at % this.#stepMs)) / 1_000));
  }

  /** For each client the requests by absolute step, the steps ascending; clients by name. */
  export(): readonly (readonly [clientId: string, steps: readonly (readonly [step: number, count: number])[]])[] {
    const uses = [...this.#byClient].map(([clientId, { counts, lastStep }]) => {
      const steps = Array.from({ length: STEPS }, (_, back) => lastStep - STEPS + 1 + back);
      const used = steps.map((step) => [step, counts[((step % STEPS) + STEPS) % STEPS] ?? 0] as const);
      return [clientId, used.filter(([, count]) => count > 0)] as const;
    });
    return uses.filter(([, steps]) => steps.length > 0).sort(([one], [other]) => (one < other ? -1 : 1));
  }

  restore(uses: ReturnType<KeyQuota["export"]>): void {
    for (const [clientId, steps] of uses)
      for (const [step, count] of steps) {
        const use = this.#useAt(clientId, step * this.#stepMs);
        use.counts[step % STEPS] = (use.counts[step % STEPS] ?? 0) + count;
        use.total += count;
      }
  }

  /** Steps that have left the window are taken off; a clock that goes back takes nothing off. */
  #useAt(clientId: string, at: number): Use {
    const step = Math.floor(at / this.#stepMs);
    let use = this.#byClient.get(clientId);
    if (!use) {
      use = { counts: new Array<number>(STEPS).fill(0), lastStep: step, total: 0 };
      this.#byClient.set(clientId, use);
    }
    const passed = Math.min(STEPS, step - use.lastStep);
    for (let next = 1; next <= passed; next++) {
      const index = (use.lastStep + next) % STEPS;
      use.total -= use.counts[index] ?? 0;
      use.counts[index] = 0;
    }
    use.lastStep = Math.max(use.lastStep, step);
    return use;
  }
}

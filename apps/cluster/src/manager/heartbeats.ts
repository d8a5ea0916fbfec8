/** How many of a node's beats arrived, per interval: the strip on the nodes page. Only what this manager has watched itself. */

const INTERVAL_MS = 10_000;
const INTERVALS_MAX = 60;

export interface HeartbeatInterval {
  readonly at: string;
  readonly fraction: number | null;
  readonly received: number;
  readonly expected: number;
}

export class Heartbeats {
  readonly #periodMs: number;
  readonly #startedAt: number;
  /** Interval number → beats. */
  readonly #received = new Map<number, number>();

  constructor(periodMs: number, startedAt: number) {
    this.#periodMs = periodMs;
    this.#startedAt = startedAt;
  }

  beat(at: number): void {
    const interval = Math.floor(at / INTERVAL_MS);
    this.#received.set(interval, (this.#received.get(interval) ?? 0) + 1);
    if (this.#received.size > INTERVALS_MAX) {
      const [oldest] = this.#received.keys();
      if (oldest !== undefined) this.#received.delete(oldest);
    }
  }

  /** Oldest first, the interval that is running left out. */
  history(now: number): HeartbeatInterval[] {
    const current = Math.floor(now / INTERVAL_MS);
    const expected = INTERVAL_MS / this.#periodMs;
    return Array.from({ length: INTERVALS_MAX }, (_, index) => {
      const interval = current - INTERVALS_MAX + index;
      const at = new Date(interval * INTERVAL_MS).toISOString();
      const received = this.#received.get(interval) ?? 0;
      const watched = interval * INTERVAL_MS >= this.#startedAt;
      return { at, received, expected, fraction: watched ? Math.min(1, received / expected) : null };
    });
  }
}

/**
 * How often a server may say how it is. Honest ones do once a second and at changes; reports beyond a small allowance are
 * not even read, so that an execution server cannot keep the manager busy with them (I11).
 */
const WINDOW_MS = 1_000;
const REPORTS_MAX = 10;
const SENDERS_MAX = 200;

export class HealthGate {
  readonly #counts = new Map<string, { since: number; count: number }>();

  /** False when this report is one too many. */
  mayPass(sender: string, now: number): boolean {
    const known = this.#counts.get(sender);
    if (known && now - known.since < WINDOW_MS) {
      known.count += 1;
      return known.count <= REPORTS_MAX;
    }
    this.#counts.set(sender, { since: now, count: 1 });
    if (this.#counts.size > SENDERS_MAX) {
      const [oldest] = this.#counts.keys();
      if (oldest !== undefined) this.#counts.delete(oldest);
    }
    return true;
  }
}

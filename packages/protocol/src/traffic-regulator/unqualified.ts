/**
 * How many unqualified requests are written to L1: anybody can send garbage, and the journal must not grow at the sender's
 * pace (I11). What is left out is counted and told with the next one that is written.
 */
const PER_SECOND = 20;
const BURST = 200;

export class UnqualifiedLimiter {
  #tokens = BURST;
  #filledAt: number | undefined;
  #omitted = 0;

  /** Number left out since the last record when this one may be written; undefined when it may not. */
  take(now: number): number | undefined {
    this.#filledAt ??= now;
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#filledAt) * PER_SECOND) / 1_000);
    this.#filledAt = now;
    if (this.#tokens < 1) {
      this.#omitted++;
      return undefined;
    }
    this.#tokens--;
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }
}

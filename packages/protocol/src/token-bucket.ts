/** A token bucket: so much at once, so much per second, and what is granted besides. */
export interface BucketRules {
  /** Tokens a full one holds, and has at first. */
  readonly capacity: number;
  readonly perSecond: number;
}

export class TokenBucket {
  readonly #rules: BucketRules;
  #level: number;
  #at: number;

  constructor(rules: BucketRules, now: number) {
    this.#rules = rules;
    this.#level = rules.capacity;
    this.#at = now;
  }

  /** False when there is none left. */
  take(now: number): boolean {
    const { capacity, perSecond } = this.#rules;
    // What was granted beyond the capacity stays until it is used.
    if (this.#level < capacity) this.#level = Math.min(capacity, this.#level + ((now - this.#at) * perSecond) / 1_000);
    this.#at = now;
    if (this.#level < 1) return false;
    this.#level--;
    return true;
  }

  grant(tokens: number, levelMax: number): void {
    this.#level = Math.min(levelMax, this.#level + tokens);
  }
}

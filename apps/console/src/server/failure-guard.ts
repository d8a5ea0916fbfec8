/**
 * Slows the guessing of one person's password, wherever the guesses come from. Beside better-auth's limit per address, because an
 * address is what the caller says it is as long as no trusted proxy stands before the console. It forgets after a while, so an
 * attacker can delay a person but not lock them out for good. In memory: a restart forgives. Pure but for its own state.
 */
export interface FailureGuardLimits {
  failuresMax: number;
  windowMs: number;
  /** Names remembered at most; the oldest is forgotten first. */
  namesMax: number;
}

interface Failures {
  count: number;
  firstAtMs: number;
}

export class FailureGuard {
  readonly #limits: FailureGuardLimits;
  readonly #failures = new Map<string, Failures>();

  constructor(limits: FailureGuardLimits) {
    this.#limits = limits;
  }

  /** Milliseconds until another attempt is let through; 0 when it is now. */
  waitMs(name: string, nowMs: number): number {
    const failures = this.#current(name, nowMs);
    if (failures === null || failures.count < this.#limits.failuresMax) return 0;
    return failures.firstAtMs + this.#limits.windowMs - nowMs;
  }

  failed(name: string, nowMs: number): void {
    const failures = this.#current(name, nowMs);
    if (failures !== null) {
      failures.count += 1;
      return;
    }
    const oldest = this.#failures.keys().next();
    if (this.#failures.size >= this.#limits.namesMax && !oldest.done) this.#failures.delete(oldest.value);
    this.#failures.set(name, { count: 1, firstAtMs: nowMs });
  }

  succeeded(name: string): void {
    this.#failures.delete(name);
  }

  #current(name: string, nowMs: number): Failures | null {
    const failures = this.#failures.get(name);
    if (failures === undefined) return null;
    if (nowMs - failures.firstAtMs < this.#limits.windowMs) return failures;
    this.#failures.delete(name);
    return null;
  }
}

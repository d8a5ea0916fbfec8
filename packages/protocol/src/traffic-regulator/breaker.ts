/**
 * Trips when an acceptance test seems to be wrong rather than its clients: confirmed failures of the same check of the
 * same operation by several principals of good standing within a minute (PROTOCOL §10). While tripped, failing requests
 * are withheld (503) and nobody is blamed, blocked or learned from. It does not roll versions back.
 */
const PRINCIPALS = 3;
const WINDOW_MS = 60_000;
const OPEN_MS = 300_000;
const FAILURES_KEPT_MAX = 64;

interface Circuit {
  failures: { readonly principal: string; readonly at: number }[];
  openUntil: number;
}

export interface ConfirmedFailure {
  readonly operation: string;
  readonly check: string;
  readonly principal: string;
  /** It had a verified request before, matched no signature and was not in the suspect lane. */
  readonly inGoodStanding: boolean;
}

export class Breaker {
  readonly #circuits = new Map<string, Circuit>();

  /** Counts a failure the shadow run confirmed. `withhold`: blame nobody for it; `tripped`: it did that just now. */
  count(failure: ConfirmedFailure, now: number): { readonly withhold: boolean; readonly tripped: boolean } {
    const name = `${failure.operation} ${failure.check}`;
    const circuit = this.#circuits.get(name) ?? { failures: [], openUntil: 0 };
    this.#circuits.set(name, circuit);
    const wasOpen = now < circuit.openUntil;
    if (failure.inGoodStanding) {
      circuit.failures = circuit.failures.filter(({ at }) => now - at < WINDOW_MS).slice(-FAILURES_KEPT_MAX);
      circuit.failures.push({ principal: failure.principal, at: now });
      const principals = new Set(circuit.failures.map(({ principal }) => principal));
      if (wasOpen || principals.size >= PRINCIPALS) circuit.openUntil = now + OPEN_MS;
    }
    const open = now < circuit.openUntil;
    return { withhold: open && failure.inGoodStanding, tripped: open && !wasOpen };
  }
}

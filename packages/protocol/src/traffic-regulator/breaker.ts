/**
 * Tells a wrong acceptance test from malformed requests (PROTOCOL §10): failures of one check of one operation of one
 * version, confirmed by shadow runs, of several principals of good standing; within a minute, or, for a version that
 * replaced another, among its first requests, however far apart. While a circuit is open such failures are withheld:
 * nobody is blamed, blocked or learned from. It changes no version: that is for people, in one step.
 *
 * Pure bookkeeping in wall-clock milliseconds, so that it can be journalled; what follows from it is withholding.ts's.
 */
export const BREAKER_PRINCIPALS = 3;
const WINDOW_MS = 60_000;
const OPEN_MS = 300_000;
const FAILURES_KEPT_MAX = 64;
const CIRCUITS_MAX = 256;

/** What a circuit is for. */
export interface CircuitName {
  readonly applicationVersion: string;
  readonly operation: string;
  readonly check: string;
}

export interface ConfirmedFailure extends CircuitName {
  readonly principal: string;
  /** It had a verified request before, matched no signature and was not in the suspect lane. */
  readonly inGoodStanding: boolean;
  /** One of the first requests of a version that replaced another. */
  readonly onTrial: boolean;
}

/** A circuit as it is journalled and shown. */
export interface Circuit extends CircuitName {
  readonly openedAt: number;
  readonly openUntil: number;
  readonly withheld: number;
}

interface MutableCircuit extends CircuitName {
  failures: { readonly principal: string; readonly at: number; readonly onTrial: boolean }[];
  /** 0: it never opened. */
  openedAt: number;
  openUntil: number;
  withheld: number;
  /** It was told that it closed. */
  isClosedKnown: boolean;
}

export interface CircuitView extends Circuit {
  readonly isOpen: boolean;
  readonly principals: number;
}

const nameOf = ({ applicationVersion, operation, check }: CircuitName): string =>
  `${applicationVersion} ${operation} ${check}`;

export class Breaker {
  readonly #circuits = new Map<string, MutableCircuit>();

  /**
   * Counts a confirmed failure. `withhold`: blame nobody for it; `tripped`: the circuit opened just now. `since`: from when
   * on failures count as the wrong test's, milliseconds since 1970.
   */
  count(
    failure: ConfirmedFailure,
    wall: number,
  ): { readonly withhold: boolean; readonly tripped: boolean; readonly since: number } {
    const circuit = this.#circuitOf(failure);
    const wasOpen = wall < circuit.openUntil;
    if (failure.inGoodStanding) {
      const { principal, onTrial } = failure;
      const counting = circuit.failures.filter((each) => each.onTrial || wall - each.at < WINDOW_MS);
      circuit.failures = [...counting.slice(1 - FAILURES_KEPT_MAX), { principal, at: wall, onTrial }];
      if (wasOpen || principalsOf(circuit, wall) >= BREAKER_PRINCIPALS) circuit.openUntil = wall + OPEN_MS;
    }
    const isOpen = wall < circuit.openUntil;
    if (isOpen && !wasOpen) {
      circuit.openedAt = wall;
      circuit.isClosedKnown = false;
    }
    return { withhold: isOpen, tripped: isOpen && !wasOpen, since: failure.onTrial ? 0 : wall - WINDOW_MS };
  }

  noteWithheld(name: CircuitName): void {
    const circuit = this.#circuits.get(nameOf(name));
    if (circuit) circuit.withheld++;
  }

  isOpen(name: CircuitName, wall: number): boolean {
    return wall < (this.#circuits.get(nameOf(name))?.openUntil ?? 0);
  }

  /** Some check of this operation of this version is suspect. */
  isSuspect(applicationVersion: string, operation: string, wall: number): boolean {
    if (this.#circuits.size === 0) return false;
    for (const circuit of this.#circuits.values())
      if (
        circuit.operation === operation &&
        circuit.applicationVersion === applicationVersion &&
        wall < circuit.openUntil
      )
        return true;
    return false;
  }

  /** Circuits that closed since this was asked last, because nothing failed any more. */
  takeClosed(wall: number): Circuit[] {
    const closed: Circuit[] = [];
    for (const circuit of this.#circuits.values()) {
      if (circuit.openedAt === 0 || circuit.isClosedKnown || wall < circuit.openUntil) continue;
      circuit.isClosedKnown = true;
      circuit.failures = [];
      closed.push(plain(circuit));
    }
    return closed;
  }

  /** The version no longer admits requests: its tests cannot fail innocents any more. Returns what was open. */
  closeAll(applicationVersion: string, wall: number): Circuit[] {
    const open = [...this.#circuits.values()].filter(
      (circuit) => circuit.applicationVersion === applicationVersion && wall < circuit.openUntil,
    );
    for (const circuit of open) {
      circuit.openUntil = wall;
      circuit.isClosedKnown = true;
      circuit.failures = [];
    }
    return open.map(plain);
  }

  restore(circuit: Circuit): void {
    const { openedAt, openUntil, withheld } = circuit;
    Object.assign(this.#circuitOf(circuit), { openedAt, openUntil, withheld, isClosedKnown: false });
  }

  /** Those that ever opened. */
  export(): Circuit[] {
    return [...this.#circuits.values()].filter(({ openedAt }) => openedAt > 0).map(plain);
  }

  views(wall: number): CircuitView[] {
    return [...this.#circuits.values()].map((circuit) => ({
      ...plain(circuit),
      isOpen: wall < circuit.openUntil,
      principals: principalsOf(circuit, wall),
    }));
  }

  view(name: CircuitName): Circuit | undefined {
    const circuit = this.#circuits.get(nameOf(name));
    return circuit && plain(circuit);
  }

  #circuitOf({ applicationVersion, operation, check }: CircuitName): MutableCircuit {
    const name = nameOf({ applicationVersion, operation, check });
    const known = this.#circuits.get(name);
    if (known) return known;
    const circuit: MutableCircuit = {
      ...{ applicationVersion, operation, check },
      ...{ failures: [], openedAt: 0, openUntil: 0, withheld: 0, isClosedKnown: true },
    };
    this.#circuits.set(name, circuit);
    if (this.#circuits.size > CIRCUITS_MAX) this.#forgetOldest(name);
    return circuit;
  }

  #forgetOldest(but: string): void {
    for (const [name, { openUntil }] of this.#circuits)
      if (name !== but && openUntil === 0) {
        this.#circuits.delete(name);
        return;
      }
    for (const name of this.#circuits.keys())
      if (name !== but) {
        this.#circuits.delete(name);
        return;
      }
  }
}

const principalsOf = ({ failures }: MutableCircuit, wall: number): number =>
  new Set(failures.filter(({ at, onTrial }) => onTrial || wall - at < WINDOW_MS).map(({ principal }) => principal))
    .size;

const plain = ({ applicationVersion, operation, check, openedAt, openUntil, withheld }: MutableCircuit): Circuit => ({
  ...{ applicationVersion, operation, check },
  ...{ openedAt, openUntil, withheld },
});

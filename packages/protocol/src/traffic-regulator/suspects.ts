/**
 * The suspect lane (PROTOCOL §10): principals whose requests run in a worker of their own with every home member testing,
 * from their first failure until attribution ends, and those whose requests keep ending in convicted servers.
 */
const CONVICTIONS = 3;
const WINDOW_MS = 10 * 60_000;

export class Suspects {
  readonly #open = new Map<string, number>();
  readonly #convictions = new Map<string, number[]>();

  /** A request of this principal is under attribution. */
  open(principal: string): void {
    this.#open.set(principal, (this.#open.get(principal) ?? 0) + 1);
  }

  close(principal: string): void {
    const left = (this.#open.get(principal) ?? 0) - 1;
    if (left > 0) this.#open.set(principal, left);
    else this.#open.delete(principal);
  }

  /** A server was convicted on a request of this principal. */
  convicted(principal: string, now: number): void {
    const recent = (this.#convictions.get(principal) ?? []).filter((at) => now - at < WINDOW_MS).slice(1 - CONVICTIONS);
    this.#convictions.set(principal, [...recent, now]);
  }

  has(principal: string, now: number): boolean {
    if ((this.#open.get(principal) ?? 0) > 0) return true;
    return (this.#convictions.get(principal) ?? []).filter((at) => now - at < WINDOW_MS).length >= CONVICTIONS;
  }
}

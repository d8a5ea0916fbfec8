/**
 * Serial numbers of certificates that must not be believed any more, shared by all links of a process.
 *
 * The configuration manager pushes them; a new one closes the connections that rest on it (the links listen). A certificate lives
 * at most a day, so the set is bounded by forgetting: its owner hands the whole current list over with `replace`.
 */
type Listener = () => void;

export class Revocations {
  #serials = new Set<string>();
  readonly #listeners = new Set<Listener>();

  has(serial: string): boolean {
    return this.#serials.has(serial);
  }

  /** Adds serial numbers (upper-case hex). */
  add(serials: Iterable<string>): void {
    const before = this.#serials.size;
    for (const serial of serials) this.#serials.add(serial.toUpperCase());
    if (this.#serials.size > before) for (const listener of this.#listeners) listener();
  }

  /** Replaces the whole list. */
  replace(serials: Iterable<string>): void {
    this.#serials = new Set();
    this.add(serials);
  }

  /** Calls `listener` after each addition until the function returned is called. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

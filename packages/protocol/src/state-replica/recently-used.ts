/**
 * A cache with a budget: what was used longest ago goes first. It forgets only when told to, at the end of a step, so that
 * what was found in memory once is there for the whole step.
 */
export class RecentlyUsed<Key, Value> {
  readonly #values = new Map<Key, { readonly value: Value; readonly weight: number }>();
  readonly #weightMax: number;
  readonly #forgotten: (value: Value) => void;
  #weight = 0;

  constructor(weightMax: number, forgotten: (value: Value) => void = () => undefined) {
    this.#weightMax = weightMax;
    this.#forgotten = forgotten;
  }

  get(key: Key): Value | undefined {
    const slot = this.#values.get(key);
    if (!slot) return undefined;
    this.#values.delete(key);
    this.#values.set(key, slot);
    return slot.value;
  }

  set(key: Key, value: Value, weight: number): void {
    this.delete(key);
    this.#values.set(key, { value, weight });
    this.#weight += weight;
  }

  trim(): void {
    if (this.#weight <= this.#weightMax) return;
    for (const oldest of this.#values.keys()) {
      this.delete(oldest);
      if (this.#weight <= this.#weightMax) return;
    }
  }

  delete(key: Key): void {
    const slot = this.#values.get(key);
    if (!slot) return;
    this.#values.delete(key);
    this.#weight -= slot.weight;
    this.#forgotten(slot.value);
  }

  get size(): number {
    return this.#values.size;
  }

  get weight(): number {
    return this.#weight;
  }
}

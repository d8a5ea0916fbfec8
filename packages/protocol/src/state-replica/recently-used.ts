/** A cache with a budget: what was used longest ago goes first. The one put in last stays, whatever it weighs. */
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
    for (const oldest of this.#values.keys()) {
      if (this.#weight <= this.#weightMax || oldest === key) return;
      this.delete(oldest);
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

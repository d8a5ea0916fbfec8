/** A set that remembers the last so many keys. */
export class RecentKeys<Key> {
  readonly #keys = new Set<Key>();
  readonly #countMax: number;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  add(key: Key): void {
    this.#keys.add(key);
    if (this.#keys.size <= this.#countMax) return;
    for (const oldest of this.#keys) {
      this.#keys.delete(oldest);
      return;
    }
  }

  /** Oldest first. */
  keys(): IterableIterator<Key> {
    return this.#keys.keys();
  }

  has(key: Key): boolean {
    return this.#keys.has(key);
  }
}

/** Keeps the newest `countMax` entries of a map in insertion order. */
export function trimOldest<Key>(map: Map<Key, unknown>, countMax: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= countMax) return;
    map.delete(oldest);
  }
}

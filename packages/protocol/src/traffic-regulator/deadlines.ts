/**
 * Due times in buckets of 20 ms: adding is cheap, and a step touches only what is due (never all requests). Entries are
 * not removed; whoever takes one out checks whether it still means anything. May be up to one bucket late, never early.
 */
const BUCKET_MS = 20;

export class Deadlines<Item> {
  readonly #buckets = new Map<number, Item[]>();
  /** Numbers of the buckets, ascending. */
  readonly #order: number[] = [];

  add(at: number, item: Item): void {
    const number = Math.ceil(at / BUCKET_MS);
    const bucket = this.#buckets.get(number);
    if (bucket) {
      bucket.push(item);
      return;
    }
    this.#buckets.set(number, [item]);
    let index = this.#order.length;
    while (index > 0 && (this.#order[index - 1] as number) > number) index--;
    this.#order.splice(index, 0, number);
  }

  /** Everything due at `now`, earliest first. */
  take(now: number): Item[] {
    const due: Item[] = [];
    while (this.#order.length > 0 && (this.#order[0] as number) * BUCKET_MS <= now) {
      const number = this.#order.shift() as number;
      for (const item of this.#buckets.get(number) ?? []) due.push(item);
      this.#buckets.delete(number);
    }
    return due;
  }

  /** Monotonic milliseconds of the next bucket. */
  get next(): number | undefined {
    const first = this.#order[0];
    return first === undefined ? undefined : first * BUCKET_MS;
  }
}

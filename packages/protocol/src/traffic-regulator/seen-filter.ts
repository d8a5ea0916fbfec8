/**
 * Remembers, in fixed memory, which request ids had an outcome that the regulator no longer (or never) holds itself: a
 * Bloom filter. A hit means "ask the masters before dispatching" (docs/PROTOCOL.md §7), so a false one costs a question
 * and a missing one cannot happen.
 */
import type { RequestId } from "@redoubt/shared";

const HASHES = 4;

export class SeenFilter {
  readonly #bits: number;
  #words: Uint32Array | undefined;

  /** `bits` must be a power of two; the default (2^25, 4 MiB) holds three million ids with 1 % false hits. */
  constructor(bits = 2 ** 25) {
    this.#bits = bits;
  }

  add(requestId: RequestId): void {
    this.#words ??= new Uint32Array(this.#bits / 32);
    for (let hash = 0; hash < HASHES; hash++) {
      const bit = this.#bit(requestId, hash);
      this.#words[bit >>> 5] = (this.#words[bit >>> 5] as number) | (1 << (bit & 31));
    }
  }

  mayHave(requestId: RequestId): boolean {
    if (!this.#words) return false;
    for (let hash = 0; hash < HASHES; hash++) {
      const bit = this.#bit(requestId, hash);
      if (((this.#words[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }

  /** Request ids are digests already: any eight digits of one are a hash. */
  #bit(requestId: RequestId, hash: number): number {
    return Number.parseInt(requestId.slice(hash * 8, hash * 8 + 8), 16) & (this.#bits - 1);
  }
}

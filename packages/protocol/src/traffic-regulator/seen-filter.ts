/**
 * Remembers, in bounded memory, which request ids had an outcome that the regulator no longer (or never) holds itself: a
 * Bloom filter. A hit means "ask the masters before dispatching" (docs/PROTOCOL.md §7), so a false one costs a question
 * and a missing one cannot happen while the id is to be remembered. Two generations, so that it does not fill up for ever: an
 * id is remembered for one period at least and two at most; after that the members, who keep every id, are what refuses it.
 */
import type { ByteReader, ByteWriter, RequestId } from "@redoubt/shared";

const HASHES = 4;
const WORD_BITS = 32;
/** With more words in use all of them are kept side by side. */
const SPARSE_MAX = 2 ** 15;

export class SeenFilter {
  readonly #words: number;
  #newer: WordTable;
  #older: WordTable;
  /** When the newer generation began (ms since 1970); undefined before the time is known. */
  #since: number | undefined;

  /** `bits` must be a power of two; the default (2^25, 4 MiB each) holds three million ids with 1 % false hits. */
  constructor(bits = 2 ** 25) {
    this.#words = bits / WORD_BITS;
    this.#newer = new WordTable(this.#words);
    this.#older = new WordTable(this.#words);
  }

  add(requestId: RequestId): void {
    for (let hash = 0; hash < HASHES; hash++) {
      const bit = this.#bit(requestId, hash);
      this.#newer.include(bit >>> 5, 1 << (bit & 31));
    }
  }

  mayHave(requestId: RequestId): boolean {
    return this.#isIn(this.#newer, requestId) || this.#isIn(this.#older, requestId);
  }

  /** To be told the time (ms since 1970) now and then. A clock that goes back makes ids be remembered longer. */
  age(wall: number, periodMs: number): void {
    if (this.#since === undefined || wall < this.#since) this.#since = Math.trunc(wall);
    if (wall - this.#since < periodMs) return;
    this.#older = this.#newer;
    this.#newer = new WordTable(this.#words);
    this.#since = Math.trunc(wall);
  }

  save(writer: ByteWriter): void {
    writer.integer(this.#since ?? 0);
    this.#newer.save(writer);
    this.#older.save(writer);
  }

  restore(reader: ByteReader): void {
    const since = reader.integer();
    this.#since = since === 0 ? undefined : since;
    this.#newer.restore(reader);
    this.#older.restore(reader);
  }

  #isIn(table: WordTable, requestId: RequestId): boolean {
    for (let hash = 0; hash < HASHES; hash++) {
      const bit = this.#bit(requestId, hash);
      if ((table.at(bit >>> 5) & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }

  /** Request ids are digests already: any eight digits of one are a hash. */
  #bit(requestId: RequestId, hash: number): number {
    return Number.parseInt(requestId.slice(hash * 8, hash * 8 + 8), 16) & (this.#words * WORD_BITS - 1);
  }
}

/** So many words of 32 bits; as long as few are in use only those take room. */
class WordTable {
  readonly #count: number;
  readonly #sparse = new Map<number, number>();
  #dense: Uint32Array | undefined;

  constructor(count: number) {
    this.#count = count;
  }

  at(index: number): number {
    return (this.#dense ? this.#dense[index] : this.#sparse.get(index)) ?? 0;
  }

  include(index: number, bits: number): void {
    const word = (this.at(index) | bits) >>> 0;
    if (this.#dense) this.#dense[index] = word;
    else this.#sparse.set(index, word);
    if (!this.#dense && this.#sparse.size > SPARSE_MAX) this.#spread();
  }

  #spread(): void {
    this.#dense = new Uint32Array(this.#count);
    for (const [index, word] of this.#sparse) this.#dense[index] = word;
    this.#sparse.clear();
  }

  save(writer: ByteWriter): void {
    writer.u8(this.#dense ? 1 : 0);
    if (this.#dense) for (const word of this.#dense) writer.u32(word);
    else writer.list([...this.#sparse], ([index, word]) => writer.u32(index).u32(word));
  }

  restore(reader: ByteReader): void {
    if (reader.u8() === 0) reader.list(() => this.include(reader.u32(), reader.u32()), SPARSE_MAX);
    else {
      this.#spread();
      for (let index = 0; index < this.#count; index++) this.include(index, reader.u32());
    }
  }
}

/**
 * A compact multimap from hashes to numbers for tens of millions of entries: open addressing in typed arrays, 8 bytes a
 * slot, at least two slots of three in use. It keeps 24 bits of each hash besides the partition's 8, so what it finds are
 * *candidates*, to be confirmed by whoever knows the whole key: entries that somebody made collide cost a look-up, never
 * a wrong answer. Nothing is ever taken out.
 *
 * It is split into 256 partitions that grow on their own, so that growing never stops the process for long, and that are
 * copied on the first write after {@link FingerprintTable.parts} gave them away, so that a checkpoint costs no pause.
 */
import { assert } from "@redoubt/shared";

/** 64 well-mixed bits of a key, as two unsigned words. */
export interface Hash {
  readonly high: number;
  readonly low: number;
}

const PARTITIONS = 256;
const CAPACITY_MIN = 16;
const LOAD_MAX = 0.85;
const GROWTH = 1.25;
const BYTES_PER_SLOT = 8;
const FINGERPRINTS = 1 << 24;
const WORD = 0x1_0000_0000;
/** Numbers have 40 bits. */
const NUMBER_MAX = 256 * WORD - 1;

/** The hash of a digest (64 hexadecimal digits) is its beginning. */
export const hashOfDigest = (digest: string): Hash => ({
  high: Number.parseInt(digest.slice(0, 8), 16),
  low: Number.parseInt(digest.slice(8, 16), 16),
});

/** Not 0, which with the number's high byte 0 would look like a free slot. */
const fingerprintOf = ({ low }: Hash): number => low >>> 8 || 1;

/** Slots of 64 bits: fingerprint (24) and number (8 + 32). A slot whose fingerprint is 0 is free. */
class Partition {
  count = 0;
  /** Somebody else reads the bytes: they are copied before the next write. */
  shared = false;
  #tags: Uint32Array;
  #lows: Uint32Array;
  #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes = new Uint8Array(CAPACITY_MIN * BYTES_PER_SLOT)) {
    this.#bytes = bytes;
    const capacity = bytes.length / BYTES_PER_SLOT;
    this.#tags = new Uint32Array(bytes.buffer, 0, capacity);
    this.#lows = new Uint32Array(bytes.buffer, capacity * 4, capacity);
    for (const tag of this.#tags) if (tag !== 0) this.count++;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  add(fingerprint: number, number: number): void {
    if (this.count + 1 > this.#tags.length * LOAD_MAX) this.#become(Math.ceil(this.#tags.length * GROWTH));
    else if (this.shared) this.#become(this.#tags.length);
    this.#place(((fingerprint << 8) | Math.floor(number / WORD)) >>> 0, number % WORD);
    this.count++;
  }

  /** Moves everything into arrays of its own of this capacity. */
  #become(capacity: number): void {
    const tags = this.#tags;
    const lows = this.#lows;
    this.#bytes = new Uint8Array(capacity * BYTES_PER_SLOT);
    this.#tags = new Uint32Array(this.#bytes.buffer, 0, capacity);
    this.#lows = new Uint32Array(this.#bytes.buffer, capacity * 4, capacity);
    this.shared = false;
    for (let slot = 0; slot < tags.length; slot++) {
      const tag = tags[slot] as number;
      if (tag !== 0) this.#place(tag, lows[slot] as number);
    }
  }

  #homeOf(fingerprint: number): number {
    return Math.floor((fingerprint / FINGERPRINTS) * this.#tags.length);
  }

  #place(tag: number, low: number): void {
    let slot = this.#homeOf(tag >>> 8);
    while (this.#tags[slot] !== 0) slot = slot + 1 === this.#tags.length ? 0 : slot + 1;
    this.#tags[slot] = tag;
    this.#lows[slot] = low;
  }

  /** Appends the numbers under this fingerprint, oldest or not. */
  collect(fingerprint: number, into: number[]): void {
    let slot = this.#homeOf(fingerprint);
    for (let tag = this.#tags[slot]; tag !== 0 && tag !== undefined; tag = this.#tags[slot]) {
      if (tag >>> 8 === fingerprint) into.push((tag & 0xff) * WORD + (this.#lows[slot] as number));
      slot = slot + 1 === this.#tags.length ? 0 : slot + 1;
    }
  }
}

export class FingerprintTable {
  readonly #partitions: Partition[];
  #size = 0;

  /** `parts`: what {@link parts} gave once. They are copied. */
  constructor(parts?: readonly Uint8Array[]) {
    if (!parts) {
      this.#partitions = Array.from({ length: PARTITIONS }, () => new Partition());
      return;
    }
    assert(parts.length === PARTITIONS, `a table has ${PARTITIONS} parts, not ${parts.length}`);
    this.#partitions = parts.map((part) => {
      assert(part.length > 0 && part.length % BYTES_PER_SLOT === 0, `a partition of ${part.length} bytes`);
      const bytes = new Uint8Array(part.length);
      bytes.set(part);
      return new Partition(bytes);
    });
    for (const { count } of this.#partitions) this.#size += count;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#partitions.reduce((bytes, partition) => bytes + partition.bytes.length, 0);
  }

  /** `number`: 0 … 2^40 − 1. */
  add(hash: Hash, number: number): void {
    assert(Number.isInteger(number) && number >= 0 && number <= NUMBER_MAX, `number ${number} has not 40 bits`);
    this.#partitionOf(hash).add(fingerprintOf(hash), number);
    this.#size++;
  }

  /** Every number added under this hash, and perhaps some of other hashes, each as often as it was added. */
  candidates(hash: Hash): readonly number[] {
    const found: number[] = [];
    this.#partitionOf(hash).collect(fingerprintOf(hash), found);
    return found;
  }

  #partitionOf({ high }: Hash): Partition {
    return this.#partitions[high >>> 24] as Partition;
  }

  /** The table as bytes that stay as they are while the table goes on. */
  parts(): Uint8Array[] {
    return this.#partitions.map((partition) => {
      partition.shared = true;
      return partition.bytes;
    });
  }

  static readonly partCount = PARTITIONS;
}

/**
 * Where records lie in a segment, noted about every 16 records or 64 KiB: from the note before it a record is found by going over a
 * few headers, in one read. Some 4 KiB of memory for a segment of 8 MiB.
 */

const RECORDS_PER_NOTE = 16;
const BYTES_PER_NOTE = 65_536;

export interface NotedSpan {
  readonly index: number;
  readonly offset: number;
  /** Where the next noted record starts; undefined behind the last note. */
  readonly through: number | undefined;
}

export class SparseOffsets {
  readonly #indexes: number[] = [];
  readonly #offsets: number[] = [];

  /** To be told every record (or every known one), in order. */
  note(index: number, offset: number): void {
    const last = this.#indexes.length - 1;
    if (last >= 0) {
      const isNear = index - (this.#indexes[last] as number) < RECORDS_PER_NOTE;
      if (isNear && offset - (this.#offsets[last] as number) < BYTES_PER_NOTE) return;
    }
    this.#indexes.push(index);
    this.#offsets.push(offset);
  }

  /** The last noted record at or before `index`. */
  span(index: number): NotedSpan | undefined {
    let low = 0;
    let high = this.#indexes.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if ((this.#indexes[middle] as number) <= index) low = middle + 1;
      else high = middle - 1;
    }
    if (high < 0) return undefined;
    const [noted, offset] = [this.#indexes[high] as number, this.#offsets[high] as number];
    return { index: noted, offset, through: this.#offsets[high + 1] };
  }
}

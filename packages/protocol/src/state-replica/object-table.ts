/**
 * Of every object the newest *verified* version: the number of the record that wrote it, its version number and its C2.
 * 57 bytes an object, in pages of typed arrays, with a {@link FingerprintTable} to find the row; names and bytes stay on
 * the disk. An object is known by the first 128 bits of the digest of its name: nobody can make two names share them.
 * Pages are copied on the first write after {@link ObjectTable.parts} gave them away.
 */
import { assert, type Digest } from "@redoubt/shared";
import type { RecordNumber } from "../core.ts";
import { FingerprintTable, hashOfDigest } from "./fingerprint-table.ts";

/** Number of a row, from 0; stays the object's. */
export type Row = number;

const ROWS_PER_PAGE = 1_024;
const ID_BYTES = 16;
const C2_BYTES = 32;
const BYTES_PER_PAGE = ROWS_PER_PAGE * (ID_BYTES + C2_BYTES + 4 + 4 + 1);
const WORD = 0x1_0000_0000;

class Page {
  shared = false;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ids: Uint8Array;
  readonly c2s: Uint8Array;
  readonly lows: Uint32Array;
  readonly versions: Uint32Array;
  readonly highs: Uint8Array;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    const { buffer } = bytes;
    this.ids = new Uint8Array(buffer, 0, ROWS_PER_PAGE * ID_BYTES);
    this.c2s = new Uint8Array(buffer, ROWS_PER_PAGE * ID_BYTES, ROWS_PER_PAGE * C2_BYTES);
    this.lows = new Uint32Array(buffer, ROWS_PER_PAGE * (ID_BYTES + C2_BYTES), ROWS_PER_PAGE);
    this.versions = new Uint32Array(buffer, ROWS_PER_PAGE * (ID_BYTES + C2_BYTES + 4), ROWS_PER_PAGE);
    this.highs = new Uint8Array(buffer, ROWS_PER_PAGE * (ID_BYTES + C2_BYTES + 8), ROWS_PER_PAGE);
  }
}

export class ObjectTable {
  readonly #rows: FingerprintTable;
  readonly #pages: Page[];
  #size: number;

  /** `parts`: what {@link parts} gave once, with `size`. They are copied. */
  constructor(size = 0, parts: readonly Uint8Array[] = []) {
    this.#size = size;
    this.#rows = new FingerprintTable(parts.length > 0 ? parts.slice(0, FingerprintTable.partCount) : undefined);
    this.#pages = parts.slice(FingerprintTable.partCount).map((part) => {
      assert(part.length === BYTES_PER_PAGE, `a page of ${part.length} bytes`);
      const bytes = new Uint8Array(BYTES_PER_PAGE);
      bytes.set(part);
      return new Page(bytes);
    });
    assert(this.#rows.size === size, `${this.#rows.size} rows found of ${size}`);
    assert(this.#pages.length === Math.ceil(size / ROWS_PER_PAGE), `${this.#pages.length} pages for ${size} objects`);
  }

  /** Rows 0 … size − 1 are in use. */
  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#rows.bytes + this.#pages.length * BYTES_PER_PAGE;
  }

  /** `id`: digest of the object's name. */
  find(id: Digest): Row | undefined {
    return this.#rows.candidates(hashOfDigest(id)).find((row) => this.#hasId(row, id));
  }

  #hasId(row: Row, id: Digest): boolean {
    const { ids } = this.#page(row);
    const at = (row % ROWS_PER_PAGE) * ID_BYTES;
    for (let index = 0; index < ID_BYTES; index++) if (ids[at + index] !== byteOf(id, index)) return false;
    return true;
  }

  #page(row: Row): Page {
    const page = this.#pages[Math.floor(row / ROWS_PER_PAGE)];
    assert(page && row < this.#size, `row ${row} of ${this.#size}`);
    return page;
  }

  #writable(row: Row): Page {
    const page = this.#page(row);
    if (!page.shared) return page;
    const copy = new Page(page.bytes.slice());
    this.#pages[Math.floor(row / ROWS_PER_PAGE)] = copy;
    return copy;
  }

  #add(id: Digest): Row {
    const row = this.#size++;
    if (row % ROWS_PER_PAGE === 0) this.#pages.push(new Page(new Uint8Array(BYTES_PER_PAGE)));
    const { ids } = this.#writable(row);
    const at = (row % ROWS_PER_PAGE) * ID_BYTES;
    for (let index = 0; index < ID_BYTES; index++) ids[at + index] = byteOf(id, index);
    this.#rows.add(hashOfDigest(id), row);
    return row;
  }

  /** Version `version` (from 1), written by this record, is now the newest verified one. */
  set(id: Digest, record: RecordNumber, version: number, c2: Digest): void {
    const row = this.find(id) ?? this.#add(id);
    const page = this.#writable(row);
    const at = row % ROWS_PER_PAGE;
    page.lows[at] = record % WORD;
    page.highs[at] = Math.floor(record / WORD);
    page.versions[at] = version;
    for (let index = 0; index < C2_BYTES; index++) page.c2s[at * C2_BYTES + index] = byteOf(c2, index);
  }

  recordOf(row: Row): RecordNumber {
    const page = this.#page(row);
    const at = row % ROWS_PER_PAGE;
    return (page.highs[at] as number) * WORD + (page.lows[at] as number);
  }

  versionOf(row: Row): number {
    return this.#page(row).versions[row % ROWS_PER_PAGE] as number;
  }

  c2Of(row: Row): Digest {
    const { c2s } = this.#page(row);
    const at = (row % ROWS_PER_PAGE) * C2_BYTES;
    let text = "";
    for (let index = 0; index < C2_BYTES; index++) text += HEX[c2s[at + index] as number];
    return text as Digest;
  }

  /** The table as bytes that stay as they are while the table goes on; to be restored with today's {@link size}. */
  parts(): Uint8Array[] {
    for (const page of this.#pages) page.shared = true;
    return [...this.#rows.parts(), ...this.#pages.map((page) => page.bytes)];
  }
}

const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

const hexDigit = (code: number): number => (code >= 97 ? code - 87 : code - 48);

/** Byte `index` of a digest in hexadecimal. */
const byteOf = (digest: string, index: number): number =>
  (hexDigit(digest.charCodeAt(index * 2)) << 4) | hexDigit(digest.charCodeAt(index * 2 + 1));

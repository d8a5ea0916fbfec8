/**
 * Of every object the newest *verified* version: the number of the record that wrote it, its version number, epoch, C1
 * and C2, and the request that wrote it: all that judging the next change of the object takes. 125 bytes an object, in
 * pages of typed arrays, with a {@link FingerprintTable} to find the row; names and bytes stay on the disk. An object is
 * known by the first 128 bits of the digest of its name: nobody can make two names share them. Pages are copied on the
 * first write after {@link ObjectTable.parts} gave them away.
 */
import { assert, type Digest, type RequestId } from "@redoubt/shared";
import type { RecordNumber } from "../core.ts";
import { FingerprintTable, hashOfDigest } from "./fingerprint-table.ts";

/** Number of a row, from 0; stays the object's. */
export type Row = number;

/** The newest verified version of an object. */
export interface NewestVersion {
  /** Number of the record that wrote it. */
  readonly record: RecordNumber;
  /** From 1. */
  readonly version: number;
  readonly epoch: number;
  readonly c1: Digest;
  readonly c2: Digest;
  /** The request that wrote it. */
  readonly writer: RequestId;
}

const ROWS_PER_PAGE = 1_024;
const ID_BYTES = 16;
const DIGEST_BYTES = 32;
const WORD_BYTES = 4;
const BYTES_PER_PAGE = ROWS_PER_PAGE * (ID_BYTES + 3 * DIGEST_BYTES + 3 * WORD_BYTES + 1);
const WORD = 0x1_0000_0000;

class Page {
  shared = false;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ids: Uint8Array;
  readonly c1s: Uint8Array;
  readonly c2s: Uint8Array;
  readonly writers: Uint8Array;
  /** Lower 32 bits of the record numbers. */
  readonly lows: Uint32Array;
  readonly versions: Uint32Array;
  readonly epochs: Uint32Array;
  /** Upper 8 bits of the record numbers. */
  readonly highs: Uint8Array;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    let offset = 0;
    const next = (rowBytes: number): number => {
      const start = offset;
      offset += ROWS_PER_PAGE * rowBytes;
      return start;
    };
    const column = (rowBytes: number) => new Uint8Array(bytes.buffer, next(rowBytes), ROWS_PER_PAGE * rowBytes);
    const words = () => new Uint32Array(bytes.buffer, next(WORD_BYTES), ROWS_PER_PAGE);
    this.ids = column(ID_BYTES);
    this.c1s = column(DIGEST_BYTES);
    this.c2s = column(DIGEST_BYTES);
    this.writers = column(DIGEST_BYTES);
    this.lows = words();
    this.versions = words();
    this.epochs = words();
    this.highs = column(1);
  }
}

export class ObjectTable {
  readonly #rows: FingerprintTable;
  readonly #pages: Page[];
  #size: number;

  /** `parts`: what {@link parts} gave once, with `size`. They are kept and not written to: a page is copied at its first write. */
  constructor(size = 0, parts: readonly Uint8Array[] = []) {
    this.#size = size;
    this.#rows = new FingerprintTable(parts.length > 0 ? parts.slice(0, FingerprintTable.partCount) : undefined);
    this.#pages = parts.slice(FingerprintTable.partCount).map((part) => {
      assert(part.length === BYTES_PER_PAGE, `a page of ${part.length} bytes`);
      const page = new Page(ownBytes(part));
      page.shared = true;
      return page;
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

  /** This is now the newest verified version of the object. */
  set(id: Digest, { record, version, epoch, c1, c2, writer }: NewestVersion): void {
    const row = this.find(id) ?? this.#add(id);
    const page = this.#writable(row);
    const at = row % ROWS_PER_PAGE;
    page.lows[at] = record % WORD;
    page.highs[at] = Math.floor(record / WORD);
    page.versions[at] = version;
    page.epochs[at] = epoch;
    writeDigest(page.c1s, at, c1);
    writeDigest(page.c2s, at, c2);
    writeDigest(page.writers, at, writer);
  }

  recordOf(row: Row): RecordNumber {
    const page = this.#page(row);
    const at = row % ROWS_PER_PAGE;
    return (page.highs[at] as number) * WORD + (page.lows[at] as number);
  }

  versionOf(row: Row): number {
    return this.#page(row).versions[row % ROWS_PER_PAGE] as number;
  }

  epochOf(row: Row): number {
    return this.#page(row).epochs[row % ROWS_PER_PAGE] as number;
  }

  c1Of(row: Row): Digest {
    return readDigest(this.#page(row).c1s, row % ROWS_PER_PAGE);
  }

  c2Of(row: Row): Digest {
    return readDigest(this.#page(row).c2s, row % ROWS_PER_PAGE);
  }

  writerOf(row: Row): RequestId {
    return readDigest(this.#page(row).writers, row % ROWS_PER_PAGE) as string as RequestId;
  }

  /** The table as bytes that stay as they are while the table goes on; to be restored with today's {@link size}. */
  parts(): Uint8Array[] {
    for (const page of this.#pages) page.shared = true;
    return [...this.#rows.parts(), ...this.#pages.map((page) => page.bytes)];
  }
}

/** Bytes that begin their buffer, as the columns of a page do. */
const ownBytes = (part: Uint8Array): Uint8Array<ArrayBuffer> =>
  part.buffer instanceof ArrayBuffer && part.byteOffset === 0 && part.buffer.byteLength === part.length
    ? new Uint8Array(part.buffer)
    : new Uint8Array(part);

const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

const hexDigit = (code: number): number => (code >= 97 ? code - 87 : code - 48);

/** Byte `index` of a digest in hexadecimal. */
const byteOf = (digest: string, index: number): number =>
  (hexDigit(digest.charCodeAt(index * 2)) << 4) | hexDigit(digest.charCodeAt(index * 2 + 1));

function writeDigest(column: Uint8Array, at: number, digest: string): void {
  for (let index = 0; index < DIGEST_BYTES; index++) column[at * DIGEST_BYTES + index] = byteOf(digest, index);
}

function readDigest(column: Uint8Array, at: number): Digest {
  let text = "";
  for (let index = at * DIGEST_BYTES; index < (at + 1) * DIGEST_BYTES; index++) text += HEX[column[index] as number];
  return text as Digest;
}

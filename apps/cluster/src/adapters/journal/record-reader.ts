/**
 * Reading single records back by number, from the disk: one read from a segment, or one compressed block of an archive.
 *
 * In memory are the catalogue, sparse offsets of the segments last used and the tables of the archives last used; never a whole segment,
 * but while one is gone through because its offsets are unknown or its bytes are damaged.
 */
import { join } from "node:path";
import {
  type ArchiveBlock,
  type ArchiveTable,
  archiveTableBytes,
  decodeArchiveTable,
  expandBlock,
} from "./archive-format.ts";
import { type JournalDisk, readFully } from "./disk.ts";
import { LeastRecentlyUsed } from "./lru.ts";
import type { SegmentCatalogue, SegmentEntry } from "./segment-catalogue.ts";
import {
  decodeRecord,
  RECORD_HEADER_BYTES,
  recordBytes,
  type SegmentHeader,
  storedChain,
  storedIndex,
} from "./segment-format.ts";
import { fileNameOf, JournalDamagedError, loadSegment } from "./segment-load.ts";
import { scanRecords } from "./segment-scan.ts";
import { SparseOffsets } from "./sparse-offsets.ts";

const OPEN_FILES_MAX = 128;
/** Some 4 KiB each. */
const OFFSET_TABLES_MAX = 512;
const ARCHIVE_TABLES_MAX = 128;
/** A noted record that nothing follows is sought in this many bytes first. */
const READ_AHEAD_BYTES = 16_384;
const ARCHIVE_HEAD_BYTES = 8_192;

interface OpenFile {
  readonly descriptor: number;
  users: number;
  isForgotten: boolean;
}

export interface ReadRecord {
  readonly payload: Buffer;
  /** The chain value after it. */
  readonly chain: Buffer;
}

export class RecordReader {
  readonly #disk: JournalDisk;
  readonly #directory: string;
  readonly #catalogue: SegmentCatalogue;
  /** By segment number and kind. */
  readonly #files: LeastRecentlyUsed<string, Promise<OpenFile>>;
  readonly #offsets = new LeastRecentlyUsed<number, SparseOffsets>(OFFSET_TABLES_MAX);
  readonly #archives = new LeastRecentlyUsed<number, Promise<ArchiveTable | undefined>>(ARCHIVE_TABLES_MAX);

  constructor(disk: JournalDisk, directory: string, catalogue: SegmentCatalogue) {
    this.#disk = disk;
    this.#directory = directory;
    this.#catalogue = catalogue;
    this.#files = new LeastRecentlyUsed(OPEN_FILES_MAX, (file) => void this.#letGo(file));
  }

  /** The offsets of a segment that is being written; the writer notes its records there. */
  keepOffsets(segmentNumber: number, offsets: SparseOffsets): void {
    this.#offsets.set(segmentNumber, offsets);
  }

  /** Forgets what is known of a segment whose file has changed its form, its bytes or is gone. */
  forget(segmentNumber: number): void {
    this.#files.delete(fileNameOf({ segmentNumber, kind: "segment" }));
    this.#files.delete(fileNameOf({ segmentNumber, kind: "archive" }));
    this.#archives.delete(segmentNumber);
  }

  /** A written record. Throws JournalDamagedError; RangeError for a record that is not there (any more). */
  async read(record: number): Promise<ReadRecord> {
    const entry = this.#catalogue.find(record);
    if (entry === undefined) throw new RangeError(`the journal has no record ${record} (any more)`);
    const index = record - entry.header.firstRecord;
    const quick =
      entry.kind === "archive" ? await this.#fromArchive(entry, index) : await this.#fromSegment(entry, index);
    return quick ?? this.#fromWholeSegment(entry, index);
  }

  async #fromSegment(entry: SegmentEntry, index: number): Promise<ReadRecord | undefined> {
    const { header } = entry;
    const span = this.#offsets.get(header.segmentNumber)?.span(index);
    if (span === undefined) return undefined;
    const through = Math.min(span.through ?? span.offset + READ_AHEAD_BYTES, header.segmentBytes);
    let bytes = await this.#readAt(entry, span.offset, through - span.offset);
    let at = goOver(bytes, index - span.index);
    if (at === undefined) return undefined;
    const offset = span.offset + at;
    if (goOver(bytes.subarray(at), 1) === undefined) {
      // It reaches beyond what was read ahead.
      const head = await this.#readAt(entry, offset, RECORD_HEADER_BYTES);
      const needed = head.length < RECORD_HEADER_BYTES ? 0 : RECORD_HEADER_BYTES + head.readUInt32LE(0);
      if (needed === 0 || needed > header.segmentBytes - offset) return undefined;
      bytes = await this.#readAt(entry, offset, needed);
      at = 0;
    }
    return intact(bytes, at, offset, header, index);
  }

  async #fromArchive(entry: SegmentEntry, index: number): Promise<ReadRecord | undefined> {
    const table = await this.#archiveTable(entry);
    const block = table && blockOf(table, index);
    if (block === undefined) return undefined;
    const bytes = expandBlock(await this.#readAt(entry, block.filePosition, block.fileBytes), block);
    if (bytes === undefined) return undefined;
    const at = goOver(bytes, index - block.firstIndex);
    if (at === undefined) return undefined;
    return intact(bytes, at, block.offset + at, entry.header, index);
  }

  /** Goes through the segment: the record may be intact although something before it is not, or nothing was noted of the segment yet. */
  async #fromWholeSegment(entry: SegmentEntry, index: number): Promise<ReadRecord> {
    const { segmentNumber } = entry.header;
    const { header, bytes } = await this.#use(entry, (descriptor) =>
      loadSegment(this.#disk, descriptor, { segmentNumber, kind: entry.kind }),
    );
    const offsets = new SparseOffsets();
    let found: ReadRecord | undefined;
    let damagedAt = 0;
    for (const scanned of scanRecords(bytes, header, this.#catalogue.closingOf(entry))) {
      if (scanned.offset !== undefined) offsets.note(scanned.index, scanned.offset);
      if (scanned.index !== index) continue;
      damagedAt = scanned.offset ?? 0;
      if (scanned.payload === undefined) continue;
      found = { payload: Buffer.from(scanned.payload), chain: Buffer.from(storedChain(bytes, damagedAt)) };
    }
    const isClosed = this.#catalogue.closingOf(entry) !== undefined;
    if (entry.kind === "segment" && isClosed) this.#offsets.set(segmentNumber, offsets);
    if (found !== undefined) return found;
    const name = fileNameOf({ segmentNumber, kind: entry.kind });
    throw new JournalDamagedError(name, damagedAt, `record ${header.firstRecord + index} is not what was written`);
  }

  #archiveTable(entry: SegmentEntry): Promise<ArchiveTable | undefined> {
    const { segmentNumber } = entry.header;
    const known = this.#archives.get(segmentNumber);
    if (known !== undefined) return known;
    const table = (async () => {
      const head = await this.#readAt(entry, 0, ARCHIVE_HEAD_BYTES);
      const needed = archiveTableBytes(head);
      if (needed === undefined) return undefined;
      return decodeArchiveTable(needed <= head.length ? head : await this.#readAt(entry, 0, needed));
    })();
    this.#archives.set(segmentNumber, table);
    table.then(
      (found) => found ?? this.#archives.delete(segmentNumber),
      () => this.#archives.delete(segmentNumber),
    );
    return table;
  }

  /** As many of the bytes as the file has. */
  #readAt(entry: SegmentEntry, position: number, length: number): Promise<Buffer> {
    return this.#use(entry, async (descriptor) => {
      const bytes = Buffer.allocUnsafeSlow(length);
      const present = await readFully(this.#disk, descriptor, bytes, length, position);
      return bytes.subarray(0, present);
    });
  }

  async #use<T>(entry: SegmentEntry, work: (descriptor: number) => Promise<T>): Promise<T> {
    const name = fileNameOf({ segmentNumber: entry.header.segmentNumber, kind: entry.kind });
    let opening = this.#files.get(name);
    if (opening === undefined) {
      opening = this.#disk
        .open(join(this.#directory, name), "r")
        .then((descriptor) => ({ descriptor, users: 0, isForgotten: false }));
      this.#files.set(name, opening);
      opening.catch(() => this.#files.delete(name));
    }
    const file = await opening;
    file.users++;
    try {
      return await work(file.descriptor);
    } finally {
      file.users--;
      if (file.isForgotten && file.users === 0) await this.#disk.close(file.descriptor);
    }
  }

  async #letGo(opening: Promise<OpenFile>): Promise<void> {
    const file = await opening.catch(() => undefined);
    if (file === undefined || file.isForgotten) return;
    file.isForgotten = true;
    // Whoever reads from it still closes it: a descriptor's number may mean another file right after.
    if (file.users === 0) await this.#disk.close(file.descriptor);
  }

  close(): void {
    this.#files.clear();
  }
}

/** Where the record behind the first `count` starts, as their headers say; undefined if that is beyond the bytes. */
function goOver(bytes: Buffer, count: number): number | undefined {
  let at = 0;
  for (let step = 0; step < count; step++) {
    if (at + RECORD_HEADER_BYTES > bytes.length) return undefined;
    const payloadBytes = bytes.readUInt32LE(at);
    if (payloadBytes > bytes.length) return undefined;
    at += recordBytes(payloadBytes);
  }
  return at <= bytes.length ? at : undefined;
}

function intact(
  bytes: Buffer,
  at: number,
  offset: number,
  header: SegmentHeader,
  index: number,
): ReadRecord | undefined {
  const payload = decodeRecord(bytes, at, offset, header.salt);
  if (payload === undefined || storedIndex(bytes, at) !== index) return undefined;
  return { payload, chain: storedChain(bytes, at) };
}

function blockOf({ blocks }: ArchiveTable, index: number): ArchiveBlock | undefined {
  let low = 0;
  let high = blocks.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if ((blocks[middle] as ArchiveBlock).firstIndex <= index) low = middle + 1;
    else high = middle - 1;
  }
  return blocks[high];
}

/**
 * The file that a journal writes to: the current segment, the one prepared to follow it, and reading single records back.
 *
 * Once half of a segment is used the next one is written ahead with zeros, so that changing over is two small writes and a rename.
 * It knows nothing of batches, callbacks or timers.
 */
import { join } from "node:path";
import { type JournalDisk, readFully, writeFully } from "./disk.ts";
import { JournalDamagedError, type OpenSegment, prepareSegment, publishSegment } from "./recovery.ts";
import {
  decodeRecord,
  decodeSegmentHeader,
  offsetOf,
  RECORD_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentFileName,
  segmentNumberOf,
} from "./segment-format.ts";
import type { Block } from "./staging.ts";

const READ_AHEAD_BYTES = 4096;
const OPEN_READERS_MAX = 16;

interface SegmentReader {
  readonly descriptor: number;
  readonly header: SegmentHeader;
}

export class SegmentFiles {
  readonly #disk: JournalDisk;
  readonly #directory: string;
  readonly #segmentBytes: number;
  #descriptor: number;
  #header: SegmentHeader;
  #writtenOffset: number;
  #prepared: Promise<number> | undefined;
  /** Readers by segment number, least recently used first. */
  readonly #readers = new Map<number, Promise<SegmentReader>>();
  /** Syncs under way; a file is closed only when none uses it. */
  readonly #syncing = new Map<number, number>();
  readonly #retired = new Set<number>();

  constructor(disk: JournalDisk, directory: string, segmentBytes: number, open: OpenSegment) {
    this.#disk = disk;
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#descriptor = open.descriptor;
    this.#header = open.header;
    this.#writtenOffset = open.end.offset;
  }

  get segmentNumber(): number {
    return this.#header.segmentNumber;
  }

  /** Everything before this offset of the segment has been written (not: synced). */
  get writtenOffset(): number {
    return this.#writtenOffset;
  }

  /** Writes one block at its place, starting its segment first if it is the first of one. */
  async write(block: Block): Promise<void> {
    if (block.newSegment !== undefined) await this.#changeOver(block.newSegment);
    await writeFully(this.#disk, this.#descriptor, block.bytes, block.used, block.offset);
    this.#writtenOffset = block.offset + block.used;
    if (this.#prepared === undefined && (block.offset + block.used) * 2 > this.#header.segmentBytes) {
      this.#prepared = prepareSegment(this.#disk, this.#directory, this.#segmentBytes);
      // A failure is of interest only when the prepared file is needed; until then it must not count as unhandled.
      this.#prepared.catch(() => undefined);
    }
  }

  /** Makes everything written so far durable (segments are left only when all in them is). */
  async sync(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#syncing.set(descriptor, (this.#syncing.get(descriptor) ?? 0) + 1);
    try {
      await this.#disk.dataSync(descriptor);
    } finally {
      const rest = (this.#syncing.get(descriptor) ?? 1) - 1;
      if (rest > 0) this.#syncing.set(descriptor, rest);
      else this.#syncing.delete(descriptor);
      await this.#closeRetired();
    }
  }

  async #changeOver(next: SegmentHeader): Promise<void> {
    // Everything of the old segment must be durable before the new one exists: recovery relies on it.
    await this.sync();
    const prepared = this.#prepared ?? prepareSegment(this.#disk, this.#directory, this.#segmentBytes);
    this.#prepared = undefined;
    const descriptor = await prepared;
    await publishSegment(this.#disk, this.#directory, descriptor, next);
    this.#retired.add(this.#descriptor);
    this.#descriptor = descriptor;
    this.#header = next;
    this.#writtenOffset = SEGMENT_HEADER_BYTES;
    await this.#closeRetired();
  }

  async #closeRetired(): Promise<void> {
    for (const descriptor of this.#retired) {
      if (this.#syncing.has(descriptor)) continue;
      this.#retired.delete(descriptor);
      await this.#disk.close(descriptor);
    }
  }

  /** Reads one written record back and checks it. Throws JournalDamagedError; RangeError if no record can be there. */
  async read(position: number): Promise<Uint8Array> {
    const segmentNumber = segmentNumberOf(position);
    const offset = offsetOf(position);
    const { descriptor, header } = await this.#reader(segmentNumber);
    const space = header.segmentBytes - offset;
    if (offset < SEGMENT_HEADER_BYTES || offset % 8 !== 0 || space <= RECORD_HEADER_BYTES) {
      throw new RangeError(`journal position ${position} is not one that append returned`);
    }
    let bytes = Buffer.alloc(Math.min(READ_AHEAD_BYTES, space));
    await readFully(this.#disk, descriptor, bytes, bytes.length, offset);
    const needed = Math.min(RECORD_HEADER_BYTES + bytes.readUInt32LE(0), space);
    if (needed > bytes.length) {
      bytes = Buffer.alloc(needed);
      await readFully(this.#disk, descriptor, bytes, needed, offset);
    }
    const payload = decodeRecord(bytes, 0, offset, header.salt);
    if (payload === undefined) {
      throw new JournalDamagedError(segmentFileName(segmentNumber), offset, "the record's length or checksum is wrong");
    }
    return payload;
  }

  #reader(segmentNumber: number): Promise<SegmentReader> {
    const known = this.#readers.get(segmentNumber);
    const reader = known ?? this.#openReader(segmentNumber);
    this.#readers.delete(segmentNumber);
    this.#readers.set(segmentNumber, reader);
    if (known === undefined) {
      reader.catch(() => this.#readers.delete(segmentNumber));
      this.#closeOldestReader();
    }
    return reader;
  }

  async #openReader(segmentNumber: number): Promise<SegmentReader> {
    const name = segmentFileName(segmentNumber);
    const descriptor = await this.#disk.open(join(this.#directory, name), "r");
    const head = Buffer.alloc(SEGMENT_HEADER_BYTES);
    await readFully(this.#disk, descriptor, head, head.length, 0);
    const header = decodeSegmentHeader(head);
    if (header?.segmentNumber === segmentNumber) return { descriptor, header };
    await this.#disk.close(descriptor);
    throw new JournalDamagedError(name, 0, "the segment header is wrong");
  }

  #closeOldestReader(): void {
    if (this.#readers.size <= OPEN_READERS_MAX) return;
    const [segmentNumber, reader] = this.#readers.entries().next().value as [number, Promise<SegmentReader>];
    this.#readers.delete(segmentNumber);
    void reader.then(({ descriptor }) => this.#disk.close(descriptor));
  }

  /** Closes all files. The caller has made sure that nothing is being written or read. */
  async close(): Promise<void> {
    const prepared = await this.#prepared?.catch(() => undefined);
    const readers = await Promise.allSettled(this.#readers.values());
    this.#readers.clear();
    const open = readers.flatMap((result) => (result.status === "fulfilled" ? [result.value.descriptor] : []));
    for (const descriptor of [this.#descriptor, ...this.#retired, ...open]) await this.#disk.close(descriptor);
    if (prepared !== undefined) await this.#disk.close(prepared);
  }
}

/**
 * The file that a journal writes to: the current segment, and the one prepared to follow it.
 *
 * Once half of a segment is used the next one is written ahead with zeros, so that changing over is two small writes and a rename.
 * A write that the disk had no room for may be tried again: nothing of it counts as written before it has succeeded.
 * It knows nothing of batches, callbacks or timers.
 */
import { type JournalDisk, writeFully } from "./disk.ts";
import { type OpenSegment, prepareSegment, publishSegment } from "./recovery.ts";
import { SEGMENT_HEADER_BYTES, type SegmentHeader } from "./segment-format.ts";
import type { Block } from "./staging.ts";

/**
 * Making what was written durable failed. Whatever the system's reason, trying again could report success for bytes it has dropped.
 */
export class SyncFailedError extends Error {
  override readonly name = "SyncFailedError";
  readonly code: string | undefined;

  constructor(cause: NodeJS.ErrnoException) {
    super(cause.message, { cause });
    this.code = cause.code;
  }
}

const SHORTAGE_CODES = ["ENOSPC", "EDQUOT", "EFBIG"];

/** Whether waiting may heal an error of `write`: there was no room, and nothing that counted as written is in doubt. */
export function isShortage(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return !(error instanceof SyncFailedError) && code !== undefined && SHORTAGE_CODES.includes(code);
}

export class SegmentFiles {
  readonly #disk: JournalDisk;
  readonly #directory: string;
  readonly #segmentBytes: number;
  #descriptor: number;
  #header: SegmentHeader;
  #writtenOffset: number;
  #prepared: Promise<number> | undefined;
  /** Preparing ahead failed: the next segment is made when it is needed. */
  #prepareLate = false;
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
    const { newSegment } = block;
    if (newSegment !== undefined && newSegment.segmentNumber !== this.segmentNumber) await this.#changeOver(newSegment);
    await writeFully(this.#disk, this.#descriptor, block.bytes, block.used, block.offset);
    this.#writtenOffset = block.offset + block.used;
    if (
      this.#prepared === undefined &&
      !this.#prepareLate &&
      (block.offset + block.used) * 2 > this.#header.segmentBytes
    ) {
      this.#prepared = prepareSegment(this.#disk, this.#directory, this.#segmentBytes);
      // A failure is of interest only when the file is needed; then it is tried again.
      this.#prepared.catch(() => {
        this.#prepareLate = true;
        this.#prepared = undefined;
      });
    }
  }

  /** Makes everything written so far durable (segments are left only when all in them is). */
  async sync(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#syncing.set(descriptor, (this.#syncing.get(descriptor) ?? 0) + 1);
    try {
      await this.#disk.dataSync(descriptor);
    } catch (error) {
      throw new SyncFailedError(error as NodeJS.ErrnoException);
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
    try {
      await publishSegment(this.#disk, this.#directory, descriptor, next);
    } catch (error) {
      await this.#disk.close(descriptor);
      throw error;
    }
    this.#retired.add(this.#descriptor);
    this.#descriptor = descriptor;
    this.#header = next;
    this.#writtenOffset = SEGMENT_HEADER_BYTES;
    this.#prepareLate = false;
    await this.#closeRetired();
  }

  async #closeRetired(): Promise<void> {
    for (const descriptor of this.#retired) {
      if (this.#syncing.has(descriptor)) continue;
      this.#retired.delete(descriptor);
      await this.#disk.close(descriptor);
    }
  }

  /** Closes all files. The caller has made sure that nothing is being written or read. */
  async close(): Promise<void> {
    const prepared = await this.#prepared?.catch(() => undefined);
    for (const descriptor of [this.#descriptor, ...this.#retired]) await this.#disk.close(descriptor);
    if (prepared !== undefined) await this.#disk.close(prepared);
  }
}

/**
 * The journal: the one thing in a server that survives it.
 *
 * Appending only places a record in memory; once per turn of the event loop the writer takes all that has come together,
 * writes it with one call and makes it durable with one fdatasync, and what arrives meanwhile forms the next batch (group commit).
 * So one record alone waits for one fdatasync, and two hundred at a time share one.
 *
 * Two durabilities: `synced` survives the machine (replicas, acceptors: PROTOCOL.md §4, §11); `written` survives the process only and is
 * made durable within 50 ms (the traffic regulator's logs: PROTOCOL.md §6).
 *
 * After the first error of the disk nothing is acknowledged any more and nothing is tried again: a failed fdatasync may have dropped
 * what it could not write, and a second one would then report success. The owner hears of it once, through `onFailure`.
 *
 * It does not compress, archive or delete, and does not know what is in a record.
 */

import { lockDirectory } from "./directory-lock.ts";
import { type JournalDisk, realDisk } from "./disk.ts";
import {
  checkedSegmentBytes,
  DEFAULT_FLUSH_DELAY_MS,
  DEFAULT_PENDING_BYTES_MAX,
  type JournalOptions,
  type JournalStatistics,
} from "./options.ts";
import { readJournalDirectory, recoverLastSegment } from "./recovery.ts";
import { SegmentFiles } from "./segment-files.ts";
import { positionOf, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from "./segment-format.ts";
import { type AppendCallback, type Batch, type Durability, runCallbacks, Staging } from "./staging.ts";

/**
 * Opens (or makes) a journal: cuts a torn end, makes durable what is there. Records are read with `replay`.
 * Throws JournalDamagedError if something else than the end is wrong, JournalLockedError if somebody else writes to it,
 * RangeError for options out of range, and the system's errors.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const segmentBytes = checkedSegmentBytes(options.segmentBytes);
  const unlock = lockDirectory(options.directory);
  try {
    const disk = options.disk ?? realDisk;
    const open = await recoverLastSegment(disk, options.directory, segmentBytes);
    const records = open.header.firstRecord + open.end.records;
    const staging = new Staging({ header: open.header, ...open.end, records, segmentBytes });
    const files = new SegmentFiles(disk, options.directory, segmentBytes, open);
    return new Journal({ ...options, segmentBytes, disk }, files, staging, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

export class Journal {
  readonly #options: JournalOptions & { readonly segmentBytes: number; readonly disk: JournalDisk };
  readonly #files: SegmentFiles;
  readonly #staging: Staging;
  readonly #unlock: () => void;
  /** Records at or behind this position were not there at opening. */
  readonly #recoveredThrough: number;
  #failure: Error | undefined;
  #closed = false;
  #scheduled = false;
  #writing = false;
  #syncing = false;
  #unwrittenBytes = 0;
  #appendedThrough: number;
  #writtenThrough: number;
  #unsyncedBytes = 0;
  #awaitingSync: (number | AppendCallback)[] = [];
  #syncWanted = false;
  #flushTimer: NodeJS.Timeout | undefined;
  #waiters: (() => void)[] = [];
  #appendedRecords = 0;
  #appendedBytes = 0;
  #writes = 0;
  #syncs = 0;

  /** Use openJournal. */
  constructor(
    options: JournalOptions & { readonly segmentBytes: number; readonly disk: JournalDisk },
    files: SegmentFiles,
    staging: Staging,
    unlock: () => void,
  ) {
    this.#options = options;
    this.#files = files;
    this.#staging = staging;
    this.#unlock = unlock;
    this.#recoveredThrough = positionOf(files.segmentNumber, files.writtenOffset);
    this.#writtenThrough = this.#recoveredThrough - 1;
    this.#appendedThrough = this.#writtenThrough;
  }

  /** Bytes appended and not yet written. The owner must slow its sources down long before `pendingBytesMax`. */
  get pendingBytes(): number {
    return this.#unwrittenBytes;
  }

  /** The error after which nothing is acknowledged any more, if there was one. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  get statistics(): JournalStatistics {
    return {
      records: this.#staging.records,
      appendedRecords: this.#appendedRecords,
      appendedBytes: this.#appendedBytes,
      writes: this.#writes,
      syncs: this.#syncs,
      segmentNumber: this.#staging.segmentNumber,
      pendingBytes: this.#unwrittenBytes,
    };
  }

  /**
   * Appends one record (1 byte … segmentBytes − 96; the bytes are copied) and returns its position, a number that grows with every record.
   * `callback` runs when the record has reached its durability, never inside this call, in the order of the appends of that durability.
   * After a failure the record is dropped and its callback never runs.
   * Throws if the journal is closed, the payload is empty or too long, or pendingBytesMax is exceeded: bugs of the owner.
   */
  append(payload: Uint8Array, durability: Durability = "synced", callback?: AppendCallback): number {
    if (this.#closed) throw new Error("append to a closed journal");
    const longest = this.#options.segmentBytes - SEGMENT_HEADER_BYTES - RECORD_HEADER_BYTES;
    if (payload.length === 0 || payload.length > longest) {
      throw new RangeError(`payload is ${payload.length} bytes long, expected 1 … ${longest}`);
    }
    if (this.#unwrittenBytes > (this.#options.pendingBytesMax ?? DEFAULT_PENDING_BYTES_MAX)) {
      throw new RangeError(`pendingBytes is ${this.#unwrittenBytes}: the owner appends without looking at it`);
    }
    const before = this.#staging.batch.bytes;
    const position = this.#staging.append(payload, durability, callback);
    if (this.#failure !== undefined) {
      this.#staging.take();
      return position;
    }
    this.#appendedThrough = position;
    this.#unwrittenBytes += this.#staging.batch.bytes - before;
    this.#appendedRecords++;
    this.#appendedBytes += payload.length;
    this.#schedule();
    return position;
  }

  /** Lets the rest of this turn of the event loop join the batch. */
  #schedule(): void {
    if (this.#scheduled || this.#writing || this.#staging.batch.records === 0) return;
    // While a sync runs, records that need one anyway wait for its end, so that they share the next one.
    if (this.#syncing && !this.#staging.batch.hasWritten) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#writing || this.#failure !== undefined || this.#staging.batch.records === 0) return;
    if (this.#syncing && !this.#staging.batch.hasWritten) return;
    this.#writing = true;
    const batch = this.#staging.take();
    this.#write(batch).then(
      () => this.#finishWrite(batch),
      (error: Error) => this.#fail(error),
    );
  }

  async #write(batch: Batch): Promise<void> {
    for (const block of batch.blocks) {
      await this.#files.write(block);
      this.#writes++;
    }
  }

  #finishWrite(batch: Batch): void {
    this.#writing = false;
    if (this.#failure !== undefined) return;
    this.#staging.recycle(batch.blocks);
    this.#unwrittenBytes -= batch.bytes;
    this.#unsyncedBytes += batch.bytes;
    this.#writtenThrough = batch.lastPosition;
    for (const item of batch.syncedCallbacks) this.#awaitingSync.push(item);
    if (batch.syncedRecords > 0) this.#startSync();
    else this.#armFlush();
    runCallbacks(batch.writtenCallbacks);
    this.#wakeWaiters();
    this.#pump();
  }

  #armFlush(): void {
    if (this.#flushTimer !== undefined || this.#closed) return;
    this.#flushTimer = setTimeout(() => this.#startSync(), this.#options.flushDelayMs ?? DEFAULT_FLUSH_DELAY_MS);
  }

  #startSync(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (this.#failure !== undefined) return;
    if (this.#syncing) {
      this.#syncWanted = true;
      return;
    }
    this.#syncing = true;
    this.#syncWanted = false;
    const callbacks = this.#awaitingSync;
    const { segmentNumber, writtenOffset } = this.#files;
    const through = { segmentNumber, offset: writtenOffset, bytes: this.#unsyncedBytes };
    this.#awaitingSync = [];
    this.#files.sync().then(
      () => this.#finishSync(callbacks, through),
      (error: Error) => this.#fail(error),
    );
  }

  #finishSync(
    callbacks: readonly (number | AppendCallback)[],
    through: { readonly segmentNumber: number; readonly offset: number; readonly bytes: number },
  ): void {
    this.#syncing = false;
    this.#syncs++;
    if (this.#failure !== undefined) return;
    this.#unsyncedBytes -= through.bytes;
    if (through.segmentNumber === this.#staging.segmentNumber) this.#staging.durableThrough = through.offset;
    if (this.#syncWanted) this.#startSync();
    runCallbacks(callbacks);
    this.#wakeWaiters();
    this.#schedule();
  }

  #fail(error: Error): void {
    this.#writing = false;
    this.#syncing = false;
    if (this.#failure !== undefined) return;
    this.#failure = error;
    clearTimeout(this.#flushTimer);
    this.#staging.take();
    this.#awaitingSync = [];
    this.#unwrittenBytes = 0;
    this.#wakeWaiters();
    if (this.#options.onFailure === undefined) throw error;
    this.#options.onFailure(error);
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /**
   * Hands all records that were there at opening to `handler`, in order, checked, one segment in memory at a time; waits for a promise
   * the handler returns. The payload is a view into its segment's memory: copy what is kept.
   * Rejects with JournalDamagedError naming segment and offset.
   */
  async replay(handler: (payload: Uint8Array, position: number) => void | Promise<void>): Promise<void> {
    for await (const { payload, position } of readJournalDirectory(this.#options.directory, this.#options.disk)) {
      if (position >= this.#recoveredThrough) return;
      const handled = handler(payload, position);
      if (handled !== undefined) await handled;
    }
  }

  /**
   * Reads the record at a position that `append` or `replay` gave, and checks it; a record that is still being written is waited for.
   * Rejects with JournalDamagedError, or RangeError for a position that is none.
   */
  async read(position: number): Promise<Uint8Array> {
    if (position > this.#appendedThrough) {
      throw new RangeError(`journal position ${position} is not one that append returned`);
    }
    while (position > this.#writtenThrough) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((wake) => this.#waiters.push(wake));
    }
    return this.#files.read(position);
  }

  /** Writes and syncs what is there, runs the callbacks, closes the files and gives the folder back. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#flushTimer);
    const isBusy = () => this.#unwrittenBytes > 0 || this.#unsyncedBytes > 0 || this.#writing || this.#syncing;
    while (isBusy() && this.#failure === undefined) {
      if (this.#unwrittenBytes === 0 && !this.#syncing) this.#startSync();
      await new Promise<void>((wake) => this.#waiters.push(wake));
    }
    await this.#files.close();
    this.#unlock();
  }
}

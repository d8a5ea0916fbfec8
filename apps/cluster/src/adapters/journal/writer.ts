/**
 * The appending side of a journal: batches, group commit, callbacks, and what happens when the disk is full or fails (see journal.ts).
 */
import {
  DEFAULT_FLUSH_DELAY_MS,
  DEFAULT_PENDING_BYTES_MAX,
  DEFAULT_RETRY_DELAY_MS,
  type JournalOptions,
} from "./options.ts";
import type { OpenSegment } from "./recovery.ts";
import { isShortage, type SegmentFiles } from "./segment-files.ts";
import { CHAIN_BYTES, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from "./segment-format.ts";
import { type AppendCallback, type Batch, type Durability, runCallbacks, type Staging } from "./staging.ts";

export type WriterOptions = Omit<JournalOptions, "disk"> & { readonly segmentBytes: number };

/** Where writing has got to: the number of records that are written, and the chain value after the last of them. */
export interface WrittenEnd {
  readonly records: number;
  readonly chain: Buffer;
}

export class JournalWriter {
  readonly #options: WriterOptions;
  readonly #files: SegmentFiles;
  readonly #staging: Staging;
  /** Called when a segment has been closed. */
  readonly #onSegmentClosed: () => void;
  #failure: Error | undefined;
  #shortage: Error | undefined;
  #endPause: (() => void) | undefined;
  #closed = false;
  #scheduled = false;
  #writing = false;
  #syncing = false;
  #unwrittenBytes = 0;
  #unsyncedBytes = 0;
  /** Number of the last record that is written, and of the last that is durable. */
  #writtenThrough: number;
  #syncedThrough: number;
  #writtenChain: Buffer;
  #awaitingSync: (number | AppendCallback)[] = [];
  #syncWanted = false;
  #flushTimer: NodeJS.Timeout | undefined;
  #waiters: (() => void)[] = [];
  #appendedRecords = 0;
  #appendedBytes = 0;
  #writes = 0;
  #syncs = 0;

  constructor(
    options: WriterOptions,
    { header, end }: OpenSegment,
    files: SegmentFiles,
    staging: Staging,
    onSegmentClosed: () => void,
  ) {
    this.#options = options;
    this.#files = files;
    this.#staging = staging;
    this.#onSegmentClosed = onSegmentClosed;
    this.#writtenThrough = header.firstRecord + end.records - 1;
    this.#syncedThrough = this.#writtenThrough;
    this.#writtenChain = end.chain;
  }

  get pendingBytes(): number {
    return this.#unwrittenBytes;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  get shortage(): Error | undefined {
    return this.#shortage;
  }

  /** Number of records, those that wait included. */
  get records(): number {
    return this.#staging.records;
  }

  get written(): WrittenEnd {
    return { records: this.#writtenThrough + 1, chain: this.#writtenChain };
  }

  /** The chain value after the last appended record. */
  get appendedChain(): Buffer {
    return this.#staging.chain;
  }

  get appendedBytes(): number {
    return this.#appendedBytes;
  }

  get counters() {
    return {
      appendedRecords: this.#appendedRecords,
      appendedBytes: this.#appendedBytes,
      writes: this.#writes,
      syncs: this.#syncs,
      segmentNumber: this.#staging.segmentNumber,
      pendingBytes: this.#unwrittenBytes,
    };
  }

  /** See Journal.append. */
  append(payload: Uint8Array, durability: Durability, callback: AppendCallback | undefined): number {
    if (this.#closed) throw new Error("append to a closed journal");
    const longest = this.#options.segmentBytes - SEGMENT_HEADER_BYTES - RECORD_HEADER_BYTES;
    if (payload.length === 0 || payload.length > longest) {
      throw new RangeError(`payload is ${payload.length} bytes long, expected 1 … ${longest}`);
    }
    if (this.#unwrittenBytes > (this.#options.pendingBytesMax ?? DEFAULT_PENDING_BYTES_MAX)) {
      throw new RangeError(`pendingBytes is ${this.#unwrittenBytes}: the owner appends without looking at it`);
    }
    const before = this.#staging.batch.bytes;
    const number = this.#staging.append(payload, durability, callback);
    if (this.#failure !== undefined) {
      this.#staging.take();
      return number;
    }
    this.#unwrittenBytes += this.#staging.batch.bytes - before;
    this.#appendedRecords++;
    this.#appendedBytes += payload.length;
    this.#schedule();
    return number;
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
    const segmentNumber = this.#files.segmentNumber;
    this.#write(batch).then(
      () => {
        this.#finishWrite(batch);
        if (this.#files.segmentNumber !== segmentNumber) this.#onSegmentClosed();
      },
      (error: Error) => this.#fail(error),
    );
  }

  async #write(batch: Batch): Promise<void> {
    for (const block of batch.blocks) {
      for (;;) {
        try {
          await this.#files.write(block);
          break;
        } catch (error) {
          // A block is written at its place or not at all as far as anybody knows, so writing it again is the same write.
          if (!isShortage(error) || this.#closed) throw error;
          this.#tellShortage(error as Error);
          await this.#pause();
        }
      }
      this.#writes++;
    }
    this.#tellShortage(undefined);
  }

  #tellShortage(error: Error | undefined): void {
    const changes = (error === undefined) !== (this.#shortage === undefined);
    this.#shortage = error;
    if (changes) this.#options.onShortage?.(error);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #finishWrite(batch: Batch): void {
    this.#writing = false;
    if (this.#failure !== undefined) return;
    this.#staging.recycle(batch.blocks);
    this.#unwrittenBytes -= batch.bytes;
    this.#unsyncedBytes += batch.bytes;
    this.#writtenThrough = batch.lastNumber;
    this.#writtenChain = batch.chain ?? Buffer.alloc(CHAIN_BYTES);
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
    const reached = { segmentNumber, offset: writtenOffset, bytes: this.#unsyncedBytes, record: this.#writtenThrough };
    this.#awaitingSync = [];
    this.#files.sync().then(
      () => this.#finishSync(callbacks, reached),
      (error: Error) => this.#fail(error),
    );
  }

  #finishSync(
    callbacks: readonly (number | AppendCallback)[],
    reached: {
      readonly segmentNumber: number;
      readonly offset: number;
      readonly bytes: number;
      readonly record: number;
    },
  ): void {
    this.#syncing = false;
    this.#syncs++;
    if (this.#failure !== undefined) return;
    this.#unsyncedBytes -= reached.bytes;
    this.#syncedThrough = reached.record;
    if (reached.segmentNumber === this.#staging.segmentNumber) this.#staging.durableThrough = reached.offset;
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
    // The last attempt of a journal that is closing on a full disk: what it could not write, nobody was told it had.
    if (this.#closed && isShortage(error)) return;
    if (this.#options.onFailure === undefined) throw error;
    this.#options.onFailure(error);
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Resolves when a record is written. Rejects with the journal's failure. */
  async whenWritten(record: number): Promise<void> {
    while (record > this.#writtenThrough) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((wake) => this.#waiters.push(wake));
    }
  }

  /** Resolves when a record is durable; sees to it that it becomes so. Rejects with the journal's failure. */
  async whenSynced(record: number): Promise<void> {
    await this.whenWritten(record);
    while (record > this.#syncedThrough) {
      if (this.#failure !== undefined) throw this.#failure;
      if (!this.#syncing) this.#startSync();
      await new Promise<void>((wake) => this.#waiters.push(wake));
    }
  }

  /** Writes and syncs what is there and runs the callbacks. On a full disk one more attempt is made, and what does not fit is dropped. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#flushTimer);
    this.#endPause?.();
    const isBusy = () => this.#unwrittenBytes > 0 || this.#unsyncedBytes > 0 || this.#writing || this.#syncing;
    while (isBusy() && this.#failure === undefined) {
      if (this.#unwrittenBytes === 0 && !this.#syncing) this.#startSync();
      await new Promise<void>((wake) => this.#waiters.push(wake));
    }
  }
}

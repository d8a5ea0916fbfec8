/**
 * The journal: the one thing in a server that survives it.
 *
 * Appending only places a record in memory; once per turn of the event loop the writer takes all that has come together,
 * writes it with one call and makes it durable with one fdatasync, and what arrives meanwhile forms the next batch (group commit).
 * So one record alone waits for one fdatasync, and two hundred at a time share one.
 *
 * Records are numbered from 0 for ever. Any of them can be read back by its number; one whose bytes have rotted is reported as such, by
 * number, and can be repaired from bytes that fit the hash chain. Old segments are compressed and stay readable.
 *
 * Two durabilities: `synced` survives the machine (replicas, acceptors: PROTOCOL.md §4, §11); `written` survives the process only and is
 * made durable within 50 ms (the traffic regulator's logs: PROTOCOL.md §6).
 *
 * A full disk stops the acknowledgements, not the journal: what was appended stays in memory and is written again until there is room.
 * After any other error of the disk nothing is acknowledged any more and nothing is tried again: a failed fdatasync may have dropped
 * what it could not write, and a second one would then report success. The owner hears of it once, through `onFailure`.
 *
 * It does not know what is in a record, and deletes none, but at its owner's word (`cutBefore`).
 */

import { type CheckpointFile, type CheckpointSource, readCheckpoint, writeCheckpoint } from "./checkpoint-files.ts";
import { lockDirectory } from "./directory-lock.ts";
import { type JournalDisk, realDisk } from "./disk.ts";
import { checkedSegmentBytes, type JournalOptions, type JournalStatistics } from "./options.ts";
import { RecordReader } from "./record-reader.ts";
import { type OpenSegment, readRecordsFrom, recoverJournal } from "./recovery.ts";
import type { SegmentCatalogue } from "./segment-catalogue.ts";
import { SegmentFiles } from "./segment-files.ts";
import type { SegmentClosing } from "./segment-scan.ts";
import { type AppendCallback, type Durability, Staging } from "./staging.ts";
import { Upkeep } from "./upkeep.ts";
import { JournalWriter } from "./writer.ts";

type OpenOptions = JournalOptions & { readonly segmentBytes: number; readonly disk: JournalDisk };

/**
 * Opens (or makes) a journal: cuts a torn end, makes durable what is there. Records are read with `replay`.
 * Throws JournalDamagedError if a segment or its header is missing or wrong, JournalLockedError if somebody else writes to it,
 * RangeError for options out of range, and the system's errors.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const segmentBytes = checkedSegmentBytes(options.segmentBytes);
  const unlock = lockDirectory(options.directory);
  try {
    const disk = options.disk ?? realDisk;
    const open = await recoverJournal(disk, options.directory, segmentBytes, options.mayBeCut ?? false);
    return new Journal({ ...options, segmentBytes, disk }, open, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** One batch of records read back in order; `payloads[i]` is record `first + i`, undefined if it is damaged. */
export interface ReplayedBatch {
  readonly first: number;
  /** Views into a segment's memory, valid until the handler's promise settles. */
  readonly payloads: readonly (Uint8Array | undefined)[];
}

export interface Checkpoint extends CheckpointFile {}

const REPLAY_BATCH_RECORDS = 1024;

export class Journal {
  readonly #options: OpenOptions;
  readonly #files: SegmentFiles;
  readonly #writer: JournalWriter;
  readonly #catalogue: SegmentCatalogue;
  readonly #reader: RecordReader;
  readonly #upkeep: Upkeep;
  readonly #unlock: () => void;
  /** How many records there were at opening. */
  readonly #recordsAtOpening: number;
  readonly #identity: string;
  #closed: Promise<void> | undefined;

  /** Use openJournal. */
  constructor(options: OpenOptions, open: OpenSegment, unlock: () => void) {
    const { disk, directory, segmentBytes } = options;
    const { header, end, offsets, catalogue } = open;
    this.#options = options;
    this.#unlock = unlock;
    this.#catalogue = catalogue;
    this.#recordsAtOpening = header.firstRecord + end.records;
    this.#identity = Buffer.from(header.identity).toString("hex");
    this.#reader = new RecordReader(disk, directory, catalogue);
    this.#reader.keepOffsets(header.segmentNumber, offsets);
    this.#files = new SegmentFiles(disk, directory, segmentBytes, open);
    const staging = new Staging({
      header,
      ...end,
      records: this.#recordsAtOpening,
      segmentBytes,
      offsets,
      onSegment: (next, nextOffsets) => {
        catalogue.add(next);
        this.#reader.keepOffsets(next.segmentNumber, nextOffsets);
      },
    });
    this.#writer = new JournalWriter(options, open, this.#files, staging, () => this.#upkeep.archive());
    this.#upkeep = new Upkeep({
      disk,
      directory,
      catalogue,
      reader: this.#reader,
      retention: {
        keepSegments: options.keepSegments ?? Number.POSITIVE_INFINITY,
        retentionMs: options.retentionMs ?? Number.POSITIVE_INFINITY,
      },
      openSegment: () => this.#files.segmentNumber,
      openClosing: () => this.#openClosing(),
      onArchiveFailure: options.onArchiveFailure,
    });
    this.#upkeep.archive();
  }

  /** How far the segment that is written to has got; its records that are only in memory do not count. */
  #openClosing(): SegmentClosing {
    const { records, chain } = this.#writer.written;
    const firstRecord = this.#catalogue.of(this.#files.segmentNumber)?.header.firstRecord ?? 0;
    return { records: records - firstRecord, chain };
  }

  /** Names this journal: 32 hexadecimal digits, random, made with it. A server that lost its journal has another one. */
  get identity(): string {
    return this.#identity;
  }

  /** Number of records there ever were, those included that are still being written: the number the next one gets. */
  get records(): number {
    return this.#writer.records;
  }

  /** Bytes appended and not yet written. The owner must slow its sources down long before `pendingBytesMax`. */
  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  /** Bytes of the records appended since the journal was opened. */
  get appendedBytes(): number {
    return this.#writer.appendedBytes;
  }

  /** Set while the disk has no room for what was appended; nothing is acknowledged meanwhile. */
  get shortage(): Error | undefined {
    return this.#writer.shortage;
  }

  /** The error after which nothing is acknowledged any more, if there was one. */
  get failure(): Error | undefined {
    return this.#writer.failure;
  }

  get statistics(): JournalStatistics {
    return {
      records: this.#writer.records,
      firstRecord: this.#catalogue.firstRecord,
      archivedSegments: this.#catalogue.entries.filter(({ kind }) => kind === "archive").length,
      ...this.#writer.counters,
    };
  }

  /**
   * Appends one record (1 byte … segmentBytes − 104; the bytes are copied) and returns its number.
   * `callback` runs when the record has reached its durability, never inside this call, in the order of the appends of that durability.
   * After a failure the record is dropped and its callback never runs.
   * Throws if the journal is closed, the payload is empty or too long, or pendingBytesMax is exceeded: bugs of the owner.
   */
  append(payload: Uint8Array, durability: Durability = "synced", callback?: AppendCallback): number {
    return this.#writer.append(payload, durability, callback);
  }

  /**
   * Hands the records from number `from` on that were there at opening to `handler`, in order, in batches, checked, one segment in memory
   * at a time; waits for a promise the handler returns. A damaged record is handed over as undefined, in its place. Records that were
   * cut off are left out: the first batch says where it begins.
   * Rejects with JournalDamagedError if the header of a segment is wrong.
   */
  async replay(from: number, handler: (batch: ReplayedBatch) => void | Promise<void>): Promise<void> {
    const { disk, directory } = this.#options;
    let payloads: (Uint8Array | undefined)[] = [];
    let first = 0;
    for await (const { number, payload } of readRecordsFrom(disk, directory, this.#catalogue, from)) {
      if (number >= this.#recordsAtOpening) break;
      if (payloads.length === 0) first = number;
      payloads.push(payload);
      if (payloads.length < REPLAY_BATCH_RECORDS) continue;
      await handler({ first, payloads });
      payloads = [];
    }
    if (payloads.length > 0) await handler({ first, payloads });
  }

  /**
   * Reads a record back from the disk and checks it; one that is still being written is waited for.
   * Rejects with JournalDamagedError, RangeError for a number that no record has (any more), and the system's errors.
   */
  async read(number: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(number) || number < 0 || number >= this.#writer.records) {
      throw new RangeError(`the journal has no record ${number}`);
    }
    await this.#writer.whenWritten(number);
    return (await this.#reader.read(number)).payload;
  }

  /**
   * Writes a damaged record again in its place, if the hash chain says that these are its bytes. True: the record on disk is intact and
   * has these bytes (also if it had them all along). False: they are not its bytes, or they can be judged only together with those
   * of its damaged neighbours; then they are kept, and the last of the neighbours to be repaired repairs all.
   * Rejects with the system's errors.
   */
  async repair(number: number, payload: Uint8Array): Promise<boolean> {
    if (number >= this.#writer.records || payload.length === 0) return false;
    await this.#writer.whenWritten(number);
    return this.#upkeep.repair(number, payload);
  }

  /** Removes the closed segments in which every record has a number below `number`. Only a journal opened with `mayBeCut` may lose its beginning. */
  async cutBefore(number: number): Promise<void> {
    if (this.#options.mayBeCut !== true) throw new Error("this journal keeps every record");
    await this.#upkeep.cutBefore(Math.min(number, this.#writer.written.records));
  }

  /**
   * Keeps a summary of all records below `through`, once those are durable. `owner` says whose state this is and in which format.
   * The parts are taken one by one, as the file is written. Two are kept. Rejects with the system's errors; then the older ones are still there.
   */
  async saveCheckpoint(owner: string, { through, parts }: CheckpointSource): Promise<void> {
    const { disk, directory } = this.#options;
    if (through > this.#writer.records) throw new RangeError(`a checkpoint through ${through} is beyond the journal`);
    const chain = through === this.#writer.records ? this.#writer.appendedChain : await this.#chainAt(through);
    if (chain === undefined) throw new RangeError(`a checkpoint through ${through} has no place in the journal`);
    await this.#writer.whenSynced(through - 1);
    await writeCheckpoint(disk, directory, owner, { through, parts, chain });
  }

  /** The newest checkpoint of this owner whose bytes are intact and that belongs to this journal. */
  loadCheckpoint(owner: string): Promise<Checkpoint | undefined> {
    const { disk, directory } = this.#options;
    return readCheckpoint(disk, directory, owner, (through) => this.#chainAt(through));
  }

  /** The chain value before a record; undefined where it cannot be told. */
  async #chainAt(number: number): Promise<Buffer | undefined> {
    if (number > this.#writer.records) return undefined;
    const entry = this.#catalogue.find(number);
    if (entry !== undefined && entry.header.firstRecord === number) return Buffer.from(entry.header.startChain);
    await this.#writer.whenWritten(number - 1);
    return (await this.#reader.read(number - 1).catch(() => undefined))?.chain;
  }

  /** Writes and syncs what is there, runs the callbacks, closes the files and gives the folder back. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#writer.close();
      await this.#upkeep.close();
      this.#reader.close();
      await this.#files.close();
      this.#unlock();
    })();
    return this.#closed;
  }
}

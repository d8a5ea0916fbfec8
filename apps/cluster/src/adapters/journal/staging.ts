/**
 * Where appended records wait until the writer takes them.
 *
 * A record gets its place and its header at once, in a block of memory that has exactly the bytes the disk will get, so that
 * writing a batch is one call for each block. Blocks are reused; a batch that crosses into a new segment says so.
 */
import { newSalt } from "./recovery.ts";
import { encodeRecord, recordBytes, SEGMENT_HEADER_BYTES, type SegmentHeader } from "./segment-format.ts";
import { SparseOffsets } from "./sparse-offsets.ts";

/** What must have happened to a record before its callback runs: `written` survives the process, `synced` the machine. */
export type Durability = "written" | "synced";

/** Called with the record's number, in the order of the appends of one durability. */
export type AppendCallback = (number: number) => void;

const BLOCK_BYTES = 262_144;
const SPARE_BLOCKS_MAX = 8;

/** Bytes that go to one segment in one write. */
export interface Block {
  readonly segmentNumber: number;
  /** Where in the segment the block starts. */
  readonly offset: number;
  readonly bytes: Buffer;
  used: number;
  /** Set on the first block of a segment that does not exist yet. */
  readonly newSegment?: SegmentHeader;
}

/** What the writer takes at once. */
export interface Batch {
  readonly blocks: Block[];
  bytes: number;
  records: number;
  /** Number of its last record. */
  lastNumber: number;
  /** The chain value after its last record; set when the batch is taken. */
  chain: Buffer | undefined;
  /** How many records of the batch wait for the disk. */
  syncedRecords: number;
  /** number, callback, number, callback, …: flat, because a pair per record would be an allocation per record. */
  readonly writtenCallbacks: (number | AppendCallback)[];
  readonly syncedCallbacks: (number | AppendCallback)[];
  hasWritten: boolean;
}

function emptyBatch(): Batch {
  return {
    blocks: [],
    bytes: 0,
    records: 0,
    lastNumber: -1,
    chain: undefined,
    syncedRecords: 0,
    writtenCallbacks: [],
    syncedCallbacks: [],
    hasWritten: false,
  };
}

/** Runs a flat list of record numbers and callbacks. */
export function runCallbacks(list: readonly (number | AppendCallback)[]): void {
  for (let index = 0; index < list.length; index += 2) (list[index + 1] as AppendCallback)(list[index] as number);
}

export interface StagingStart {
  readonly header: SegmentHeader;
  readonly offset: number;
  readonly chain: Buffer;
  /** Number of records in the whole journal. */
  readonly records: number;
  /** Size of the segments to come. */
  readonly segmentBytes: number;
  /** Where the records of the open segment lie. */
  readonly offsets: SparseOffsets;
  /** Told of every new segment when its first record is placed, long before it is on disk. */
  readonly onSegment: (header: SegmentHeader, offsets: SparseOffsets) => void;
}

export class Staging {
  /** Everything before this offset of the current segment is durable. The writer keeps it up to date. */
  durableThrough: number;
  #batch: Batch = emptyBatch();
  #segment: SegmentHeader;
  #offset: number;
  #records: number;
  #segmentIsNew = false;
  readonly #chain: Buffer;
  readonly #segmentBytes: number;
  readonly #onSegment: StagingStart["onSegment"];
  #offsets: SparseOffsets;
  readonly #spareBlocks: Buffer[] = [];

  constructor(start: StagingStart) {
    this.#segment = start.header;
    this.#offset = start.offset;
    this.#records = start.records;
    this.#chain = Buffer.from(start.chain);
    this.#segmentBytes = start.segmentBytes;
    this.#onSegment = start.onSegment;
    this.#offsets = start.offsets;
    this.durableThrough = start.offset;
  }

  /** The batch that is filling. */
  get batch(): Readonly<Batch> {
    return this.#batch;
  }

  /** Number of records in the whole journal, those that wait included. */
  get records(): number {
    return this.#records;
  }

  get segmentNumber(): number {
    return this.#segment.segmentNumber;
  }

  /** The chain value after the last placed record (a copy). */
  get chain(): Buffer {
    return Buffer.from(this.#chain);
  }

  /** Places one record and returns its number; the payload is copied. */
  append(payload: Uint8Array, durability: Durability, callback: AppendCallback | undefined): number {
    const size = recordBytes(payload.length);
    const batch = this.#batch;
    if (this.#offset + size > this.#segment.segmentBytes) this.#startSegment();
    let block = batch.blocks.at(-1);
    const fits = block !== undefined && block.segmentNumber === this.#segment.segmentNumber;
    if (!fits || block === undefined || block.used + size > block.bytes.length) block = this.#startBlock(size);
    const number = this.#records;
    const index = number - this.#segment.firstRecord;
    const place = { salt: this.#segment.salt, offset: this.#offset, index, durableThrough: this.durableThrough };
    encodeRecord(block.bytes, block.used, payload, place, this.#chain);
    this.#offsets.note(index, this.#offset);
    block.used += size;
    this.#offset += size;
    this.#records++;
    batch.records++;
    batch.bytes += size;
    batch.lastNumber = number;
    if (durability === "synced") {
      batch.syncedRecords++;
      if (callback !== undefined) batch.syncedCallbacks.push(number, callback);
    } else {
      batch.hasWritten = true;
      if (callback !== undefined) batch.writtenCallbacks.push(number, callback);
    }
    return number;
  }

  /** Hands the filled batch over and starts an empty one. */
  take(): Batch {
    const batch = this.#batch;
    batch.chain = this.chain;
    this.#batch = emptyBatch();
    return batch;
  }

  /** Takes written blocks back for reuse. */
  recycle(blocks: readonly Block[]): void {
    for (const { bytes } of blocks) {
      if (bytes.length === BLOCK_BYTES && this.#spareBlocks.length < SPARE_BLOCKS_MAX) this.#spareBlocks.push(bytes);
    }
  }

  #startSegment(): void {
    this.#segment = {
      salt: newSalt(),
      segmentBytes: this.#segmentBytes,
      segmentNumber: this.#segment.segmentNumber + 1,
      firstRecord: this.#records,
      startChain: Buffer.from(this.#chain),
      identity: this.#segment.identity,
    };
    this.#offsets = new SparseOffsets();
    this.#onSegment(this.#segment, this.#offsets);
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#segmentIsNew = true;
    // Nothing of the new segment is durable yet, and what the writer learns about the old one does not count here.
    this.durableThrough = 0;
  }

  #startBlock(size: number): Block {
    const bytes =
      size > BLOCK_BYTES
        ? Buffer.allocUnsafeSlow(size)
        : (this.#spareBlocks.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES));
    const place = { segmentNumber: this.#segment.segmentNumber, offset: this.#offset, bytes, used: 0 };
    const block: Block = this.#segmentIsNew ? { ...place, newSegment: this.#segment } : place;
    this.#segmentIsNew = false;
    this.#batch.blocks.push(block);
    return block;
  }
}

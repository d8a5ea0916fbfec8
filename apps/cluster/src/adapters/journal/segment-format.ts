/**
 * How a journal lies on disk.
 *
 * A journal is a folder of segment files of equal size, written ahead with zeros. A segment is a header and then records, one after
 * another, each starting at a multiple of 8:
 *
 *   segment header (64)  magic 8 | crc 4 | salt 4 | segment size 4 | segment number 4 | number of its first record f64 | chain at its start 16 | 0 16
 *   record header (32)   payload length 4 | crc 4 | durable-through 4 | salt 4 | chain 16      then the payload, then zeros to a multiple of 8
 *
 * - crc: CRC-32C over (length, everything after the crc), seeded with the record's offset, so a record in the wrong place is wrong.
 * - chain: the first 16 bytes of SHA-256(chain of the record before ‖ payload): nothing can be changed, dropped or swapped in the middle unseen.
 * - durable-through: everything before this offset of the segment was on the disk when the record was written. This is what tells the
 *   end of a journal that was cut by a crash (a bad record after which nothing relied on it) from one that rotted (a later record says
 *   that the bad one had been durable).
 * - salt: random for each segment; it lets a search find the records behind a bad one, and nobody who only supplies payloads
 *   can make bytes that look like a record.
 *
 * What it cannot see: decay of the very last batch, which looks like a torn write. Peers or the settlement must notice that.
 */
import { hash } from "node:crypto";
import { crc32c } from "./crc32c.ts";

export const SEGMENT_HEADER_BYTES = 64;
export const RECORD_HEADER_BYTES = 32;
export const CHAIN_BYTES = 16;
export const SMALLEST_SEGMENT_BYTES = 4096;
/** Offsets are 32-bit numbers; half of that leaves no doubt about signs. */
export const LARGEST_SEGMENT_BYTES = 0x4000_0000;

const MAGIC = "RDBTJNL1";
const POSITION_FACTOR = 0x1_0000_0000;

/** Where a record lies, as one number that grows with every record: segment number · 2^32 + offset. Never 0. */
export function positionOf(segmentNumber: number, offset: number): number {
  return segmentNumber * POSITION_FACTOR + offset;
}

export function segmentNumberOf(position: number): number {
  return Math.floor(position / POSITION_FACTOR);
}

export function offsetOf(position: number): number {
  return position % POSITION_FACTOR;
}

/** The bytes that a record with this payload takes in a segment. */
export function recordBytes(payloadBytes: number): number {
  return (RECORD_HEADER_BYTES + payloadBytes + 7) & ~7;
}

export function segmentFileName(segmentNumber: number): string {
  return `${String(segmentNumber).padStart(10, "0")}.segment`;
}

/** The number in a segment's file name; undefined for any other file. */
export function parseSegmentFileName(name: string): number | undefined {
  const match = /^(\d{10})\.segment$/.exec(name);
  const segmentNumber = Number(match?.[1]);
  return match !== null && segmentNumber > 0 ? segmentNumber : undefined;
}

/** What a segment says about itself. */
export interface SegmentHeader {
  readonly salt: number;
  readonly segmentBytes: number;
  readonly segmentNumber: number;
  /** How many records all earlier segments hold. */
  readonly firstRecord: number;
  /** The chain value after the last record of the segment before (16 bytes). */
  readonly startChain: Uint8Array;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt32LE(header.salt, 12);
  bytes.writeUInt32LE(header.segmentBytes, 16);
  bytes.writeUInt32LE(header.segmentNumber, 20);
  bytes.writeDoubleLE(header.firstRecord, 24);
  bytes.set(header.startChain, 32);
  bytes.writeUInt32LE(crc32c(bytes, 12), 8);
  return bytes;
}

/** Undefined if the bytes are no whole, intact segment header. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.toString("latin1", 0, 8) !== MAGIC) return undefined;
  if (bytes.readUInt32LE(8) !== crc32c(bytes, 12, SEGMENT_HEADER_BYTES)) return undefined;
  return {
    salt: bytes.readUInt32LE(12),
    segmentBytes: bytes.readUInt32LE(16),
    segmentNumber: bytes.readUInt32LE(20),
    firstRecord: bytes.readDoubleLE(24),
    startChain: Buffer.from(bytes.subarray(32, 48)),
  };
}

function recordChecksum(bytes: Uint8Array, at: number, offset: number, payloadBytes: number): number {
  const seeded = crc32c(bytes, at, at + 4, offset);
  return crc32c(bytes, at + 8, at + RECORD_HEADER_BYTES + payloadBytes, seeded);
}

/** What a record's header needs besides its payload. */
export interface RecordPlace {
  readonly salt: number;
  /** Offset of the record in its segment. */
  readonly offset: number;
  readonly durableThrough: number;
}

/**
 * Writes one record into `target` at `at` and replaces `chain` (16 bytes) by the new chain value.
 * The old chain value is put directly before the payload, so that one hash call sees both without a copy.
 */
export function encodeRecord(
  target: Buffer,
  at: number,
  payload: Uint8Array,
  { salt, offset, durableThrough }: RecordPlace,
  chain: Buffer,
): void {
  const payloadAt = at + RECORD_HEADER_BYTES;
  const end = payloadAt + payload.length;
  target.writeUInt32LE(payload.length, at);
  target.writeUInt32LE(durableThrough, at + 8);
  target.writeUInt32LE(salt, at + 12);
  target.set(chain, at + 16);
  target.set(payload, payloadAt);
  chainInPlace(target, at, end, chain);
  target.set(chain, at + 16);
  target.writeUInt32LE(recordChecksum(target, at, offset, payload.length), at + 4);
  target.fill(0, end, at + recordBytes(payload.length));
}

/** Expects the old chain value at `at + 16` and leaves the new one in `chain`. Text output is the fastest form of a one-shot hash. */
function chainInPlace(bytes: Buffer, at: number, end: number, chain: Buffer): void {
  const digest = hash("sha256", bytes.subarray(at + 16, end), "binary");
  chain.write(digest, 0, CHAIN_BYTES, "binary");
}

/** The payload of the record at `at`, whose first byte has `offset` in its segment; undefined if it is not whole and intact. */
export function decodeRecord(bytes: Buffer, at: number, offset: number, salt: number): Buffer | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.length) return undefined;
  const payloadBytes = bytes.readUInt32LE(at);
  const end = at + RECORD_HEADER_BYTES + payloadBytes;
  if (payloadBytes === 0 || end > bytes.length || bytes.readUInt32LE(at + 12) !== salt) return undefined;
  if (bytes.readUInt32LE(at + 4) !== recordChecksum(bytes, at, offset, payloadBytes)) return undefined;
  return bytes.subarray(at + RECORD_HEADER_BYTES, end);
}

/** How reading a segment ended. */
export interface SegmentEnd {
  /** Where the next record would start. */
  readonly offset: number;
  readonly chain: Buffer;
  readonly records: number;
  readonly payloadBytes: number;
  /** Set if something lies at `offset` that is neither a record nor untouched space. */
  readonly damage?: {
    readonly reason: string;
    /** True if a later record says that the bytes at `offset` had been durable: then it is decay, not a torn write. */
    readonly wasDurable: boolean;
  };
}

/** Reads the records of a whole segment in memory one after another, up to the first thing that is none. */
export function* readRecords(
  bytes: Buffer,
  header: SegmentHeader,
): Generator<{ readonly offset: number; readonly payload: Buffer }, SegmentEnd> {
  const chain: Buffer = Buffer.from(header.startChain);
  const linked = Buffer.alloc(CHAIN_BYTES);
  let offset = SEGMENT_HEADER_BYTES;
  let records = 0;
  let payloadBytes = 0;
  while (offset + RECORD_HEADER_BYTES < bytes.length) {
    const payload = decodeRecord(bytes, offset, offset, header.salt);
    if (payload === undefined) break;
    bytes.copy(linked, 0, offset + 16, offset + 32);
    chain.copy(bytes, offset + 16);
    chainInPlace(bytes, offset, offset + RECORD_HEADER_BYTES + payload.length, chain);
    linked.copy(bytes, offset + 16);
    if (!chain.equals(linked)) {
      const damage = { reason: "the record does not follow from the one before it (hash chain)", wasDurable: true };
      return { offset, chain, records, payloadBytes, damage };
    }
    yield { offset, payload };
    records++;
    payloadBytes += payload.length;
    offset += recordBytes(payload.length);
  }
  const end = { offset, chain, records, payloadBytes };
  if (isZero(bytes, offset)) return end;
  const wasDurable = isDurableLater(bytes, header.salt, offset);
  return { ...end, damage: { reason: "the record's length or checksum is wrong", wasDurable } };
}

const ZEROS = Buffer.alloc(65_536);

function isZero(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at += ZEROS.length) {
    const end = Math.min(bytes.length, at + ZEROS.length);
    if (bytes.compare(ZEROS, 0, end - at, at, end) !== 0) return false;
  }
  return true;
}

/** Looks behind a bad record for intact ones that were written after the bad one's place had become durable. */
function isDurableLater(bytes: Buffer, salt: number, damagedOffset: number): boolean {
  const needle = Buffer.alloc(4);
  needle.writeUInt32LE(salt);
  for (let found = bytes.indexOf(needle, damagedOffset + 1); found !== -1; found = bytes.indexOf(needle, found + 1)) {
    const offset = found - 12;
    if (offset <= damagedOffset || offset % 8 !== 0) continue;
    const intact = decodeRecord(bytes, offset, offset, salt) !== undefined;
    if (intact && bytes.readUInt32LE(offset + 8) > damagedOffset) return true;
  }
  return false;
}

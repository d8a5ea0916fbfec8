/**
 * How a journal lies on disk.
 *
 * A journal is a folder of segment files of equal size, written ahead with zeros. A segment is a header and then records, one after
 * another, each starting at a multiple of 8:
 *
 *   segment header (64)  magic 8 | crc 4 | salt 4 | segment size 4 | segment number 4 | number of its first record f64 | chain at its start 16 | identity 16
 *   record header (40)   payload length 4 | crc 4 | durable-through 4 | salt 4 | index in its segment 4 | 0 4 | chain 16
 *                        then the payload, then zeros to a multiple of 8
 *
 * - crc: CRC-32C over (length, everything after the crc), seeded with the record's offset, so a record in the wrong place is wrong.
 * - chain: the first 16 bytes of SHA-256(chain of the record before ‖ payload): nothing can be changed, dropped or swapped in the middle unseen.
 * - durable-through: everything before this offset of the segment was on the disk when the record was written. This is what tells the
 *   end of a journal that was cut by a crash (a bad record after which nothing relied on it) from one that rotted (a later record says
 *   that the bad one had been durable).
 * - salt: random for each segment; it lets a search find the records behind a bad one, and nobody who only supplies payloads
 *   can make bytes that look like a record.
 * - index: says how many records a stretch of rotten bytes held, so that every later record keeps its number.
 * - identity: random, made with the journal and the same in all its segments: a server that lost its journal has another one.
 *
 * What it cannot see: decay of the very last batch, which looks like a torn write. Peers or the settlement must notice that.
 */
import { hash } from "node:crypto";
import { crc32c } from "./crc32c.ts";

export const SEGMENT_HEADER_BYTES = 64;
export const RECORD_HEADER_BYTES = 40;
export const CHAIN_BYTES = 16;
export const IDENTITY_BYTES = 16;
export const SMALLEST_SEGMENT_BYTES = 4096;
/** Offsets are 32-bit numbers; half of that leaves no doubt about signs. */
export const LARGEST_SEGMENT_BYTES = 0x4000_0000;

const MAGIC = "RDBTJNL2";
const CHAIN_AT = RECORD_HEADER_BYTES - CHAIN_BYTES;

/** The bytes that a record with this payload takes in a segment. */
export function recordBytes(payloadBytes: number): number {
  return (RECORD_HEADER_BYTES + payloadBytes + 7) & ~7;
}

export function segmentFileName(segmentNumber: number): string {
  return `${String(segmentNumber).padStart(10, "0")}.segment`;
}

/** What a segment says about itself. */
export interface SegmentHeader {
  readonly salt: number;
  readonly segmentBytes: number;
  readonly segmentNumber: number;
  /** How many records all earlier segments hold: the number of this one's first. */
  readonly firstRecord: number;
  /** The chain value after the last record of the segment before (16 bytes). */
  readonly startChain: Uint8Array;
  /** Names the journal (16 bytes). */
  readonly identity: Uint8Array;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt32LE(header.salt, 12);
  bytes.writeUInt32LE(header.segmentBytes, 16);
  bytes.writeUInt32LE(header.segmentNumber, 20);
  bytes.writeDoubleLE(header.firstRecord, 24);
  bytes.set(header.startChain, 32);
  bytes.set(header.identity, 48);
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
    identity: Buffer.from(bytes.subarray(48, 64)),
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
  /** How many records of its segment come before it. */
  readonly index: number;
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
  { salt, offset, index, durableThrough }: RecordPlace,
  chain: Buffer,
): void {
  const payloadAt = at + RECORD_HEADER_BYTES;
  const end = payloadAt + payload.length;
  target.writeUInt32LE(payload.length, at);
  target.writeUInt32LE(durableThrough, at + 8);
  target.writeUInt32LE(salt, at + 12);
  target.writeUInt32LE(index, at + 16);
  target.writeUInt32LE(0, at + 20);
  target.set(chain, at + CHAIN_AT);
  target.set(payload, payloadAt);
  chainInPlace(target, at, end, chain);
  target.set(chain, at + CHAIN_AT);
  target.writeUInt32LE(recordChecksum(target, at, offset, payload.length), at + 4);
  target.fill(0, end, at + recordBytes(payload.length));
}

/** Expects the old chain value in the record's header and leaves the new one in `chain`. Text output is the fastest form of a one-shot hash. */
function chainInPlace(bytes: Buffer, at: number, end: number, chain: Buffer): void {
  const digest = hash("sha256", bytes.subarray(at + CHAIN_AT, end), "binary");
  chain.write(digest, 0, CHAIN_BYTES, "binary");
}

/** The chain value after a record, from the one before it. */
export function nextChain(chain: Uint8Array, payload: Uint8Array): Buffer {
  const next = Buffer.alloc(CHAIN_BYTES);
  next.write(hash("sha256", Buffer.concat([chain, payload]), "binary"), 0, CHAIN_BYTES, "binary");
  return next;
}

/** The chain value that the header of the record at `at` holds (a view). */
export function storedChain(bytes: Buffer, at: number): Buffer {
  return bytes.subarray(at + CHAIN_AT, at + RECORD_HEADER_BYTES);
}

/** The index in its segment that the record at `at` claims. */
export function storedIndex(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 16);
}

/** Everything before this offset of the segment was durable when the record at `at` was written. */
export function storedDurableThrough(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 8);
}

/** Whether the record at `at` links `chain` to its own chain value, which is left in `chain` either way. Leaves `bytes` as they were. */
export function followsChain(bytes: Buffer, at: number, payloadBytes: number, chain: Buffer): boolean {
  const stored = Buffer.from(storedChain(bytes, at));
  chain.copy(bytes, at + CHAIN_AT);
  chainInPlace(bytes, at, at + RECORD_HEADER_BYTES + payloadBytes, chain);
  stored.copy(bytes, at + CHAIN_AT);
  const follows = chain.equals(stored);
  stored.copy(chain);
  return follows;
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

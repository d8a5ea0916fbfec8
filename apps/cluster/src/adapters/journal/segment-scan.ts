/**
 * Going through the bytes of one segment, record by record, past what has rotted.
 *
 * A damaged record is reported by its index and skipped: the next intact one is found by the segment's salt, and its own index says
 * how many were in between. Only at the end of a segment that is still written to may bad bytes mean something else: a write that a
 * crash tore. There the scan stops, unless a later record proves that the bad bytes had been durable once.
 */
import {
  decodeRecord,
  followsChain,
  recordBytes,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  storedChain,
  storedDurableThrough,
  storedIndex,
} from "./segment-format.ts";

export interface ScannedRecord {
  /** How many records of the segment come before it. */
  readonly index: number;
  /** Where it starts; undefined for a damaged record whose place nothing tells. */
  readonly offset: number | undefined;
  /** A view into the segment's memory; undefined: damaged. */
  readonly payload: Buffer | undefined;
}

/** How going through a segment ended. */
export interface SegmentEnd {
  /** Where the next record would start. */
  readonly offset: number;
  /** The chain value there. */
  readonly chain: Buffer;
  /** Records of the segment, damaged ones included. */
  readonly records: number;
  /** Bad bytes lie at `offset` that nothing proves to have been durable: a torn write. */
  readonly isTorn: boolean;
}

/** What the header of the next segment says about the end of a closed one. */
export interface SegmentClosing {
  readonly records: number;
  readonly chain: Uint8Array;
}

/**
 * Goes through a whole segment in memory. With `closing` nothing is taken for a torn write, and records that are missing at the
 * end are reported as damaged.
 */
export function* scanRecords(
  bytes: Buffer,
  header: SegmentHeader,
  closing: SegmentClosing | undefined,
): Generator<ScannedRecord, SegmentEnd> {
  const recordsExpected = closing?.records;
  const chain: Buffer = Buffer.from(header.startChain);
  let isChainKnown = true;
  let offset = SEGMENT_HEADER_BYTES;
  let index = 0;
  while (index !== recordsExpected) {
    const payload = intactRecord(bytes, header, offset, index);
    if (payload !== undefined) {
      let follows = !isChainKnown || followsChain(bytes, offset, payload.length, chain);
      storedChain(bytes, offset).copy(chain);
      if (index + 1 === recordsExpected) follows &&= chain.equals(closing?.chain ?? chain);
      isChainKnown = true;
      yield { index, offset, payload: follows ? payload : undefined };
      index++;
      offset += recordBytes(payload.length);
      continue;
    }
    if (recordsExpected === undefined && isZero(bytes, offset)) return { offset, chain, records: index, isTorn: false };
    const found = findIntactBehind(bytes, header, offset, index, recordsExpected);
    if (found === undefined && recordsExpected === undefined) return { offset, chain, records: index, isTorn: true };
    const through = found === undefined ? (recordsExpected as number) : found.index;
    for (let lost = index; lost < through; lost++) {
      yield { index: lost, offset: lost === index ? offset : undefined, payload: undefined };
    }
    index = through;
    offset = found?.offset ?? bytes.length;
    isChainKnown = false;
  }
  return { offset, chain, records: index, isTorn: false };
}

function intactRecord(bytes: Buffer, header: SegmentHeader, offset: number, index: number): Buffer | undefined {
  const payload = decodeRecord(bytes, offset, offset, header.salt);
  return payload !== undefined && storedIndex(bytes, offset) === index ? payload : undefined;
}

interface FoundRecord {
  readonly offset: number;
  readonly index: number;
}

/**
 * The first intact record behind a bad one at `damagedOffset`. In a segment that is still written to it counts only if it, or one behind
 * it, was written after the bad one's place had become durable.
 */
function findIntactBehind(
  bytes: Buffer,
  header: SegmentHeader,
  damagedOffset: number,
  damagedIndex: number,
  recordsExpected: number | undefined,
): FoundRecord | undefined {
  const needle = Buffer.alloc(4);
  needle.writeUInt32LE(header.salt);
  let first: FoundRecord | undefined;
  for (let found = bytes.indexOf(needle, damagedOffset + 1); found !== -1; found = bytes.indexOf(needle, found + 1)) {
    const offset = found - 12;
    if (offset <= damagedOffset || offset % 8 !== 0) continue;
    if (decodeRecord(bytes, offset, offset, header.salt) === undefined) continue;
    const index = storedIndex(bytes, offset);
    // No more records fit between the two than the smallest possible ones.
    const indexMax = damagedIndex + (offset - damagedOffset) / recordBytes(1);
    if (index <= damagedIndex || index > indexMax) continue;
    if (recordsExpected !== undefined && index >= recordsExpected) continue;
    first ??= { offset, index };
    if (recordsExpected !== undefined || storedDurableThrough(bytes, offset) > damagedOffset) return first;
  }
  return undefined;
}

const ZEROS = Buffer.alloc(65_536);

function isZero(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at += ZEROS.length) {
    const end = Math.min(bytes.length, at + ZEROS.length);
    if (bytes.compare(ZEROS, 0, end - at, at, end) !== 0) return false;
  }
  return true;
}

/**
 * Reading a journal's folder: the iteration over all its records, and the repair of the end that a crash left torn.
 *
 * One segment is in memory at a time. Damage anywhere but at the torn end is an error that names segment and offset; it is never
 * skipped and never repaired here, because only peers know what the record was.
 */
import { randomInt } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type JournalDisk, readFully, realDisk, writeFully } from "./disk.ts";
import {
  CHAIN_BYTES,
  decodeSegmentHeader,
  encodeSegmentHeader,
  LARGEST_SEGMENT_BYTES,
  parseSegmentFileName,
  positionOf,
  readRecords,
  SEGMENT_HEADER_BYTES,
  type SegmentEnd,
  type SegmentHeader,
  SMALLEST_SEGMENT_BYTES,
  segmentFileName,
} from "./segment-format.ts";

const ZERO_BLOCK = Buffer.alloc(1_048_576);
const PREPARED_FILE_NAME = "prepared.tmp";

/** The journal on disk is not what was written to it. */
export class JournalDamagedError extends Error {
  override readonly name = "JournalDamagedError";
  readonly code = "JOURNAL_DAMAGED";
  readonly segment: string;
  readonly offset: number;

  constructor(segment: string, offset: number, reason: string) {
    super(`journal segment ${segment} is damaged at offset ${offset}: ${reason}`);
    this.segment = segment;
    this.offset = offset;
  }
}

/** One record read back. The payload is a view into its segment's memory: copy it if it is kept for long. */
export interface JournalRecord {
  readonly position: number;
  readonly payload: Uint8Array;
}

/** The segment that new records go to, as recovery found or made it. */
export interface OpenSegment {
  readonly descriptor: number;
  readonly header: SegmentHeader;
  readonly end: SegmentEnd;
}

/** The numbers of the segments in a folder, ascending; throws if one is missing in between. */
export function listSegments(directory: string): number[] {
  const found = readdirSync(directory).map(parseSegmentFileName);
  const segmentNumbers = found.filter((number) => number !== undefined).sort((a, b) => a - b);
  segmentNumbers.forEach((segmentNumber, index) => {
    const expected = (segmentNumbers[0] as number) + index;
    if (segmentNumber !== expected)
      throw new JournalDamagedError(segmentFileName(expected), 0, "the segment is missing");
  });
  return segmentNumbers;
}

/** Reads a whole segment; what the file lacks to its full size reads as zeros. */
async function loadSegment(disk: JournalDisk, descriptor: number, segmentNumber: number) {
  const name = segmentFileName(segmentNumber);
  const head = Buffer.alloc(SEGMENT_HEADER_BYTES);
  await readFully(disk, descriptor, head, head.length, 0);
  const header = decodeSegmentHeader(head);
  if (header === undefined) throw new JournalDamagedError(name, 0, "the segment header is wrong");
  const { segmentBytes } = header;
  const inRange = segmentBytes >= SMALLEST_SEGMENT_BYTES && segmentBytes <= LARGEST_SEGMENT_BYTES;
  if (header.segmentNumber !== segmentNumber || !inRange) {
    throw new JournalDamagedError(name, 0, "the segment header belongs to another segment");
  }
  const bytes = Buffer.alloc(segmentBytes);
  const present = await readFully(disk, descriptor, bytes, segmentBytes, 0);
  return { header, bytes, present };
}

/** Writes zeros over bytes [from, through) of a segment and makes them durable. */
async function writeZeros(disk: JournalDisk, descriptor: number, from: number, through: number): Promise<void> {
  for (let at = from; at < through; at += ZERO_BLOCK.length) {
    await writeFully(disk, descriptor, ZERO_BLOCK, Math.min(ZERO_BLOCK.length, through - at), at);
  }
  await disk.dataSync(descriptor);
}

/**
 * Writes a segment's worth of zeros into a file beside the segments, so that later records cost no allocation of blocks.
 * Returns the open file; `publishSegment` turns it into a segment.
 */
export async function prepareSegment(disk: JournalDisk, directory: string, segmentBytes: number): Promise<number> {
  const path = join(directory, PREPARED_FILE_NAME);
  rmSync(path, { force: true });
  const descriptor = await disk.open(path, "wx+");
  await writeZeros(disk, descriptor, 0, segmentBytes);
  return descriptor;
}

/** Gives a prepared file its header and its name, durably in this order: a file with a segment's name always has a valid header. */
export async function publishSegment(
  disk: JournalDisk,
  directory: string,
  descriptor: number,
  header: SegmentHeader,
): Promise<void> {
  await writeFully(disk, descriptor, encodeSegmentHeader(header), SEGMENT_HEADER_BYTES, 0);
  await disk.dataSync(descriptor);
  await disk.rename(join(directory, PREPARED_FILE_NAME), join(directory, segmentFileName(header.segmentNumber)));
  await disk.syncDirectory(directory);
}

/** A random, never zero salt for a new segment. */
export function newSalt(): number {
  return randomInt(1, 0x1_0000_0000);
}

async function createFirstSegment(disk: JournalDisk, directory: string, segmentBytes: number): Promise<OpenSegment> {
  const startChain = Buffer.alloc(CHAIN_BYTES);
  const header: SegmentHeader = { salt: newSalt(), segmentBytes, segmentNumber: 1, firstRecord: 0, startChain };
  const descriptor = await prepareSegment(disk, directory, segmentBytes);
  await publishSegment(disk, directory, descriptor, header);
  await disk.syncDirectory(dirname(directory));
  return { descriptor, header, end: { offset: SEGMENT_HEADER_BYTES, chain: startChain, records: 0, payloadBytes: 0 } };
}

/**
 * Opens the last segment for writing, makes it if there is none, cuts a torn end, and makes durable what is there:
 * what recovery has seen may be acted upon.
 * Throws JournalDamagedError if the damage is no torn end, and the system's errors.
 */
export async function recoverLastSegment(
  disk: JournalDisk,
  directory: string,
  segmentBytes: number,
): Promise<OpenSegment> {
  const segmentNumber = listSegments(directory).at(-1);
  if (segmentNumber === undefined) return createFirstSegment(disk, directory, segmentBytes);
  const name = segmentFileName(segmentNumber);
  const descriptor = await disk.open(join(directory, name), "r+");
  try {
    const { header, bytes, present } = await loadSegment(disk, descriptor, segmentNumber);
    const end = finish(readRecords(bytes, header));
    if (end.damage?.wasDurable) throw new JournalDamagedError(name, end.offset, end.damage.reason);
    if (end.damage !== undefined || present < bytes.length) {
      await writeZeros(disk, descriptor, Math.min(end.offset, present), bytes.length);
    } else {
      await disk.dataSync(descriptor);
    }
    const { damage: _cut, ...rest } = end;
    return { descriptor, header, end: rest };
  } catch (error) {
    await disk.close(descriptor);
    throw error;
  }
}

function finish(records: Generator<unknown, SegmentEnd>): SegmentEnd {
  let step = records.next();
  while (!step.done) step = records.next();
  return step.value;
}

/**
 * All records of a journal's folder in order, checked: checksums, hash chain, and the joints between segments.
 * Reads only; may run beside the process that writes the journal. Stops before a torn end.
 * Throws JournalDamagedError naming segment and offset where something else is wrong.
 */
export async function* readJournalDirectory(
  directory: string,
  disk: JournalDisk = realDisk,
): AsyncGenerator<JournalRecord, void> {
  const segmentNumbers = listSegments(directory);
  let before: { chain: Uint8Array; records: number } | undefined;
  for (const segmentNumber of segmentNumbers) {
    const name = segmentFileName(segmentNumber);
    const descriptor = await disk.open(join(directory, name), "r");
    const { header, bytes } = await loadSegment(disk, descriptor, segmentNumber).finally(() => disk.close(descriptor));
    const continues = before === undefined || Buffer.compare(before.chain, header.startChain) === 0;
    if (!continues || (before !== undefined && before.records !== header.firstRecord)) {
      throw new JournalDamagedError(name, 0, "the segment does not follow from the one before it: records are missing");
    }
    const records = readRecords(bytes, header);
    let step = records.next();
    for (; !step.done; step = records.next()) {
      yield { position: positionOf(segmentNumber, step.value.offset), payload: step.value.payload };
    }
    const { damage, offset, chain, records: count } = step.value;
    const isLast = segmentNumber === segmentNumbers.at(-1);
    if (damage !== undefined && (damage.wasDurable || !isLast))
      throw new JournalDamagedError(name, offset, damage.reason);
    before = { chain, records: header.firstRecord + count };
  }
}

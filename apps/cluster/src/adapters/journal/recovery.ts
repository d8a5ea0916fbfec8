/**
 * Opening a journal's folder: which segments there are, and the repair of the end that a crash left torn.
 *
 * One segment is in memory at a time. A damaged record in the middle is no reason to refuse: it is reported by its number when records are
 * read, and only peers know what it was. What is missing as a whole (a segment, a header) is refused: such a journal is not the one
 * its owner wrote.
 */
import { randomBytes, randomInt } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type JournalDisk, realDisk, writeFully } from "./disk.ts";
import { mendHeaders } from "./mend-headers.ts";
import { SegmentCatalogue } from "./segment-catalogue.ts";
import {
  CHAIN_BYTES,
  encodeSegmentHeader,
  IDENTITY_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentFileName,
} from "./segment-format.ts";
import { JournalDamagedError, loadSegment, loadSegmentFile, readCatalogue } from "./segment-load.ts";
import { type SegmentEnd, scanRecords } from "./segment-scan.ts";
import { SparseOffsets } from "./sparse-offsets.ts";

const ZERO_BLOCK = Buffer.alloc(1_048_576);
const PREPARED_FILE_NAME = "prepared.tmp";

/** The segment that new records go to, as recovery found or made it. */
export interface OpenSegment {
  readonly descriptor: number;
  readonly header: SegmentHeader;
  readonly end: SegmentEnd;
  /** Where its records lie. */
  readonly offsets: SparseOffsets;
  readonly catalogue: SegmentCatalogue;
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
 * Returns the open file; `publishSegment` turns it into a segment. After an error nothing is left of it.
 */
export async function prepareSegment(disk: JournalDisk, directory: string, segmentBytes: number): Promise<number> {
  const path = join(directory, PREPARED_FILE_NAME);
  rmSync(path, { force: true });
  const descriptor = await disk.open(path, "wx+");
  try {
    await writeZeros(disk, descriptor, 0, segmentBytes);
    return descriptor;
  } catch (error) {
    await disk.close(descriptor);
    // On a full disk a half-written file would take the room that others need to go on.
    rmSync(path, { force: true });
    throw error;
  }
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
  const identity = randomBytes(IDENTITY_BYTES);
  const header = { salt: newSalt(), segmentBytes, segmentNumber: 1, firstRecord: 0, startChain, identity };
  const descriptor = await prepareSegment(disk, directory, segmentBytes);
  await publishSegment(disk, directory, descriptor, header);
  await disk.syncDirectory(dirname(directory));
  const end = { offset: SEGMENT_HEADER_BYTES, chain: startChain, records: 0, isTorn: false };
  const catalogue = new SegmentCatalogue([{ header, kind: "segment" }]);
  return { descriptor, header, end, offsets: new SparseOffsets(), catalogue };
}

/** Removes what a crash left of work that begins anew: drafts, and archives whose segment is still there. */
async function removeLeftovers(disk: JournalDisk, directory: string): Promise<void> {
  let removed = 0;
  for (const name of readdirSync(directory)) {
    const archived = /^(\d{10})\.archive$/.exec(name);
    const isRedundant = archived !== null && existsSync(join(directory, `${archived[1]}.segment`));
    if (!isRedundant && !name.endsWith(".draft")) continue;
    rmSync(join(directory, name), { force: true });
    removed++;
  }
  if (removed > 0) await disk.syncDirectory(directory);
}

/**
 * Opens the last segment for writing, makes it if there is none, cuts a torn end, and makes durable what is there:
 * what recovery has seen may be acted upon.
 * Throws JournalDamagedError if segments or headers are missing, and the system's errors. `mayBeCut`: the journal's
 * beginning may be gone (`cutBefore`).
 */
export async function recoverJournal(
  disk: JournalDisk,
  directory: string,
  segmentBytes: number,
  mayBeCut: boolean,
): Promise<OpenSegment> {
  await removeLeftovers(disk, directory);
  await mendHeaders(disk, directory);
  const entries = await readCatalogue(disk, directory);
  const last = entries.at(-1);
  if (last === undefined) return createFirstSegment(disk, directory, segmentBytes);
  const [first] = entries;
  if (!mayBeCut && first?.header.firstRecord !== 0)
    throw new JournalDamagedError(segmentFileName(1), 0, "the beginning of the journal is missing");
  const { segmentNumber } = last.header;
  const name = segmentFileName(segmentNumber);
  if (last.kind === "archive") throw new JournalDamagedError(name, 0, "the last segment is missing");
  const descriptor = await disk.open(join(directory, name), "r+");
  try {
    const { header, bytes, present } = await loadSegment(disk, descriptor, { segmentNumber, kind: "segment" });
    const offsets = new SparseOffsets();
    const records = scanRecords(bytes, header, undefined);
    let step = records.next();
    for (; !step.done; step = records.next()) {
      if (step.value.offset !== undefined) offsets.note(step.value.index, step.value.offset);
    }
    const end = step.value;
    if (end.isTorn || present < bytes.length) {
      await writeZeros(disk, descriptor, Math.min(end.offset, present), bytes.length);
    } else {
      await disk.dataSync(descriptor);
    }
    return { descriptor, header, end, offsets, catalogue: new SegmentCatalogue(entries) };
  } catch (error) {
    await disk.close(descriptor);
    throw error;
  }
}

/** One record read back. */
export interface JournalRecord {
  readonly number: number;
  /** A view into its segment's memory: copy it if it is kept for long. Undefined: the record is damaged. */
  readonly payload: Uint8Array | undefined;
}

/** The records of segments in order, from a number on, checked; damaged ones are reported by number. One segment is in memory at a time. */
export async function* readRecordsFrom(
  disk: JournalDisk,
  directory: string,
  catalogue: SegmentCatalogue,
  from: number,
): AsyncGenerator<JournalRecord, void> {
  const start = catalogue.find(from) ?? catalogue.entries[0];
  if (start === undefined) return;
  for (let number = start.header.segmentNumber; ; number++) {
    const entry = catalogue.of(number);
    if (entry === undefined) return;
    const closing = catalogue.closingOf(entry);
    const { header, bytes } = await loadEntry(disk, directory, catalogue, number);
    for (const { index, payload } of scanRecords(bytes, header, closing)) {
      const record = header.firstRecord + index;
      if (record >= from) yield { number: record, payload };
    }
  }
}

/** Loads a segment that may be archived at the same moment. */
async function loadEntry(disk: JournalDisk, directory: string, catalogue: SegmentCatalogue, segmentNumber: number) {
  const kind = catalogue.of(segmentNumber)?.kind ?? "segment";
  try {
    return await loadSegmentFile(disk, directory, { segmentNumber, kind });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || kind === "archive") throw error;
    return await loadSegmentFile(disk, directory, { segmentNumber, kind: "archive" });
  }
}

/**
 * All records of a journal's folder in order. Reads only; may run beside the process that writes the journal. Stops before a torn end.
 * Throws JournalDamagedError where a segment or its header is wrong.
 */
export async function* readJournalDirectory(
  directory: string,
  disk: JournalDisk = realDisk,
): AsyncGenerator<JournalRecord, void> {
  yield* readRecordsFrom(disk, directory, new SegmentCatalogue(await readCatalogue(disk, directory)), 0);
}

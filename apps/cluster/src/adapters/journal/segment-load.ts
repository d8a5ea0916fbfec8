/**
 * Listing the segments of a journal's folder and reading one into memory, compressed or not. Changes nothing.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { archiveFileName, archiveOverheadBytes, decodeArchiveTable, expandArchive } from "./archive-format.ts";
import { type JournalDisk, readFully } from "./disk.ts";
import type { SegmentEntry, SegmentKind } from "./segment-catalogue.ts";
import {
  decodeSegmentHeader,
  LARGEST_SEGMENT_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  SMALLEST_SEGMENT_BYTES,
  segmentFileName,
} from "./segment-format.ts";

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

export interface SegmentFile {
  readonly segmentNumber: number;
  readonly kind: SegmentKind;
}

export function fileNameOf({ segmentNumber, kind }: SegmentFile): string {
  return kind === "archive" ? archiveFileName(segmentNumber) : segmentFileName(segmentNumber);
}

/** The segments in a folder, ascending; of one that is there in both forms the uncompressed one. Throws if one is missing in between. */
export function listSegments(directory: string): SegmentFile[] {
  const kinds = new Map<number, SegmentKind>();
  for (const name of readdirSync(directory)) {
    const match = /^(\d{10})\.(segment|archive)$/.exec(name);
    const segmentNumber = Number(match?.[1] ?? 0);
    if (segmentNumber === 0) continue;
    const kind = match?.[2] as SegmentKind;
    if (kind === "segment" || !kinds.has(segmentNumber)) kinds.set(segmentNumber, kind);
  }
  const files = [...kinds].map(([segmentNumber, kind]) => ({ segmentNumber, kind }));
  files.sort((a, b) => a.segmentNumber - b.segmentNumber);
  files.forEach((file, index) => {
    const expected = (files[0] as SegmentFile).segmentNumber + index;
    if (file.segmentNumber !== expected)
      throw new JournalDamagedError(segmentFileName(expected), 0, "the segment is missing");
  });
  return files;
}

/** Reads and checks the header, which a segment and its archive begin with. */
export async function readHeader(disk: JournalDisk, descriptor: number, file: SegmentFile): Promise<SegmentHeader> {
  const name = fileNameOf(file);
  const head = Buffer.alloc(SEGMENT_HEADER_BYTES);
  await readFully(disk, descriptor, head, head.length, 0);
  const header = decodeSegmentHeader(head);
  if (header === undefined) throw new JournalDamagedError(name, 0, "the segment header is wrong");
  const { segmentBytes } = header;
  const inRange = segmentBytes >= SMALLEST_SEGMENT_BYTES && segmentBytes <= LARGEST_SEGMENT_BYTES;
  if (header.segmentNumber !== file.segmentNumber || !inRange) {
    throw new JournalDamagedError(name, 0, "the segment header belongs to another segment");
  }
  return header;
}

/** All segments of a folder with their headers. Throws JournalDamagedError where one does not belong behind the one before it. */
export async function readCatalogue(disk: JournalDisk, directory: string): Promise<SegmentEntry[]> {
  const entries: SegmentEntry[] = [];
  for (const file of listSegments(directory)) {
    const descriptor = await disk.open(join(directory, fileNameOf(file)), "r");
    const header = await readHeader(disk, descriptor, file).finally(() => disk.close(descriptor));
    const before = entries.at(-1)?.header;
    if (before !== undefined && Buffer.compare(before.identity, header.identity) !== 0)
      throw new JournalDamagedError(fileNameOf(file), 0, "the segment belongs to another journal");
    if (before !== undefined && before.firstRecord > header.firstRecord)
      throw new JournalDamagedError(fileNameOf(file), 0, "the segment does not follow from the one before it");
    entries.push({ header, kind: file.kind });
  }
  return entries;
}

export interface LoadedSegment {
  readonly header: SegmentHeader;
  /** The whole segment; what the file lacks to its full size (or what cannot be expanded) reads as zeros. */
  readonly bytes: Buffer;
  /** How many bytes the file really has. */
  readonly present: number;
}

/** Reads a whole segment from an open file. */
export async function loadSegment(disk: JournalDisk, descriptor: number, file: SegmentFile): Promise<LoadedSegment> {
  const header = await readHeader(disk, descriptor, file);
  if (file.kind === "segment") {
    const bytes = Buffer.alloc(header.segmentBytes);
    return { header, bytes, present: await readFully(disk, descriptor, bytes, bytes.length, 0) };
  }
  // Compressed text never takes more room than the segment did, but for the table.
  const whole = Buffer.alloc(header.segmentBytes + archiveOverheadBytes(header.segmentBytes));
  const present = await readFully(disk, descriptor, whole, whole.length, 0);
  const table = decodeArchiveTable(whole.subarray(0, present));
  if (table === undefined) throw new JournalDamagedError(fileNameOf(file), 0, "the table of the archive is wrong");
  return { header, bytes: expandArchive(whole.subarray(0, present), table), present };
}

/** Opens, reads and closes. */
export async function loadSegmentFile(disk: JournalDisk, directory: string, file: SegmentFile): Promise<LoadedSegment> {
  const descriptor = await disk.open(join(directory, fileNameOf(file)), "r");
  return loadSegment(disk, descriptor, file).finally(() => disk.close(descriptor));
}

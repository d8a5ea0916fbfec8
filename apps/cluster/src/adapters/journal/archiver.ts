/**
 * Compresses closed segments that are past what the owner wants to keep as they are, oldest first, one at a time, beside the appending.
 *
 * The original goes only after the compressed file was made durable, read back from the disk, expanded, and found equal to the last byte.
 * A crash at any step leaves the original (the archive is then made anew) or the archive alone. A segment with a damaged record
 * waits until that is repaired: compressed, one bad byte would take its neighbours with it. Nothing is ever deleted here.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { archiveFileName, decodeArchiveTable, encodeArchive, expandBlock } from "./archive-format.ts";
import { type JournalDisk, readFully } from "./disk.ts";
import { publishFile } from "./publish-file.ts";
import type { SegmentCatalogue, SegmentEntry } from "./segment-catalogue.ts";
import { SEGMENT_HEADER_BYTES, segmentFileName } from "./segment-format.ts";
import { JournalDamagedError, loadSegmentFile } from "./segment-load.ts";
import { scanRecords } from "./segment-scan.ts";

export interface RetentionOptions {
  /** Closed segments that stay as they are; Infinity: all. */
  readonly keepSegments: number;
  /** How long a closed segment stays as it is, milliseconds since it was last written; Infinity: for ever. */
  readonly retentionMs: number;
}

/** The oldest segment that is due, among those before `openSegment`; damaged ones in `except` wait. */
export async function findDue(
  directory: string,
  catalogue: SegmentCatalogue,
  openSegment: number,
  { keepSegments, retentionMs }: RetentionOptions,
  except: ReadonlySet<number>,
): Promise<SegmentEntry | undefined> {
  const closed = catalogue.entries.filter(
    ({ kind, header }) => kind === "segment" && header.segmentNumber < openSegment && !except.has(header.segmentNumber),
  );
  const [oldest] = closed;
  if (oldest === undefined || closed.length > keepSegments) return oldest;
  if (retentionMs === Number.POSITIVE_INFINITY) return undefined;
  const { mtimeMs } = await stat(join(directory, segmentFileName(oldest.header.segmentNumber)));
  return Date.now() - mtimeMs > retentionMs ? oldest : undefined;
}

/** Compresses one closed segment and removes the original. Throws JournalDamagedError when a record is damaged, and the system's errors. */
export async function archiveSegment(
  disk: JournalDisk,
  directory: string,
  catalogue: SegmentCatalogue,
  entry: SegmentEntry,
): Promise<void> {
  const { segmentNumber } = entry.header;
  const original = segmentFileName(segmentNumber);
  const { header, bytes } = await loadSegmentFile(disk, directory, { segmentNumber, kind: "segment" });
  const offsets: number[] = [];
  const scan = scanRecords(bytes, header, catalogue.closingOf(entry));
  let step = scan.next();
  for (; !step.done; step = scan.next()) {
    const { index, offset, payload } = step.value;
    if (payload === undefined || offset === undefined)
      throw new JournalDamagedError(original, offset ?? 0, `record ${header.firstRecord + index} waits for its repair`);
    offsets.push(offset);
  }
  const usedBytes = step.value.offset;
  const name = archiveFileName(segmentNumber);
  await publishFile(disk, directory, name, [await encodeArchive(bytes, offsets, usedBytes)]);
  if (!(await isReadBack(disk, directory, name, bytes, usedBytes))) {
    await disk.remove(join(directory, name));
    throw new JournalDamagedError(name, 0, "the archive read back is not what was written");
  }
  entry.kind = "archive";
  await disk.remove(join(directory, original));
  await disk.syncDirectory(directory);
}

/** Whether the archive on the disk gives the segment's bytes again, block by block: nobody waits for a whole segment to be expanded. */
async function isReadBack(
  disk: JournalDisk,
  directory: string,
  name: string,
  segment: Buffer,
  usedBytes: number,
): Promise<boolean> {
  const descriptor = await disk.open(join(directory, name), "r");
  try {
    const { size } = await stat(join(directory, name));
    const archive = Buffer.allocUnsafeSlow(size);
    if ((await readFully(disk, descriptor, archive, size, 0)) !== size) return false;
    const table = decodeArchiveTable(archive);
    if (table?.usedBytes !== usedBytes) return false;
    if (archive.compare(segment, 0, SEGMENT_HEADER_BYTES, 0, SEGMENT_HEADER_BYTES) !== 0) return false;
    let reached = SEGMENT_HEADER_BYTES;
    for (const block of table.blocks) {
      const compressed = archive.subarray(block.filePosition, block.filePosition + block.fileBytes);
      const plain = block.offset === reached ? expandBlock(compressed, block) : undefined;
      reached += block.bytes;
      if (plain?.compare(segment, block.offset, reached) !== 0) return false;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return reached === usedBytes;
  } finally {
    await disk.close(descriptor);
  }
}

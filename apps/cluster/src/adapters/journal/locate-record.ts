/**
 * Where a record's bytes lie on the disk, found without opening the journal for writing: for tests and drills that damage them.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeArchiveTable } from "./archive-format.ts";
import { type JournalDisk, realDisk } from "./disk.ts";
import { SegmentCatalogue } from "./segment-catalogue.ts";
import { RECORD_HEADER_BYTES } from "./segment-format.ts";
import { fileNameOf, loadSegmentFile, readCatalogue } from "./segment-load.ts";
import { scanRecords } from "./segment-scan.ts";

export interface RecordLocation {
  readonly path: string;
  /** Of the first byte of the payload; in an archive, of the compressed block that holds it. */
  readonly offset: number;
  /** Of the payload; in an archive, of the compressed block. */
  readonly bytes: number;
}

/** Undefined if there is no such record, or it is damaged already. May run beside the process that writes the journal. */
export async function locateRecord(
  directory: string,
  number: number,
  disk: JournalDisk = realDisk,
): Promise<RecordLocation | undefined> {
  const catalogue = new SegmentCatalogue(await readCatalogue(disk, directory));
  const entry = catalogue.find(number);
  if (entry === undefined) return undefined;
  const file = { segmentNumber: entry.header.segmentNumber, kind: entry.kind };
  const path = join(directory, fileNameOf(file));
  const { header, bytes } = await loadSegmentFile(disk, directory, file);
  const index = number - header.firstRecord;
  for (const scanned of scanRecords(bytes, header, catalogue.closingOf(entry))) {
    if (scanned.index !== index) continue;
    if (scanned.payload === undefined || scanned.offset === undefined) return undefined;
    if (entry.kind === "segment") {
      return { path, offset: scanned.offset + RECORD_HEADER_BYTES, bytes: scanned.payload.length };
    }
    const table = decodeArchiveTable(await readFile(path));
    const block = table?.blocks.findLast(({ firstIndex }) => firstIndex <= index);
    return block && { path, offset: block.filePosition, bytes: block.fileBytes };
  }
  return undefined;
}

/**
 * Segment headers that have rotted, made again from what is beside them: number and chain from the end of the segment before, salt
 * from the first record behind, which must follow. A header is 64 bytes of 8 MiB, but without it the whole segment says nothing.
 *
 * What does not fit together is left alone; whoever opens the journal next refuses it.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { decodeArchiveTable, expandBlock } from "./archive-format.ts";
import { type JournalDisk, readFully, writeFully } from "./disk.ts";
import {
  CHAIN_BYTES,
  decodeRecord,
  encodeSegmentHeader,
  followsChain,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  storedIndex,
} from "./segment-format.ts";
import { fileNameOf, listSegments, loadSegmentFile, readHeader, type SegmentFile } from "./segment-load.ts";
import { scanRecords } from "./segment-scan.ts";

/** Where a segment must begin: what the records before it leave. */
interface Joint {
  readonly firstRecord: number;
  readonly startChain: Uint8Array;
  readonly identity: Uint8Array;
  readonly segmentBytes: number;
}

/** Writes the headers that can be made again, durably, and says of which segments. Rejects with the system's errors. */
export async function mendHeaders(disk: JournalDisk, directory: string): Promise<string[]> {
  const mended: string[] = [];
  const files = listSegments(directory);
  for (const [index, file] of files.entries()) {
    if ((await headerOf(disk, directory, file)) !== undefined) continue;
    const joint = await jointBefore(disk, directory, files, index);
    const header = joint && (await headerAt(disk, directory, file, joint));
    if (header === undefined) continue;
    const name = fileNameOf(file);
    const descriptor = await disk.open(join(directory, name), "r+");
    try {
      await writeFully(disk, descriptor, encodeSegmentHeader(header), SEGMENT_HEADER_BYTES, 0);
      await disk.dataSync(descriptor);
    } finally {
      await disk.close(descriptor);
    }
    mended.push(name);
  }
  return mended;
}

async function headerOf(disk: JournalDisk, directory: string, file: SegmentFile): Promise<SegmentHeader | undefined> {
  const descriptor = await disk.open(join(directory, fileNameOf(file)), "r");
  try {
    return await readHeader(disk, descriptor, file).catch(() => undefined);
  } finally {
    await disk.close(descriptor);
  }
}

async function jointBefore(
  disk: JournalDisk,
  directory: string,
  files: readonly SegmentFile[],
  index: number,
): Promise<Joint | undefined> {
  const file = files[index] as SegmentFile;
  const before = files[index - 1];
  if (before !== undefined) {
    const loaded = await loadSegmentFile(disk, directory, before).catch(() => undefined);
    if (loaded === undefined) return undefined;
    const scan = scanRecords(loaded.bytes, loaded.header, undefined);
    let step = scan.next();
    while (!step.done) step = scan.next();
    const { records, chain } = step.value;
    const { firstRecord, identity, segmentBytes } = loaded.header;
    return { firstRecord: firstRecord + records, startChain: chain, identity, segmentBytes };
  }
  const after = files[index + 1];
  const next = after && (await headerOf(disk, directory, after));
  if (next === undefined || file.segmentNumber !== 1) return undefined;
  const { identity, segmentBytes } = next;
  return { firstRecord: 0, startChain: Buffer.alloc(CHAIN_BYTES), identity, segmentBytes };
}

/** The header, if the first record of the file follows the joint. */
async function headerAt(
  disk: JournalDisk,
  directory: string,
  file: SegmentFile,
  joint: Joint,
): Promise<SegmentHeader | undefined> {
  const path = join(directory, fileNameOf(file));
  const { size } = statSync(path);
  const whole = Buffer.alloc(size);
  const descriptor = await disk.open(path, "r");
  await readFully(disk, descriptor, whole, size, 0).finally(() => disk.close(descriptor));
  const records = file.kind === "segment" ? whole.subarray(SEGMENT_HEADER_BYTES) : firstBlock(whole);
  if (records === undefined || records.length < 16) return undefined;
  const salt = records.readUInt32LE(12);
  const payload = decodeRecord(records, 0, SEGMENT_HEADER_BYTES, salt);
  if (payload === undefined || storedIndex(records, 0) !== 0) return undefined;
  if (!followsChain(records, 0, payload.length, Buffer.from(joint.startChain))) return undefined;
  const segmentBytes = file.kind === "segment" ? size : joint.segmentBytes;
  return { ...joint, salt, segmentBytes, segmentNumber: file.segmentNumber };
}

function firstBlock(archive: Buffer): Buffer | undefined {
  const block = decodeArchiveTable(archive)?.blocks[0];
  return block && expandBlock(archive.subarray(block.filePosition, block.filePosition + block.fileBytes), block);
}

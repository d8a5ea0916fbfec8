/**
 * How a compressed segment lies on disk: blocks of whole records, each compressed by itself, so that reading one record expands no more
 * than 64 KiB (or the one record that is larger than that).
 *
 *   segment header (64)  as it was
 *   archive header (24)  magic 8 | crc 4 | used bytes of the segment 4 | records 4 | blocks 4
 *   table (20 a block)   offset in the segment 4 | bytes 4 | index of the first record 4 | position in this file 4 | compressed bytes 4
 *   the blocks           brotli
 *
 * The crc is over the rest of the archive header and the table. The blocks need none: every record in them has its own.
 */
import { promisify } from "node:util";
import { brotliCompress, brotliDecompressSync, constants } from "node:zlib";
import { crc32c } from "./crc32c.ts";
import { LARGEST_SEGMENT_BYTES, SEGMENT_HEADER_BYTES } from "./segment-format.ts";

export const ARCHIVE_BLOCK_BYTES = 65_536;
const MAGIC = "RDBTARC1";
const ARCHIVE_HEADER_BYTES = 24;
const TABLE_ROW_BYTES = 20;
/** Higher ones compress records of this kind little better and take several times as long. */
const BROTLI_QUALITY = 4;
const compress = promisify(brotliCompress);

export function archiveFileName(segmentNumber: number): string {
  return `${String(segmentNumber).padStart(10, "0")}.archive`;
}

/** Where some records of the segment lie. */
export interface ArchiveBlock {
  /** Of the block's first byte in the segment. */
  readonly offset: number;
  readonly bytes: number;
  readonly firstIndex: number;
  readonly filePosition: number;
  readonly fileBytes: number;
}

export interface ArchiveTable {
  /** Bytes of the segment up to the end of its last record. */
  readonly usedBytes: number;
  readonly records: number;
  readonly blocks: readonly ArchiveBlock[];
}

/** The most that headers, table and compression of incompressible blocks add to a segment of this size. */
export function archiveOverheadBytes(segmentBytes: number): number {
  return 4096 + Math.ceil(segmentBytes / 32);
}

/** Bytes before the first block: header of the segment, header of the archive, table. */
function headBytes(blocks: number): number {
  return SEGMENT_HEADER_BYTES + ARCHIVE_HEADER_BYTES + blocks * TABLE_ROW_BYTES;
}

/** The bytes to read for the table of a file that begins with `head`, at least 88 bytes; undefined if it is no archive. */
export function archiveTableBytes(head: Buffer): number | undefined {
  if (head.length < headBytes(0)) return undefined;
  if (head.toString("latin1", SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 8) !== MAGIC) return undefined;
  const blocks = head.readUInt32LE(SEGMENT_HEADER_BYTES + 20);
  return blocks <= LARGEST_SEGMENT_BYTES / 48 ? headBytes(blocks) : undefined;
}

/** Undefined if `bytes` do not begin with an intact head. */
export function decodeArchiveTable(bytes: Buffer): ArchiveTable | undefined {
  const through = archiveTableBytes(bytes);
  if (through === undefined || bytes.length < through) return undefined;
  const at = SEGMENT_HEADER_BYTES;
  if (bytes.readUInt32LE(at + 8) !== crc32c(bytes, at + 12, through)) return undefined;
  const blocks: ArchiveBlock[] = [];
  for (let row = at + ARCHIVE_HEADER_BYTES; row < through; row += TABLE_ROW_BYTES) {
    blocks.push({
      offset: bytes.readUInt32LE(row),
      bytes: bytes.readUInt32LE(row + 4),
      firstIndex: bytes.readUInt32LE(row + 8),
      filePosition: bytes.readUInt32LE(row + 12),
      fileBytes: bytes.readUInt32LE(row + 16),
    });
  }
  return { usedBytes: bytes.readUInt32LE(at + 12), records: bytes.readUInt32LE(at + 16), blocks };
}

/** Compresses a segment whose records start at `offsets`; `usedBytes` is where its last record ends. */
export async function encodeArchive(segment: Buffer, offsets: readonly number[], usedBytes: number): Promise<Buffer> {
  const plain: { offset: number; firstIndex: number; through: number }[] = [];
  for (const [index, offset] of offsets.entries()) {
    const through = offsets[index + 1] ?? usedBytes;
    const last = plain.at(-1);
    if (last === undefined || through - last.offset > ARCHIVE_BLOCK_BYTES)
      plain.push({ offset, firstIndex: index, through });
    else last.through = through;
  }
  const head = Buffer.alloc(headBytes(plain.length));
  segment.copy(head, 0, 0, SEGMENT_HEADER_BYTES);
  const at = SEGMENT_HEADER_BYTES;
  head.write(MAGIC, at, "latin1");
  head.writeUInt32LE(usedBytes, at + 12);
  head.writeUInt32LE(offsets.length, at + 16);
  head.writeUInt32LE(plain.length, at + 20);
  const pieces: Buffer[] = [head];
  let filePosition = head.length;
  for (const [number, { offset, firstIndex, through }] of plain.entries()) {
    const compressed = await compressBlock(segment.subarray(offset, through));
    const row = at + ARCHIVE_HEADER_BYTES + number * TABLE_ROW_BYTES;
    for (const [column, value] of [offset, through - offset, firstIndex, filePosition, compressed.length].entries())
      head.writeUInt32LE(value, row + 4 * column);
    pieces.push(compressed);
    filePosition += compressed.length;
  }
  head.writeUInt32LE(crc32c(head, at + 12), at + 8);
  return Buffer.concat(pieces);
}

function compressBlock(bytes: Buffer): Promise<Buffer> {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    [constants.BROTLI_PARAM_LGWIN]: 17,
  };
  return compress(bytes, { params, chunkSize: ARCHIVE_BLOCK_BYTES });
}

/**
 * The block's records; undefined if the compressed bytes are damaged. At once and in one allocation: handing a block to another thread
 * costs more than expanding it, and every further piece of memory outside the heap brings the next collection of all of it nearer.
 */
export function expandBlock(compressed: Buffer, { bytes }: ArchiveBlock): Buffer | undefined {
  try {
    const plain = brotliDecompressSync(compressed, { maxOutputLength: bytes, chunkSize: Math.max(bytes, 64) });
    return plain.length === bytes ? plain : undefined;
  } catch {
    return undefined;
  }
}

/** The segment as it was; a block that cannot be expanded, and everything behind the last record, reads as zeros. */
export function expandArchive(archive: Buffer, table: ArchiveTable): Buffer {
  const segment = Buffer.alloc(Math.max(table.usedBytes, SEGMENT_HEADER_BYTES));
  archive.copy(segment, 0, 0, SEGMENT_HEADER_BYTES);
  for (const block of table.blocks) {
    const compressed = archive.subarray(block.filePosition, block.filePosition + block.fileBytes);
    const plain = expandBlock(compressed, block);
    plain?.copy(segment, block.offset);
  }
  return segment;
}

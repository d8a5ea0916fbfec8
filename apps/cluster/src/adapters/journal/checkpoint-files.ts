/**
 * Checkpoint files beside the segments: a summary of the records below a number, so that a start need not read them.
 *
 *   header (64)   magic 8 | crc 4 | 0 4 | through f64 | chain 16 | digest of the owner's name 16 | 0 8
 *   each part     length 4 | crc 4 | bytes
 *   the end       length 0xffffffff 4 | number of parts 4
 *
 * A checkpoint is only an accelerator. It counts only if every checksum is right, its owner's name (which says what kind of state and
 * in which format) is the one that asks, and the journal's chain at `through` is the one it was made at; otherwise an older one is
 * used, or none. The two newest are kept.
 */
import { hash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { crc32c } from "./crc32c.ts";
import { type JournalDisk, readFully } from "./disk.ts";
import { publishFile } from "./publish-file.ts";

const MAGIC = "RDBTCKP1";
const HEADER_BYTES = 64;
const PART_HEADER_BYTES = 8;
const KEPT_MAX = 2;
const PIECE_BYTES = 1_048_576;
/** A part is one allocation when it is read back. */
const PART_BYTES_MAX = 0x4000_0000;
const END = 0xffff_ffff;

export interface CheckpointFile {
  /** Number of the first record that is not in it. */
  readonly through: number;
  readonly parts: readonly Uint8Array[];
}

/** A checkpoint to be written. Its parts may be made one by one while the file is written. */
export interface CheckpointSource {
  readonly through: number;
  readonly parts: Iterable<Uint8Array>;
}

interface FoundCheckpoint extends CheckpointFile {
  readonly chain: Buffer;
}

const fileName = (through: number): string => `${String(through).padStart(16, "0")}.checkpoint`;
const ownerDigest = (owner: string): Buffer => hash("sha256", owner, "buffer").subarray(0, 16);

/** The numbers of the checkpoints in a folder, newest first. */
function listCheckpoints(directory: string): number[] {
  const numbers: number[] = [];
  for (const name of readdirSync(directory)) {
    const match = /^(\d{16})\.checkpoint$/.exec(name);
    if (match !== null) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => b - a);
}

/** Makes a checkpoint durable and removes all but the two newest. Rejects with the system's errors. */
export async function writeCheckpoint(
  disk: JournalDisk,
  directory: string,
  owner: string,
  { through, parts, chain }: CheckpointSource & { readonly chain: Buffer },
): Promise<void> {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 0, "latin1");
  header.writeDoubleLE(through, 16);
  header.set(chain, 24);
  header.set(ownerDigest(owner), 40);
  header.writeUInt32LE(crc32c(header, 12), 8);
  await publishFile(disk, directory, fileName(through), pieces(header, parts));
  const old = listCheckpoints(directory)
    .filter((number) => number !== through)
    .slice(KEPT_MAX - 1);
  for (const number of old) await disk.remove(join(directory, fileName(number)));
}

function* pieces(header: Buffer, parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield header;
  let count = 0;
  for (const part of parts) {
    if (part.length > PART_BYTES_MAX) throw new RangeError(`a part of a checkpoint is ${part.length} bytes long`);
    count++;
    const head = Buffer.alloc(PART_HEADER_BYTES);
    head.writeUInt32LE(part.length, 0);
    head.writeUInt32LE(crc32c(part), 4);
    yield head;
    yield part;
  }
  const end = Buffer.alloc(PART_HEADER_BYTES);
  end.writeUInt32LE(END, 0);
  end.writeUInt32LE(count, 4);
  yield end;
}

/** The newest checkpoint that counts. `chainAt` gives the journal's chain value before a record; undefined if it has no such place. */
export async function readCheckpoint(
  disk: JournalDisk,
  directory: string,
  owner: string,
  chainAt: (through: number) => Promise<Buffer | undefined>,
): Promise<CheckpointFile | undefined> {
  for (const through of listCheckpoints(directory)) {
    const descriptor = await disk.open(join(directory, fileName(through)), "r");
    const found = await read(disk, descriptor, owner).finally(() => disk.close(descriptor));
    if (found?.through !== through) continue;
    const chain = await chainAt(through);
    if (chain?.equals(found.chain)) return found;
  }
  return undefined;
}

async function read(disk: JournalDisk, descriptor: number, owner: string): Promise<FoundCheckpoint | undefined> {
  const header = await readExactly(disk, descriptor, HEADER_BYTES, 0);
  if (header?.toString("latin1", 0, 8) !== MAGIC) return undefined;
  if (header.readUInt32LE(8) !== crc32c(header, 12)) return undefined;
  if (!header.subarray(40, 56).equals(ownerDigest(owner))) return undefined;
  const parts: Uint8Array[] = [];
  let position = HEADER_BYTES;
  for (;;) {
    const head = await readExactly(disk, descriptor, PART_HEADER_BYTES, position);
    if (head === undefined) return undefined;
    const length = head.readUInt32LE(0);
    if (length === END && head.readUInt32LE(4) === parts.length) break;
    if (length > PART_BYTES_MAX) return undefined;
    const part = await readExactly(disk, descriptor, length, position + PART_HEADER_BYTES);
    if (part === undefined || crc32c(part) !== head.readUInt32LE(4)) return undefined;
    parts.push(part);
    position += PART_HEADER_BYTES + length;
  }
  return { through: header.readDoubleLE(16), parts, chain: Buffer.from(header.subarray(24, 40)) };
}

/** Undefined if the file has fewer bytes. Allocates no more than a piece ahead of what is really there. */
async function readExactly(
  disk: JournalDisk,
  descriptor: number,
  length: number,
  position: number,
): Promise<Buffer | undefined> {
  if (length > PIECE_BYTES) {
    const last = await readExactly(disk, descriptor, 1, position + length - 1);
    if (last === undefined) return undefined;
  }
  const bytes = Buffer.allocUnsafeSlow(length);
  return (await readFully(disk, descriptor, bytes, length, position)) === length ? bytes : undefined;
}

/**
 * A file that is there whole or not at all: written beside its place, made durable, then given its name. A crash leaves a draft, which
 * whoever opens the folder next removes.
 */
import { join } from "node:path";
import { type JournalDisk, writeFully } from "./disk.ts";

const PIECE_BYTES = 1_048_576;

/** Rejects with the system's errors and leaves no draft then. */
export async function publishFile(
  disk: JournalDisk,
  directory: string,
  name: string,
  pieces: Iterable<Uint8Array>,
): Promise<void> {
  const draft = join(directory, `${name}.draft`);
  await disk.remove(draft);
  const descriptor = await disk.open(draft, "wx+");
  let isOpen = true;
  try {
    let position = 0;
    for (const piece of inPieces(pieces)) {
      await writeFully(disk, descriptor, piece, piece.length, position);
      position += piece.length;
    }
    await disk.dataSync(descriptor);
    isOpen = false;
    await disk.close(descriptor);
    await disk.rename(draft, join(directory, name));
    await disk.syncDirectory(directory);
  } catch (error) {
    if (isOpen) await disk.close(descriptor);
    await disk.remove(draft).catch(() => undefined);
    throw error;
  }
}

/** The same bytes in pieces of one size: a write costs more than copying little things together. */
function* inPieces(sources: Iterable<Uint8Array>): Generator<Uint8Array> {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let used = 0;
  for (const bytes of sources) {
    for (let from = 0; from < bytes.length; ) {
      const taken = bytes.subarray(from, from + PIECE_BYTES - used);
      piece.set(taken, used);
      used += taken.length;
      from += taken.length;
      if (used < PIECE_BYTES) continue;
      yield piece;
      used = 0;
    }
  }
  if (used > 0) yield piece.subarray(0, used);
}

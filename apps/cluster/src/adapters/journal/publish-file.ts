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
    for (const bytes of pieces) {
      for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
        const piece = bytes.subarray(from, from + PIECE_BYTES);
        await writeFully(disk, descriptor, piece, piece.length, position);
        position += piece.length;
      }
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

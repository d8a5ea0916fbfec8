/**
 * A disk that fails on order, over the real one: for tests of what the journal does then, and for disk drills.
 */
import type { JournalDisk } from "../journal/disk.ts";
import { realDisk } from "../journal/disk.ts";

/** What the disk does wrong from now on; change the fields while it runs. */
export interface DiskFaults {
  /** Every write fails with this system error code. */
  writeError?: "ENOSPC" | "EIO" | "EDQUOT";
  /** Writes fail with ENOSPC once this many bytes have been taken from now on; the last one may be taken in part. */
  roomBytes?: number;
  /** Counts the writes that failed. */
  refusedWrites: number;
  /** A single write takes at most this many bytes. */
  writeBytesMax?: number;
  /** Every fdatasync fails with this system error code. */
  syncError?: "EIO" | "ENOSPC";
  /** fdatasync waits for this promise first: a disk that hangs. */
  syncGate?: Promise<void>;
}

function systemError(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: ${call} (ordered fault)`), { code });
}

/** Returns the disk and the faults to set. */
export function faultyDisk(): { readonly disk: JournalDisk; readonly faults: DiskFaults } {
  const faults: DiskFaults = { refusedWrites: 0 };
  const disk: JournalDisk = {
    ...realDisk,
    async write(descriptor, bytes, offset, length, position) {
      if (faults.writeError !== undefined || faults.roomBytes === 0) {
        faults.refusedWrites++;
        throw systemError(faults.writeError ?? "ENOSPC", "write");
      }
      const allowed = Math.min(length, faults.writeBytesMax ?? length, faults.roomBytes ?? length);
      if (faults.roomBytes !== undefined) faults.roomBytes -= allowed;
      return allowed === 0 ? 0 : realDisk.write(descriptor, bytes, offset, allowed, position);
    },
    async dataSync(descriptor) {
      await faults.syncGate;
      if (faults.syncError !== undefined) throw systemError(faults.syncError, "fdatasync");
      await realDisk.dataSync(descriptor);
    },
  };
  return { disk, faults };
}

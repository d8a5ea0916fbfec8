/**
 * What the owner of a journal may choose, and what the journal counts.
 */
import type { JournalDisk } from "./disk.ts";
import { LARGEST_SEGMENT_BYTES, SMALLEST_SEGMENT_BYTES } from "./segment-format.ts";

export const DEFAULT_SEGMENT_BYTES = 8 * 1024 * 1024;
export const DEFAULT_PENDING_BYTES_MAX = 256 * 1024 * 1024;
export const DEFAULT_FLUSH_DELAY_MS = 50;
export const DEFAULT_RETRY_DELAY_MS = 500;

export interface JournalOptions {
  /** Folder of the segments; made if missing. */
  readonly directory: string;
  /** Size of new segments, 4 KiB … 1 GiB, a multiple of 8; default 8 MiB. A record must fit into one. */
  readonly segmentBytes?: number;
  /** Appending beyond this many unwritten bytes is a bug of the owner (it must look at `pendingBytes`) and throws; default 256 MiB. */
  readonly pendingBytesMax?: number;
  /** How long `written` records may stay without fdatasync; default 50 ms. */
  readonly flushDelayMs?: number;
  /** How often a write that found no room on the disk is tried again; default 500 ms. */
  readonly retryDelayMs?: number;
  /** Called when the disk has no room for what was appended, with the system's error, and with undefined when it has room again. */
  readonly onShortage?: (error: Error | undefined) => void;
  /** Called once, at the first error of the disk that no waiting heals (EIO, …). Without it the error is thrown and ends the process. */
  readonly onFailure?: (error: Error) => void;
  /** Closed segments beyond this number are compressed, oldest first; default: none is for their number. */
  readonly keepSegments?: number;
  /** Closed segments written longer ago than this are compressed; default: none is for its age. */
  readonly retentionMs?: number;
  /** Told when a closed segment could not be compressed; it is tried again after the next one closes. */
  readonly onArchiveFailure?: (error: Error) => void;
  /** The owner may cut the beginning (`cutBefore`); without it a journal whose beginning is missing is refused. */
  readonly mayBeCut?: boolean;
  readonly disk?: JournalDisk;
}

/** Counters of one journal since it was opened, except `records`, which counts all there ever were. */
export interface JournalStatistics {
  readonly records: number;
  /** Number of the oldest record that was not cut off. */
  readonly firstRecord: number;
  readonly appendedRecords: number;
  readonly appendedBytes: number;
  readonly writes: number;
  readonly syncs: number;
  readonly segmentNumber: number;
  readonly archivedSegments: number;
  readonly pendingBytes: number;
}

/** The size of new segments. Throws RangeError naming the field. */
export function checkedSegmentBytes(segmentBytes = DEFAULT_SEGMENT_BYTES): number {
  if (segmentBytes >= SMALLEST_SEGMENT_BYTES && segmentBytes <= LARGEST_SEGMENT_BYTES && segmentBytes % 8 === 0) {
    return segmentBytes;
  }
  const range = `${SMALLEST_SEGMENT_BYTES} … ${LARGEST_SEGMENT_BYTES}, a multiple of 8`;
  throw new RangeError(`segmentBytes is ${segmentBytes}, expected ${range}`);
}

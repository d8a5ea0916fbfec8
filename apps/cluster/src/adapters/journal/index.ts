/** The append-only journal of a server: see journal.ts for what it promises and segment-format.ts for how it lies on disk. */
export { JournalLockedError } from "./directory-lock.ts";
export { type JournalDisk, realDisk } from "./disk.ts";
export { type Checkpoint, Journal, openJournal, type ReplayedBatch } from "./journal.ts";
export { locateRecord, type RecordLocation } from "./locate-record.ts";
export {
  DEFAULT_FLUSH_DELAY_MS,
  DEFAULT_PENDING_BYTES_MAX,
  DEFAULT_SEGMENT_BYTES,
  type JournalOptions,
  type JournalStatistics,
} from "./options.ts";
export { type JournalRecord, readJournalDirectory } from "./recovery.ts";
export { JournalDamagedError } from "./segment-load.ts";
export type { AppendCallback, Durability } from "./staging.ts";

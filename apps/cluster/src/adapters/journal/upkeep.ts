/**
 * The work on closed parts of a journal: repairing records, compressing old segments, cutting the beginning off. One piece of it at a
 * time, beside the appending, which it never waits for and which never waits for it.
 */
import { join } from "node:path";
import { archiveSegment, findDue, type RetentionOptions } from "./archiver.ts";
import type { JournalDisk } from "./disk.ts";
import type { RecordReader } from "./record-reader.ts";
import { RepairCandidates, repairRecord } from "./repair.ts";
import type { SegmentCatalogue } from "./segment-catalogue.ts";
import { fileNameOf, JournalDamagedError } from "./segment-load.ts";
import type { SegmentClosing } from "./segment-scan.ts";

export interface UpkeepParts {
  readonly disk: JournalDisk;
  readonly directory: string;
  readonly catalogue: SegmentCatalogue;
  readonly reader: RecordReader;
  readonly retention: RetentionOptions;
  /** Number of the segment that is written to. */
  readonly openSegment: () => number;
  /** How far the segment that is written to has got. */
  readonly openClosing: () => SegmentClosing;
  readonly onArchiveFailure: ((error: Error) => void) | undefined;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #candidates = new RepairCandidates();
  /** Damaged segments: compressed only after a repair. */
  readonly #damaged = new Set<number>();
  #last: Promise<unknown> = Promise.resolve();
  #archiving = false;
  #closed = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** See `repairRecord`. */
  repair(record: number, payload: Uint8Array): Promise<boolean> {
    return this.#inTurn(async () => {
      const { disk, directory, catalogue, reader, openClosing } = this.#parts;
      const entry = catalogue.find(record);
      if (entry === undefined) return false;
      const { segmentNumber, firstRecord } = entry.header;
      const closing = catalogue.closingOf(entry) ?? openClosing();
      if (record >= firstRecord + closing.records) return false;
      const place = { segmentNumber, kind: entry.kind, firstRecord, closing };
      const done = await repairRecord(disk, directory, place, record, payload, this.#candidates);
      if (!done) return false;
      reader.forget(segmentNumber);
      if (this.#damaged.delete(segmentNumber)) this.archive();
      const written = await reader.read(record).catch(() => undefined);
      return written !== undefined && Buffer.compare(written.payload, payload) === 0;
    });
  }

  /** Compresses what is due, until nothing is; does nothing while it is at it already. */
  archive(): void {
    const { retention } = this.#parts;
    const isWanted = Number.isFinite(retention.keepSegments) || Number.isFinite(retention.retentionMs);
    if (this.#archiving || this.#closed || !isWanted) return;
    this.#archiving = true;
    const next = (): void => {
      void this.#inTurn(() => this.#archiveOne()).then((more) => {
        if (more && !this.#closed) next();
        else this.#archiving = false;
      });
    };
    next();
  }

  async #archiveOne(): Promise<boolean> {
    const { disk, directory, catalogue, reader, retention, openSegment, onArchiveFailure } = this.#parts;
    if (this.#closed) return false;
    try {
      const entry = await findDue(directory, catalogue, openSegment(), retention, this.#damaged);
      if (entry === undefined) return false;
      const { segmentNumber } = entry.header;
      try {
        await archiveSegment(disk, directory, catalogue, entry);
      } catch (error) {
        if (error instanceof JournalDamagedError) this.#damaged.add(segmentNumber);
        else throw error;
        onArchiveFailure?.(error);
      }
      reader.forget(segmentNumber);
      return true;
    } catch (error) {
      onArchiveFailure?.(error as Error);
      return false;
    }
  }

  /** Removes all segments that hold nothing but records below `record`, oldest first. */
  cutBefore(record: number): Promise<void> {
    return this.#inTurn(async () => {
      const { disk, directory, catalogue, reader, openSegment } = this.#parts;
      for (;;) {
        const [first, second] = catalogue.entries;
        if (first === undefined || second === undefined || second.header.firstRecord > record) return;
        if (first.header.segmentNumber >= openSegment()) return;
        const { segmentNumber } = first.header;
        catalogue.removeFirst();
        reader.forget(segmentNumber);
        await disk.remove(join(directory, fileNameOf({ segmentNumber, kind: first.kind })));
        // In this order on the disk too: a gap in the middle would look like a lost segment.
        await disk.syncDirectory(directory);
      }
    });
  }

  /** Ends after the piece of work that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }
}

/**
 * Which segment holds which record: the headers of all segments of a journal, some 200 bytes of memory for each.
 */
import type { SegmentHeader } from "./segment-format.ts";
import type { SegmentClosing } from "./segment-scan.ts";

/** `archive`: compressed, see archive-format.ts. */
export type SegmentKind = "segment" | "archive";

export interface SegmentEntry {
  readonly header: SegmentHeader;
  kind: SegmentKind;
}

export class SegmentCatalogue {
  /** Segment numbers ascend by one. */
  readonly #entries: SegmentEntry[];

  constructor(entries: readonly SegmentEntry[]) {
    this.#entries = [...entries];
  }

  get entries(): readonly SegmentEntry[] {
    return this.#entries;
  }

  /** The number of the oldest record that is still there (or will be the first). */
  get firstRecord(): number {
    return this.#entries[0]?.header.firstRecord ?? 0;
  }

  add(header: SegmentHeader): void {
    this.#entries.push({ header, kind: "segment" });
  }

  /** Takes away the oldest segment. */
  removeFirst(): void {
    this.#entries.shift();
  }

  of(segmentNumber: number): SegmentEntry | undefined {
    const first = this.#entries[0]?.header.segmentNumber ?? 0;
    return this.#entries[segmentNumber - first];
  }

  /** The segment that holds (or would hold) a record; undefined below the first. */
  find(record: number): SegmentEntry | undefined {
    let low = 0;
    let high = this.#entries.length - 1;
    let found: SegmentEntry | undefined;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle] as SegmentEntry;
      if (entry.header.firstRecord <= record) {
        found = entry;
        low = middle + 1;
      } else high = middle - 1;
    }
    return found;
  }

  /** How a closed segment ends; undefined for the last one. */
  closingOf({ header }: SegmentEntry): SegmentClosing | undefined {
    const next = this.of(header.segmentNumber + 1)?.header;
    return next && { records: next.firstRecord - header.firstRecord, chain: next.startChain };
  }
}

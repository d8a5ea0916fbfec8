/** One state change as a member holds it in memory, whether journalled (with a record number) or a read-only one. */
import type { ChangeRecord, ChangeSummary, Digest, RequestId, StoredVersion, Verdict } from "@redoubt/shared";
import type { Hasher, RecordNumber } from "../core.ts";
import { digestChange, summarize } from "../digests.ts";

/** Where a change was journalled, and by which requests the versions it continues were written. */
export interface ChangePlace {
  readonly number: RecordNumber;
  /** One per write; null where it creates the object, or where the object is not kept here. */
  readonly parents: readonly (RequestId | null)[];
}

export interface ChangeEntry {
  readonly digest: Digest;
  readonly record: ChangeRecord;
  readonly replyDigest: Digest;
  /** C1 of every write. */
  readonly c1s: readonly Digest[];
  /** Undefined for a read-only change. */
  readonly place: ChangePlace | undefined;
  /** Rough size in memory. */
  readonly bytes: number;
  /** Dropped once verified; made again where it is needed. */
  summary: ChangeSummary | undefined;
  status: "undecided" | "verified" | "dropped";
  verdict: Verdict | undefined;
  /** The acceptance test is running; `answer` is owed when it ends. */
  testing: boolean;
  /** A read-only change that the masters are to decide on. */
  escalated: boolean;
}

export function newEntry(
  digest: Digest,
  record: ChangeRecord,
  summary: ChangeSummary,
  place: ChangePlace | undefined = undefined,
): ChangeEntry {
  return {
    digest,
    record,
    place,
    replyDigest: summary.replyDigest,
    c1s: summary.writes.map(({ c1 }) => c1),
    bytes: bytesOfRecord(record),
    summary,
    status: "undecided",
    verdict: undefined,
    testing: false,
    escalated: false,
  };
}

/** The same from a record alone: its digests are computed. */
export function entryOf(hasher: Hasher, record: ChangeRecord, place: ChangePlace | undefined): ChangeEntry {
  const summary = summarize(hasher, record);
  return newEntry(digestChange(hasher, summary), record, summary, place);
}

/** Of a record that was read back from behind the verified head. */
export function verifiedEntry(hasher: Hasher, record: ChangeRecord, place: ChangePlace): ChangeEntry {
  const entry = entryOf(hasher, record, place);
  entry.status = "verified";
  entry.summary = undefined;
  return entry;
}

export const requestIdOf = (entry: ChangeEntry): RequestId => entry.record.ticket.body.requestId;

/** Version that write `index` of the change made. */
export function versionAt(entry: ChangeEntry, index: number): StoredVersion | undefined {
  const write = entry.record.writes[index];
  const c1 = entry.c1s[index];
  if (!write || c1 === undefined) return undefined;
  const { object, number, epoch, parent, bytes } = write;
  return { object, number, epoch, parent, bytes, requestId: requestIdOf(entry), c1 };
}

/** Strings and objects of a record without its values. */
const RECORD_BYTES = 4_096;
const ITEM_BYTES = 512;

function bytesOfRecord({ input, reply, reads, writes, links }: ChangeRecord): number {
  const items = reads.length + writes.length + links.length;
  return writes.reduce(
    (bytes, { bytes: value }) => bytes + value.length,
    RECORD_BYTES + items * ITEM_BYTES + input.length + reply.length,
  );
}

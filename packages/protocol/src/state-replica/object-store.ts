/**
 * Versions of objects. Of the newest verified version of every object all but its value is in a table
 * (`object-table.ts`), so that a change is judged without reading; versions of undecided changes lie over it in memory;
 * hot values are cached, cold ones are asked for by record number. A version is never overwritten: versions of dropped changes only leave the top (I1, I5), into a
 * short list for the administrator. It knows nothing of epochs' rules.
 */
import {
  assert,
  type Digest,
  type RequestId,
  type ServerName,
  type StoredVersion,
  type VersionReference,
  ZERO_DIGEST,
} from "@redoubt/shared";
import type { Hasher, RecordNumber } from "../core.ts";
import { absent, digestText, extendC2, passDigest } from "../digests.ts";
import { type ChangeEntry, versionAt } from "./change-entry.ts";
import { ObjectTable } from "./object-table.ts";
import { RecentlyUsed } from "./recently-used.ts";

export type VersionStatus = "pending" | "verified" | "invalid";

export interface ObjectVersion {
  readonly stored: StoredVersion;
  readonly change: Digest;
  readonly executionServer: ServerName;
  readonly status: VersionStatus;
}

/** Records that are needed and not in memory. Whoever leaves something here has done nothing else. */
export type Needs = Set<RecordNumber>;

/** Undefined: needed records are missing. */
export type Newest = { readonly version: StoredVersion | undefined } | undefined;

interface Pending {
  readonly entry: ChangeEntry;
  readonly stored: StoredVersion;
}

/** Versions of dropped changes remembered, over all objects. */
const DROPPED_VERSIONS_MAX = 1_024;
/** Strings of a version without its value. */
const VERSION_BYTES = 1_024;

export const referenceTo = ({ object, number, epoch, c1 }: StoredVersion): VersionReference => ({
  object,
  number,
  epoch,
  c1,
});

const weightOf = (stored: StoredVersion): number => VERSION_BYTES + stored.bytes.length + stored.object.length;

export class ObjectStore {
  readonly #hasher: Hasher;
  readonly #known: (number: RecordNumber) => ChangeEntry | undefined;
  #table = new ObjectTable();
  /** Newest verified versions of hot objects. */
  readonly #heads: RecentlyUsed<string, StoredVersion>;
  /** Versions of undecided changes, oldest first. */
  readonly #pending = new Map<string, Pending[]>();
  readonly #dropped: ObjectVersion[] = [];

  /** `known` gives the change of a record, if it is in memory. */
  constructor(hasher: Hasher, headBytesMax: number, known: (number: RecordNumber) => ChangeEntry | undefined) {
    this.#hasher = hasher;
    this.#known = known;
    this.#heads = new RecentlyUsed(headBytesMax);
  }

  get table(): ObjectTable {
    return this.#table;
  }

  /** At the start only. */
  restore(table: ObjectTable): void {
    this.#table = table;
  }

  idOf(object: string): Digest {
    return digestText(this.#hasher, "object", object);
  }

  newest(object: string, needs: Needs): Newest {
    const pending = this.#pending.get(object)?.at(-1);
    return pending ? { version: pending.stored } : this.verifiedHead(object, needs);
  }

  /** Newest verified version. */
  verifiedHead(object: string, needs: Needs): Newest {
    const cached = this.#heads.get(object);
    if (cached) return { version: cached };
    const row = this.#table.find(this.idOf(object));
    if (row === undefined) return { version: undefined };
    const record = this.#table.recordOf(row);
    const entry = this.#known(record);
    if (!entry) {
      needs.add(record);
      return undefined;
    }
    const index = entry.record.writes.findIndex((write) => write.object === object);
    const stored = versionAt(entry, index);
    const isNewest = stored?.number === this.#table.versionOf(row) && stored.c1 === this.#table.c1Of(row);
    assert(isNewest, `record ${record} is not the newest version of ${object}`);
    this.#heads.set(object, stored, weightOf(stored));
    return { version: stored };
  }

  /** What a change written now must name as the parent. Nothing has to be read for it. */
  newestReference(object: string): VersionReference {
    const version = this.#pending.get(object)?.at(-1)?.stored ?? this.#heads.get(object);
    if (version) return referenceTo(version);
    const table = this.#table;
    const row = table.find(this.idOf(object));
    if (row === undefined) return absent(object);
    return { object, number: table.versionOf(row), epoch: table.epochOf(row), c1: table.c1Of(row) };
  }

  /** The request that wrote the newest version; undefined where there is none. */
  newestWriter(object: string): RequestId | undefined {
    const version = this.#pending.get(object)?.at(-1)?.stored ?? this.#heads.get(object);
    if (version) return version.requestId;
    const row = this.#table.find(this.idOf(object));
    return row === undefined ? undefined : this.#table.writerOf(row);
  }

  /** Back within the budget. */
  trim(): void {
    this.#heads.trim();
  }

  /** Versions of undecided changes, oldest first. */
  pendingOf(object: string): readonly StoredVersion[] {
    return this.#pending.get(object)?.map(({ stored }) => stored) ?? [];
  }

  /** The version that this change makes lies over the others now. What it continues was checked by whoever accepted it. */
  append(entry: ChangeEntry, index: number): void {
    const stored = versionAt(entry, index);
    assert(stored, "a change has this write");
    const pending = this.#pending.get(stored.object);
    const { object, number, parent } = stored;
    const last = this.newestReference(object);
    assert(number === last.number + 1 && parent.c1 === last.c1, `version ${number} of ${object} is out of turn (I5)`);
    if (pending) pending.push({ entry, stored });
    else this.#pending.set(stored.object, [{ entry, stored }]);
  }

  /** The change's version, the oldest pending one, is the newest verified one now. */
  verify(entry: ChangeEntry, index: number): void {
    const { object } = entry.record.writes[index] ?? {};
    assert(object !== undefined && entry.place, "a journalled change has this write");
    const pending = this.#pending.get(object);
    const first = pending?.shift();
    assert(pending && first?.entry === entry, `version of ${object} is verified out of turn (I5)`);
    if (pending.length === 0) this.#pending.delete(object);
    const { stored } = first;
    const id = this.idOf(object);
    const row = this.#table.find(id);
    const verified = row === undefined ? 0 : this.#table.versionOf(row);
    assert(stored.number === verified + 1, `version ${stored.number} of ${object} follows version ${verified} (I5)`);
    const previous = row === undefined ? ZERO_DIGEST : this.#table.c2Of(row);
    const c2 = extendC2(this.#hasher, previous, stored.c1, passDigest(this.#hasher, entry.digest));
    const { number: version, epoch, c1, requestId: writer } = stored;
    this.#table.set(id, { record: entry.place.number, version, epoch, c1, c2, writer });
    this.#heads.set(object, stored, weightOf(stored));
  }

  /** Takes the newest version away; it must be this change's. */
  drop(object: string, entry: ChangeEntry): void {
    const pending = this.#pending.get(object);
    const last = pending?.pop();
    assert(pending && last?.entry === entry, `only the newest version of ${object} can be dropped (I3)`);
    if (pending.length === 0) this.#pending.delete(object);
    this.#dropped.push(describe(last, "invalid"));
    if (this.#dropped.length > DROPPED_VERSIONS_MAX) this.#dropped.shift();
  }

  /** Versions that are in no chain: pending ones, and dropped ones as far as they are remembered. */
  unverifiedOf(object: string): ObjectVersion[] {
    const pending = (this.#pending.get(object) ?? []).map((version) => describe(version, "pending"));
    return [...pending, ...this.#dropped.filter(({ stored }) => stored.object === object)];
  }

  /** Number and C2 of the newest verified version; undefined where there is none. */
  verifiedC2(
    object: string,
  ): { readonly number: number; readonly c2: Digest; readonly record: RecordNumber } | undefined {
    const row = this.#table.find(this.idOf(object));
    if (row === undefined) return undefined;
    return { number: this.#table.versionOf(row), c2: this.#table.c2Of(row), record: this.#table.recordOf(row) };
  }
}

const describe = ({ entry, stored }: Pending, status: VersionStatus): ObjectVersion => ({
  stored,
  status,
  change: entry.digest,
  executionServer: entry.record.ticket.body.executionServer,
});

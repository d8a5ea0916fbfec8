/**
 * Changes, chains and versions of one member, and the only operations that change them: insert a change at the tips of
 * its clusters, mark it verified, drop it with everything that follows it. What may be inserted is decided elsewhere
 * (`admission.ts` for execution servers' changes, the masters for what the stream names); here a change that does not
 * fit is our own bug and ends the process.
 *
 * Undecided changes are in memory as a whole. Of verified ones only the record number is, by request id, and the lately
 * used ones themselves; the rest is on the disk. Whoever asks for something that is not in memory is told which records
 * to read ({@link Needs}) and asks again when they are here (`record-reads.ts`).
 */
import {
  assert,
  type ChangeRecord,
  type ChangeSummary,
  type Digest,
  type ObjectClusterNumber,
  type RequestId,
} from "@redoubt/shared";
import type { ApplicationPort } from "../application-port.ts";
import type { Hasher, RecordNumber } from "../core.ts";
import { summarize } from "../digests.ts";
import { RecentKeys } from "../recent.ts";
import { type ChangeEntry, requestIdOf, verifiedEntry } from "./change-entry.ts";
import { type ClusterTable, tipOf } from "./clusters.ts";
import { FingerprintTable, hashOfDigest } from "./fingerprint-table.ts";
import { type Needs, ObjectStore } from "./object-store.ts";
import { RecentlyUsed } from "./recently-used.ts";
import type { ReplicaMemory, StateReplicaDurable } from "./types.ts";

/** What the masters decide about undecided changes in a settlement must fit into one message among them. */
const UNDECIDED_SETTLED_BYTES_MAX = 3_600_000;
/** Undecided changes are in memory as a whole. */
const UNDECIDED_BYTES_MAX = 128 * 1024 * 1024;
/** Digests of changes verified lately: what an execution server may still believe to be a tip. */
const VERIFIED_DIGESTS_MAX = 16_384;
const FENCES_MAX = 16_384;

export const DEFAULT_MEMORY: ReplicaMemory = {
  headBytesMax: 48 * 1024 * 1024,
  recordBytesMax: 32 * 1024 * 1024,
};

/** Size of what the masters keep of a change, in the general codec, bytes. */
function estimateSettledBytes({ links, writes }: ChangeRecord): number {
  return writes.reduce((bytes, { object }) => bytes + 210 + object.length, 350 + links.length * 125);
}

/** Rough size of a summary in the general codec, bytes. */
export function estimateSummaryBytes(record: ChangeRecord): number {
  let bytes = 1_000 + record.ticket.body.clusters.length * 120 + record.links.length * 200;
  for (const read of record.reads) bytes += 160 + read.object.length;
  for (const write of record.writes) bytes += 300 + write.object.length;
  return bytes;
}

/** A journal record in memory: a change, or one of the others as it was written. */
export type KnownRecord = ChangeEntry | Exclude<StateReplicaDurable, { readonly kind: "accepted" | "fetched" }>;

const isChange = (record: KnownRecord | undefined): record is ChangeEntry => record !== undefined && "digest" in record;

/** What was put where, so that it is taken away from there whatever the membership is then. */
interface Insertion {
  readonly clusters: readonly ObjectClusterNumber[];
  readonly writes: readonly number[];
}

export class ReplicaStore {
  readonly clusters: ClusterTable;
  readonly objects: ObjectStore;
  /** Records that somebody's work in hand needs (`record-reads.ts`). */
  readonly pinned = new Map<RecordNumber, KnownRecord>();
  readonly #hasher: Hasher;
  readonly #application: Pick<ApplicationPort, "clusterOf">;
  /** Request ids of verified changes, and fenced ones → the records that say so. */
  #requests = new FingerprintTable();
  /** In the order of acceptance. */
  readonly #undecided = new Map<Digest, ChangeEntry>();
  readonly #undecidedByRequest = new Map<RequestId, ChangeEntry>();
  readonly #insertions = new Map<ChangeEntry, Insertion>();
  readonly #recent: RecentlyUsed<RecordNumber, ChangeEntry>;
  readonly #recentByDigest = new Map<Digest, ChangeEntry>();
  readonly #recentByRequest = new Map<RequestId, ChangeEntry>();
  readonly #recentFences = new RecentKeys<RequestId>(FENCES_MAX);
  verifiedDigests = new RecentKeys<Digest>(VERIFIED_DIGESTS_MAX);
  #undecidedSettledBytes = 0;
  #undecidedBytes = 0;

  constructor(
    hasher: Hasher,
    application: Pick<ApplicationPort, "clusterOf">,
    clusters: ClusterTable,
    memory = DEFAULT_MEMORY,
  ) {
    this.#hasher = hasher;
    this.#application = application;
    this.clusters = clusters;
    this.objects = new ObjectStore(hasher, memory.headBytesMax, (number) => {
      const record = this.known(number);
      return isChange(record) ? record : undefined;
    });
    this.#recent = new RecentlyUsed(memory.recordBytesMax, (entry) => {
      this.#recentByDigest.delete(entry.digest);
      this.#recentByRequest.delete(requestIdOf(entry));
    });
  }

  get requests(): FingerprintTable {
    return this.#requests;
  }

  /** At the start only. */
  restoreRequests(requests: FingerprintTable): void {
    this.#requests = requests;
  }

  /** The journal record of this number, if it is in memory. */
  known(number: RecordNumber): KnownRecord | undefined {
    return this.pinned.get(number) ?? this.#recent.get(number);
  }

  /** A record that was read back; undefined when it is none that is looked up by number. */
  adopt(number: RecordNumber, durable: StateReplicaDurable): KnownRecord {
    if (durable.kind !== "accepted" && durable.kind !== "fetched") return durable;
    const known = this.known(number);
    if (isChange(known)) return known;
    const entry = verifiedEntry(this.#hasher, durable.record, { number, parents: durable.parents });
    this.#keep(number, entry);
    return entry;
  }

  /** At the end of a step: caches go back within their budgets. What a step found in memory stays there until then. */
  trim(): void {
    this.#recent.trim();
    this.objects.trim();
  }

  #keep(number: RecordNumber, entry: ChangeEntry): void {
    this.#recentByDigest.set(entry.digest, entry);
    this.#recentByRequest.set(requestIdOf(entry), entry);
    this.#recent.set(number, entry, entry.bytes);
  }

  /** An undecided change, or a verified one that is in memory. */
  get(digest: Digest): ChangeEntry | undefined {
    return this.#undecided.get(digest) ?? this.#recentByDigest.get(digest);
  }

  undecidedOf(digest: Digest): ChangeEntry | undefined {
    return this.#undecided.get(digest);
  }

  undecidedOfRequest(requestId: RequestId): ChangeEntry | undefined {
    return this.#undecidedByRequest.get(requestId);
  }

  /** False also for changes verified long ago. */
  isInChain(digest: Digest): boolean {
    return this.#undecided.has(digest) || this.verifiedDigests.has(digest);
  }

  /** The change journalled for a request id and not dropped. */
  byRequest(requestId: RequestId, needs: Needs): ChangeEntry | undefined {
    const entry = this.#undecidedByRequest.get(requestId) ?? this.#recentByRequest.get(requestId);
    if (entry) return entry;
    const unknown: RecordNumber[] = [];
    for (const number of this.#requests.candidates(hashOfDigest(requestId))) {
      const record = this.known(number);
      if (!record) unknown.push(number);
      else if (isChange(record) && requestIdOf(record) === requestId) return record;
    }
    for (const number of unknown) needs.add(number);
    return undefined;
  }

  /** Journal records that may be the request's, to be read and compared. */
  recordsOf(requestId: RequestId): readonly RecordNumber[] {
    return this.#requests.candidates(hashOfDigest(requestId));
  }

  /** True when the request id is never to be recorded here (docs/PROTOCOL.md §5). */
  isFenced(requestId: RequestId, needs: Needs): boolean {
    if (this.#recentFences.has(requestId)) return true;
    for (const number of this.#requests.candidates(hashOfDigest(requestId))) {
      const record = this.known(number);
      if (!record) needs.add(number);
      else if (!isChange(record) && saysFenced(record, requestId)) return true;
    }
    return false;
  }

  /** `number`: the record that says so. */
  fence(requestId: RequestId, number: RecordNumber): void {
    this.#recentFences.add(requestId);
    this.#requests.add(hashOfDigest(requestId), number);
  }

  undecided(): IterableIterator<ChangeEntry> {
    return this.#undecided.values();
  }

  get undecidedCount(): number {
    return this.#undecided.size;
  }

  get undecidedBytes(): number {
    return this.#undecidedBytes;
  }

  hasRoom(countMax: number): boolean {
    return (
      this.#undecided.size < countMax &&
      this.#undecidedSettledBytes < UNDECIDED_SETTLED_BYTES_MAX &&
      this.#undecidedBytes < UNDECIDED_BYTES_MAX
    );
  }

  summaryOf(entry: ChangeEntry): ChangeSummary {
    return entry.summary ?? summarize(this.#hasher, entry.record);
  }

  keepsObject(object: string): boolean {
    const cluster = this.#application.clusterOf(object);
    return cluster === undefined || this.clusters.isMine(cluster);
  }

  /** Request ids that wrote the versions which a change continues (see {@link ChangeEntry.place}). */
  parentsOf(record: ChangeRecord): (RequestId | null)[] {
    return record.writes.map(({ object, parent }) => {
      if (parent.number === 0 || !this.keepsObject(object)) return null;
      return this.objects.newestWriter(object) ?? null;
    });
  }

  /** Appends the change to the chains of its clusters here, as undecided. */
  insert(entry: ChangeEntry): ChangeEntry {
    const { digest, record } = entry;
    assert(!this.#undecided.has(digest), "a change is inserted once");
    assert(!this.#undecidedByRequest.has(requestIdOf(entry)), "a request id has one record (I4)");
    const clusters = record.links.filter(({ cluster }) => this.clusters.isMine(cluster));
    for (const link of clusters) {
      const state = this.clusters.get(link.cluster);
      assert(link.follows === tipOf(state), `a change follows the tip of cluster ${link.cluster}`);
      state.undecided.push(digest);
    }
    const writes = [...record.writes.keys()].filter((index) => this.keepsObject(record.writes[index]?.object ?? ""));
    for (const index of writes) this.objects.append(entry, index);
    this.#insertions.set(entry, { clusters: clusters.map(({ cluster }) => cluster), writes });
    this.#undecided.set(digest, entry);
    this.#undecidedByRequest.set(requestIdOf(entry), entry);
    this.#undecidedSettledBytes += estimateSettledBytes(record);
    this.#undecidedBytes += entry.bytes;
    return entry;
  }

  /** The masters decided `verified`: the change must be the first undecided one in each of its clusters. */
  verify(entry: ChangeEntry): void {
    assert(entry.status === "undecided" && entry.place, "a change is verified once");
    const { clusters, writes } = this.#forgetUndecided(entry);
    for (const cluster of clusters) {
      const state = this.clusters.get(cluster);
      assert(state.undecided[0] === entry.digest, `verified out of turn in cluster ${cluster} (I5)`);
      state.undecided.shift();
      state.verifiedHead = entry.digest;
    }
    for (const index of writes) this.objects.verify(entry, index);
    entry.status = "verified";
    entry.summary = undefined;
    this.#requests.add(hashOfDigest(requestIdOf(entry)), entry.place.number);
    this.verifiedDigests.add(entry.digest);
    this.#keep(entry.place.number, entry);
  }

  /** Drops these changes and whatever follows them in any cluster; returns all that went, last accepted first. */
  drop(digests: Iterable<Digest>): ChangeEntry[] {
    const doomed = this.#withFollowers(digests);
    if (doomed.size === 0) return [];
    const dropped = [...this.#undecided.values()].filter((entry) => doomed.has(entry.digest)).reverse();
    for (const entry of dropped) {
      const { clusters, writes } = this.#forgetUndecided(entry);
      for (const cluster of clusters) {
        const last = this.clusters.get(cluster).undecided.pop();
        assert(last === entry.digest, "changes are dropped from the tip");
      }
      for (const index of [...writes].reverse()) this.objects.drop(entry.record.writes[index]?.object ?? "", entry);
      entry.status = "dropped";
    }
    return dropped;
  }

  #withFollowers(digests: Iterable<Digest>): Set<Digest> {
    const doomed = new Set<Digest>();
    const work = [...digests];
    for (let digest = work.pop(); digest !== undefined; digest = work.pop()) {
      const entry = this.#undecided.get(digest);
      if (!entry || doomed.has(digest)) continue;
      doomed.add(digest);
      for (const cluster of this.#insertions.get(entry)?.clusters ?? []) {
        const chain = this.clusters.get(cluster).undecided;
        for (const follower of chain.slice(chain.indexOf(digest) + 1)) work.push(follower);
      }
    }
    return doomed;
  }

  #forgetUndecided(entry: ChangeEntry): Insertion {
    const insertion = this.#insertions.get(entry);
    assert(insertion, "an undecided change was inserted");
    this.#insertions.delete(entry);
    this.#undecided.delete(entry.digest);
    this.#undecidedByRequest.delete(requestIdOf(entry));
    this.#undecidedSettledBytes -= estimateSettledBytes(entry.record);
    this.#undecidedBytes -= entry.bytes;
    return insertion;
  }

  /** Undecided changes that touch one of these clusters, in the order of acceptance. */
  undecidedTouching(touches: (cluster: ObjectClusterNumber) => boolean): ChangeEntry[] {
    return [...this.#undecided.values()].filter((entry) => entry.record.links.some((link) => touches(link.cluster)));
  }
}

function saysFenced(record: Exclude<KnownRecord, ChangeEntry>, requestId: RequestId): boolean {
  if (record.kind === "fence") return record.requestId === requestId;
  if (record.kind !== "applied") return false;
  return record.slot.decisions.some((decision) => decision.kind === "closed" && decision.requestId === requestId);
}

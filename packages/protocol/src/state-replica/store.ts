/**
 * Changes, chains and versions of one member, and the only operations that change them: insert a change at the tips of
 * its clusters, mark it verified, drop it with everything that follows it. What may be inserted is decided elsewhere
 * (`admission.ts` for execution servers' changes, the masters for what the stream names); here a change that does not
 * fit is our own bug and ends the process.
 */
import {
  assert,
  type ChangeRecord,
  type ChangeSummary,
  type Digest,
  type ObjectClusterNumber,
  type RequestId,
  type ServerName,
  type Verdict,
} from "@redoubt/shared";
import type { ApplicationPort } from "../application-port.ts";
import type { Hasher } from "../core.ts";
import { summarize } from "../digests.ts";
import { ClusterTable, tipOf } from "./clusters.ts";
import { ObjectStore } from "./object-store.ts";

export interface ChangeEntry {
  readonly digest: Digest;
  readonly record: ChangeRecord;
  readonly replyDigest: Digest;
  /** Dropped once verified; {@link ReplicaStore.summaryOf} makes it again. */
  summary: ChangeSummary | undefined;
  status: "undecided" | "verified";
  verdict: Verdict | undefined;
  /** The acceptance test is running; `answer` is owed when it ends. */
  testing: boolean;
  /** A read-only change that the masters are to decide on. */
  escalated: boolean;
}

export const newEntry = (digest: Digest, record: ChangeRecord, summary: ChangeSummary): ChangeEntry => ({
  digest,
  record,
  summary,
  replyDigest: summary.replyDigest,
  status: "undecided",
  verdict: undefined,
  testing: false,
  escalated: false,
});

export const requestIdOf = (entry: ChangeEntry): RequestId => entry.record.ticket.body.requestId;

/** Undecided changes must fit into one `promised` message of the general codec (settlement lists them all). */
const UNDECIDED_BYTES_MAX = 3_500_000;

/** Rough size of a summary in the general codec, bytes. */
function estimateSummaryBytes(summary: ChangeSummary): number {
  let bytes = 1_000 + summary.ticket.clusters.length * 120 + summary.links.length * 200;
  for (const read of summary.reads) bytes += 160 + read.object.length;
  for (const write of summary.writes) bytes += 300 + write.object.length;
  return bytes;
}

export class ReplicaStore {
  readonly clusters: ClusterTable;
  readonly objects = new ObjectStore();
  readonly #hasher: Hasher;
  readonly #application: ApplicationPort;
  readonly #byDigest = new Map<Digest, ChangeEntry>();
  readonly #byRequest = new Map<RequestId, ChangeEntry>();
  /** In the order of acceptance. */
  readonly #undecided = new Map<Digest, ChangeEntry>();
  #undecidedBytes = 0;

  constructor(hasher: Hasher, application: ApplicationPort, self: ServerName) {
    this.#hasher = hasher;
    this.#application = application;
    this.clusters = new ClusterTable(self);
  }

  get(digest: Digest): ChangeEntry | undefined {
    return this.#byDigest.get(digest);
  }

  byRequest(requestId: RequestId): ChangeEntry | undefined {
    return this.#byRequest.get(requestId);
  }

  undecided(): IterableIterator<ChangeEntry> {
    return this.#undecided.values();
  }

  get undecidedCount(): number {
    return this.#undecided.size;
  }

  hasRoom(countMax: number): boolean {
    return this.#undecided.size < countMax && this.#undecidedBytes < UNDECIDED_BYTES_MAX;
  }

  summaryOf(entry: ChangeEntry): ChangeSummary {
    return entry.summary ?? summarize(this.#hasher, entry.record);
  }

  #mineLinks(record: ChangeRecord) {
    return record.links.filter((link) => this.clusters.isMine(link.cluster));
  }

  keepsObject(object: string): boolean {
    const cluster = this.#application.clusterOf(object);
    return cluster === undefined || this.clusters.isMine(cluster);
  }

  /** Appends the change to the chains of its clusters here, as undecided. */
  insert(digest: Digest, record: ChangeRecord, summary: ChangeSummary): ChangeEntry {
    const { body } = record.ticket;
    assert(!this.#byDigest.has(digest), "a change is inserted once");
    assert(!this.#byRequest.has(body.requestId), "a request id has one record (I4)");
    for (const link of this.#mineLinks(record)) {
      const state = this.clusters.get(link.cluster);
      assert(link.follows === tipOf(state), `a change follows the tip of cluster ${link.cluster}`);
      state.undecided.push(digest);
    }
    for (const [index, write] of record.writes.entries()) {
      if (!this.keepsObject(write.object)) continue;
      const c1 = summary.writes[index]?.c1;
      assert(c1, "a summary lists every write");
      const { object, number, epoch, parent, bytes } = write;
      const stored = { object, number, epoch, parent, bytes, requestId: body.requestId, c1 };
      this.objects.append({ stored, change: digest, executionServer: body.executionServer, status: "pending" });
    }
    const entry = newEntry(digest, record, summary);
    this.#byDigest.set(digest, entry);
    this.#byRequest.set(body.requestId, entry);
    this.#undecided.set(digest, entry);
    this.#undecidedBytes += estimateSummaryBytes(summary);
    return entry;
  }

  /** The masters decided `verified`: the change must be the first undecided one in each of its clusters. */
  verify(entry: ChangeEntry): void {
    assert(entry.status === "undecided", "a change is verified once");
    for (const link of this.#mineLinks(entry.record)) {
      const state = this.clusters.get(link.cluster);
      assert(state.undecided[0] === entry.digest, `verified out of turn in cluster ${link.cluster} (I5)`);
      state.undecided.shift();
      state.verifiedHead = entry.digest;
    }
    for (const { object, number } of entry.record.writes) {
      if (this.keepsObject(object)) this.objects.verify(object, number);
    }
    this.#forgetUndecided(entry);
    entry.status = "verified";
    entry.summary = undefined;
  }

  /** Drops these changes and whatever follows them in any cluster; returns all that went, last accepted first. */
  drop(digests: Iterable<Digest>): ChangeEntry[] {
    const doomed = this.#withFollowers(digests);
    const dropped = [...this.#undecided.values()].filter((entry) => doomed.has(entry.digest)).reverse();
    for (const entry of dropped) {
      for (const link of this.#mineLinks(entry.record)) {
        const last = this.clusters.get(link.cluster).undecided.pop();
        assert(last === entry.digest, "changes are dropped from the tip");
      }
      for (const { object } of [...entry.record.writes].reverse()) {
        if (this.keepsObject(object)) this.objects.drop(object, entry.digest);
      }
      this.#forgetUndecided(entry);
      this.#byDigest.delete(entry.digest);
      this.#byRequest.delete(requestIdOf(entry));
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
      for (const link of this.#mineLinks(entry.record)) {
        const chain = this.clusters.get(link.cluster).undecided;
        for (const follower of chain.slice(chain.indexOf(digest) + 1)) work.push(follower);
      }
    }
    return doomed;
  }

  #forgetUndecided(entry: ChangeEntry): void {
    this.#undecided.delete(entry.digest);
    this.#undecidedBytes -= estimateSummaryBytes(this.summaryOf(entry));
  }

  /** Undecided changes that touch one of these clusters, in the order of acceptance. */
  undecidedTouching(touches: (cluster: ObjectClusterNumber) => boolean): ChangeEntry[] {
    return [...this.#undecided.values()].filter((entry) => entry.record.links.some((link) => touches(link.cluster)));
  }
}

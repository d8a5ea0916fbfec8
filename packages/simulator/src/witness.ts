/**
 * Writes down what can be seen of a cluster from outside while it runs: decisions and rows that masters put out, the bytes
 * on replicas' disks at several moments, and, for every reply that leaves, what was on the disks at that moment. Checkers
 * read the {@link Observation} made of it; this judges nothing.
 */
import { type ApplyEffect, composeReply, digestReply, type Hasher, type VersionRow } from "@redoubt/protocol";
import type { Digest, RegulatorFact, RequestId, ServerName, Slot, SlotDecisions } from "@redoubt/shared";
import type { Accusation, Closing, JournalSnapshot, Rejection, Release, StoredChange } from "./observation.ts";

/** The parts of a host that a witness may look at. */
export interface WitnessedDisk {
  readonly server: ServerName;
  readonly disk: { readonly records: readonly unknown[]; readonly syncedCount: number; readonly generation: number };
}

export class Witness {
  /** Per life of a master ("state-master-1/2"), the rows it put out, in that order. */
  readonly #told = new Map<string, ApplyEffect[]>();
  /** Slot → the row for it that some master put out first. */
  readonly #rows = new Map<Slot, ApplyEffect>();
  readonly releases: Release[] = [];
  readonly rejections: Rejection[] = [];
  readonly closings: Closing[] = [];
  /** What the regulator told of execution servers that were never captured. */
  readonly accusations: Accusation[] = [];
  readonly #discardedFor = new Map<string, string>();
  readonly snapshots: JournalSnapshot[] = [];
  /** Last slot decided when a replica lost its disk: for epochs up to it, it is a faulty member. */
  readonly lostDisks = new Map<ServerName, Slot>();
  #decidedThrough: Slot = 0;
  readonly #closed = new Set<RequestId>();
  readonly #faultsTolerated: number;
  readonly #hasher: Hasher;
  readonly #changesOn: (records: readonly unknown[]) => StoredChange[];
  readonly #replicas: () => readonly WitnessedDisk[];
  readonly #verified = new Set<Digest>();
  /** Per replica: how far its disk has been read, and the changes found, by request. */
  readonly #read = new Map<
    ServerName,
    { through: number; readonly generation: number; readonly changes: Map<RequestId, StoredChange[]> }
  >();
  readonly #byDigest = new Map<Digest, StoredChange>();

  constructor(
    hasher: Hasher,
    changesOn: (records: readonly unknown[]) => StoredChange[],
    replicas: () => readonly WitnessedDisk[],
    faultsTolerated: number,
  ) {
    this.#faultsTolerated = faultsTolerated;
    this.#hasher = hasher;
    this.#changesOn = changesOn;
    this.#replicas = replicas;
  }

  /** The regulator says something of an execution server that was never captured. */
  toldOfInnocent(fact: RegulatorFact): void {
    if (fact.kind === "misbehaviour") this.accusations.push(fact);
    if (fact.kind === "discardServer") this.#discardedFor.set(`${fact.server} ${fact.incarnation}`, fact.detector);
    if (fact.kind !== "serverConvicted") return;
    const { server, incarnation, evidence } = fact;
    // One that crashed or was too slow with a request may be convicted of it: nobody can know better.
    if (this.#discardedFor.get(`${server} ${incarnation}`) !== "acceptance-test") return;
    const component = "execution-server";
    this.accusations.push({ server, component, act: "wrong-result", confirmed: true, detail: evidence });
  }

  masterStarted(life: string): void {
    this.#told.set(life, []);
  }

  applied(life: string, row: ApplyEffect): void {
    this.#told.get(life)?.push(row);
    this.#decidedThrough = Math.max(this.#decidedThrough, row.slot);
    if (!this.#rows.has(row.slot)) this.#rows.set(row.slot, row);
    for (const decision of row.decisions) {
      if (decision.kind === "verified") this.#verified.add(decision.change.digest);
      else if (decision.kind === "closed") this.#noteClosed(decision.requestId);
    }
  }

  /** Per life of a master ("state-master-1/2"), what it applied, in the order it applied it. */
  get decisions(): Map<string, SlotDecisions[]> {
    const complete = [...this.#told].map(([life, told]) => [
      life,
      this.#completed(told).map(({ slot, at, decisions }) => ({ slot, at, decisions })),
    ]);
    return new Map(complete as [string, SlotDecisions[]][]);
  }

  /** Per life of a master, the rows it would have in its database. */
  get versionRows(): Map<string, VersionRow[]> {
    return new Map(
      [...this.#told].map(([life, told]) => [life, this.#completed(told).flatMap(({ rows }) => rows.versions)]),
    );
  }

  /** A life that began with a checkpoint or a snapshot goes on behind rows that others, or earlier lives, put out. */
  #completed(told: readonly ApplyEffect[]): ApplyEffect[] {
    const all: ApplyEffect[] = [];
    for (const row of told) {
      const missing: ApplyEffect[] = [];
      for (let slot = row.previous; slot > (all.at(-1)?.slot ?? 0); ) {
        const known = this.#rows.get(slot);
        if (!known) break;
        missing.unshift(known);
        slot = known.previous;
      }
      all.push(...missing, row);
    }
    return all;
  }

  diskLost(server: ServerName): void {
    this.lostDisks.set(server, this.#decidedThrough);
  }

  #noteClosed(requestId: RequestId): void {
    if (this.#closed.has(requestId)) return;
    this.#closed.add(requestId);
    const fences = (record: unknown): boolean => {
      const { kind, requestId: fenced } = record as { kind: string; requestId?: RequestId };
      return kind === "fence" && fenced === requestId;
    };
    const replicas = this.#replicas().filter(({ disk }) => disk.records.some(fences));
    const fencedBy = new Set(replicas.map(({ server }) => server));
    this.closings.push({ requestId, fencedBy, faultsTolerated: this.#faultsTolerated });
  }

  /** A request that was executed is answered with a definite rejection. */
  rejected(requestId: RequestId, at: number): void {
    this.rejections.push({ requestId, at, closed: this.#closed.has(requestId) });
  }

  /** A reply leaves for a client: what bears it at this moment? */
  released(requestId: RequestId, status: number, bodyText: string, at: number): void {
    const told = digestReply(this.#hasher, composeReply(status, bodyText));
    const bearers = new Map<Digest, Set<ServerName>>();
    for (const { server } of this.#readDisks()) {
      for (const { digest, replyDigest } of this.#changesOf(server, requestId)) {
        if (replyDigest === told) bearers.set(digest, (bearers.get(digest) ?? new Set()).add(server));
      }
    }
    const changes = [...bearers].map(([digest, holders]) => ({
      digest,
      holders,
      verified: this.#verified.has(digest),
      undecidedAncestors: this.#undecidedAncestors(digest),
    }));
    this.releases.push({ requestId, at, changes });
  }

  /** Undecided changes that this one follows, directly or not, with the replicas that hold them. */
  #undecidedAncestors(digest: Digest): { digest: Digest; holders: ReadonlySet<ServerName> }[] {
    const found = new Map<Digest, ReadonlySet<ServerName>>();
    const work = [digest];
    for (let next = work.pop(); next !== undefined; next = work.pop()) {
      for (const { follows } of this.#byDigest.get(next)?.record.links ?? []) {
        if (this.#verified.has(follows) || found.has(follows) || !this.#byDigest.has(follows)) continue;
        found.set(follows, this.#holdersOf(follows));
        work.push(follows);
      }
    }
    return [...found].map(([each, holders]) => ({ digest: each, holders }));
  }

  #holdersOf(digest: Digest): ReadonlySet<ServerName> {
    const requestId = this.#byDigest.get(digest)?.record.ticket.body.requestId;
    if (requestId === undefined) return new Set();
    const holds = ({ server }: WitnessedDisk): boolean =>
      this.#changesOf(server, requestId).some((change) => change.digest === digest);
    return new Set(
      this.#replicas()
        .filter(holds)
        .map(({ server }) => server),
    );
  }

  #changesOf(server: ServerName, requestId: RequestId): readonly StoredChange[] {
    return this.#read.get(server)?.changes.get(requestId) ?? [];
  }

  #readDisks(): readonly WitnessedDisk[] {
    const replicas = this.#replicas();
    for (const { server, disk } of replicas) {
      let read = this.#read.get(server);
      // A shorter disk is another one, or lost its tail: begin again.
      if (!read || disk.generation !== read.generation || disk.records.length < read.through) {
        read = { through: 0, generation: disk.generation, changes: new Map() };
        this.#read.set(server, read);
      }
      for (const change of this.#changesOn(disk.records.slice(read.through))) {
        const { requestId } = change.record.ticket.body;
        read.changes.set(requestId, [...(read.changes.get(requestId) ?? []), change]);
        this.#byDigest.set(change.digest, change);
      }
      read.through = disk.records.length;
    }
    return replicas;
  }

  /** Takes down the bytes of every record that no power cut may take any more. */
  takeSnapshot(): void {
    for (const { server, disk } of this.#replicas()) {
      const texts = disk.records.slice(0, disk.syncedCount).map((record) => JSON.stringify(record));
      this.snapshots.push({ server: disk.generation === 0 ? server : `${server} (${disk.generation})`, texts });
    }
  }
}

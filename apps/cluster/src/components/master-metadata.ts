/**
 * What a state master writes to its own Postgres. Rows are made from the slots the core applied, in slot order, and are
 * the same on every master (PROTOCOL §11). Postgres is off the path: while it is away slots queue here, up to a bound,
 * and the core goes on voting.
 *
 * Rows that are not here (the queue ran over, the core's state came as a snapshot, the database is new or was restored
 * from an old backup) come from the databases of the other masters, in order, before anything newer is written: a
 * database is always complete through its applied slot. The core hears how far it is.
 */
import type { MasterStore, ObjectClusterRow, RetentionRow } from "@redoubt/database";
import type { ApplyEffect } from "@redoubt/protocol";
import type { RowsMessage, ServerName } from "@redoubt/shared";
import type { Logger } from "pino";
import { batchOf, clustersAfter, type SlotRow, unpackSlot } from "./master-rows.ts";
import { RowFetcher } from "./row-fetcher.ts";

const SLOTS_PER_BATCH_MAX = 1024;
/** A few slots wait for company: a transaction costs the same for one as for many. */
const GATHER_SLOTS = 64;
const GATHER_MS = 100;
const RETRY_MS = 500;
/** Versions and decisions that wait; older ones are dropped beyond and come from a peer later. */
const QUEUE_WEIGHT_MAX = 50_000;
const LOOK_MS = 250;
/** Between two parts copied from a peer: at most about 50 MB/s. */
const COPY_PAUSE_MS = 10;

export interface MasterMetadataParts {
  readonly store: () => MasterStore | undefined;
  readonly clusterOf: (object: string) => number;
  readonly log: Logger;
  readonly onFailure: () => void;
  /** Rows through this slot are in the database; undefined while it is away. */
  readonly onApplied: (slot: number | undefined) => void;
  /** Rows up to this slot are not put out by the core: the database has them, or a peer's. */
  readonly rowsAfter: () => number;
  readonly peers: readonly ServerName[];
  readonly askForRows: (peer: ServerName, after: number) => void;
}

const weightOf = ({ decisions, rows }: ApplyEffect): number => decisions.length + rows.versions.length;

const toRetentionRow = (base: NonNullable<RowsMessage["base"]>): RetentionRow => ({
  reducedThrough: BigInt(base.reducedThrough),
  reducedAt: new Date(base.reducedAt),
  chainDigest: base.chainDigest,
});

const pause = (ms: number): Promise<void> => new Promise((resume) => setTimeout(resume, ms).unref());

export class MasterMetadata {
  readonly #parts: MasterMetadataParts;
  readonly #fetcher: RowFetcher;
  #queue: ApplyEffect[] = [];
  #weight = 0;
  #busy = false;
  #closed = false;
  /** Slot through which Postgres is known to be; undefined until asked. */
  #appliedSlot: number | undefined;
  readonly #clusters = new Map<number, ObjectClusterRow>();
  #copied = { rows: 0, bytes: 0, ms: 0 };
  readonly #watch: NodeJS.Timeout;

  constructor(parts: MasterMetadataParts) {
    this.#parts = parts;
    this.#fetcher = new RowFetcher(parts.peers, parts.askForRows);
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
    this.#watch.unref();
  }

  /** Slots waiting for Postgres. */
  get backlog(): number {
    return this.#queue.length;
  }

  /** Something waits that is more urgent than tidying up. */
  get isBehind(): boolean {
    return this.#queue.length > SLOTS_PER_BATCH_MAX || this.appliedSlot < this.#parts.rowsAfter();
  }

  get appliedSlot(): number {
    return this.#appliedSlot ?? 0;
  }

  /** Rows got from other masters' databases since the start. */
  get copied(): { readonly rows: number; readonly bytes: number; readonly ms: number } {
    return this.#copied;
  }

  apply(effect: ApplyEffect): void {
    this.#queue.push(effect);
    this.#weight += weightOf(effect);
    let dropped = 0;
    while (this.#weight > QUEUE_WEIGHT_MAX && dropped < this.#queue.length - 1) {
      this.#weight -= weightOf(this.#queue[dropped++] as ApplyEffect);
    }
    if (dropped > 0) this.#queue.splice(0, dropped);
    this.#look();
  }

  /** An answer of a peer to `askForRows`. */
  rows(from: ServerName, message: RowsMessage): void {
    this.#fetcher.received(from, message);
  }

  /** The database went down, or another took its place: what it holds is asked again. */
  databaseChanged(): void {
    this.#appliedSlot = undefined;
    this.#parts.onApplied(undefined);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#watch);
  }

  #look(): void {
    const isWork = this.#queue.length > 0 || this.appliedSlot < this.#parts.rowsAfter();
    const isNew = this.#appliedSlot === undefined && this.#parts.store() !== undefined;
    if ((isWork || isNew) && !this.#busy && !this.#closed) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    let isMore = true;
    while (isMore && !this.#closed) {
      try {
        const store = this.#parts.store();
        if (!store) throw new Error("Postgres is not there yet");
        await this.#begin(store);
        isMore = await this.#step(store);
      } catch (error) {
        if (this.#closed) break;
        // What it holds when it is back is asked again: it may be a backup of itself.
        this.#appliedSlot = undefined;
        this.#parts.onApplied(undefined);
        const reason = error instanceof Error ? error.message : error;
        this.#parts.log.warn({ error: reason, backlog: this.#queue.length }, "metadata waits for Postgres");
        this.#parts.onFailure();
        await pause(RETRY_MS);
      }
    }
    this.#busy = false;
  }

  /** Of a database that has just been found. */
  async #begin(store: MasterStore): Promise<void> {
    if (this.#appliedSlot !== undefined) return;
    this.#clusters.clear();
    for (const row of await store.clusters()) this.#clusters.set(row.cluster, row);
    this.#tell(Number(await store.appliedSlot()));
  }

  #tell(applied: number): void {
    this.#appliedSlot = applied;
    this.#parts.onApplied(applied);
  }

  /** One transaction; false when nothing is left to do. */
  async #step(store: MasterStore): Promise<boolean> {
    const applied = this.#appliedSlot;
    if (applied === undefined) return true;
    this.#dropThrough(applied);
    // Rows are missing in front of the queue, or there will be none in it for what is missing.
    const missing = this.#queue[0]?.previous ?? this.#parts.rowsAfter();
    if (applied < missing) return this.#copy(store, applied, missing);
    if (this.#queue.length === 0) return false;
    if (this.#queue.length < GATHER_SLOTS) await pause(GATHER_MS);
    const batch = this.#queue.slice(0, SLOTS_PER_BATCH_MAX);
    await this.#write(store, batch);
    this.#dropThrough(this.appliedSlot);
    return this.#queue.length > 0;
  }

  #dropThrough(slot: number): void {
    let count = 0;
    while (this.#queue[count] !== undefined && (this.#queue[count] as ApplyEffect).slot <= slot) {
      this.#weight -= weightOf(this.#queue[count++] as ApplyEffect);
    }
    if (count > 0) this.#queue.splice(0, count);
  }

  async #write(store: MasterStore, slots: readonly SlotRow[], base?: RetentionRow): Promise<void> {
    const clusters = clustersAfter(slots, this.#clusters);
    const batch = batchOf(slots, clusters, this.#parts.clusterOf);
    const afterSlot = BigInt(this.appliedSlot);
    const applied = await store.applySlots({ ...batch, afterSlot, ...(base ? { base } : {}) });
    for (const row of clusters) this.#clusters.set(row.cluster, row);
    this.#tell(Number(applied));
  }

  async #copy(store: MasterStore, after: number, through: number): Promise<boolean> {
    const startedAt = performance.now();
    const message = await this.#fetcher.fetch(after);
    if (this.#closed) return false;
    if (!message || message.rows.length === 0) {
      this.#parts.log.warn({ after, through }, "rows missing in the database: no other master has given them yet");
      await pause(RETRY_MS);
      return true;
    }
    await this.#write(
      store,
      message.rows.map(({ slot, at, payload }) => unpackSlot(slot, at, payload)),
      message.base && toRetentionRow(message.base),
    );
    const bytes = message.rows.reduce((sum, row) => sum + row.payload.length, 0);
    const { copied } = this;
    await pause(COPY_PAUSE_MS);
    this.#copied = {
      rows: copied.rows + message.rows.length,
      bytes: copied.bytes + bytes,
      ms: copied.ms + performance.now() - startedAt,
    };
    if (this.appliedSlot >= through)
      this.#parts.log.info(this.#copied, "the database has all rows again, from other masters");
    return true;
  }
}

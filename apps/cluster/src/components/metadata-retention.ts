/**
 * Keeps a master's database from growing for ever: rows of slots decided longer ago than the window are reduced, a block
 * at a time, with pauses (ADR 0022). Runs beside everything else and gives way: it never holds up the core, waits while
 * rows are to be written, and works for a fifth of the time at most.
 *
 * Time is what the masters decided, measured back from the newest slot: an idle cluster forgets nothing. This master's own
 * clock can only delay, so that one proposer's clock that runs ahead makes nobody forget.
 */
import type { MasterStore, Reduce, SweepPlace } from "@redoubt/database";
import type { Logger } from "pino";
import { reducePayload } from "./reduced-slots.ts";

/** Rows younger than this are whole unless the operator says otherwise: metadataRetentionMs, 0 for all of them. */
export const RETENTION_DEFAULT_MS = 30 * 24 * 60 * 60 * 1000;
/** Nothing to do, or no database. */
const IDLE_MS = 5_000;
/** While more urgent work waits. */
const GIVE_WAY_MS = 250;
const PAUSE_MIN_MS = 20;
/** Pause after a step, in times of what the step took. */
const PAUSE_SHARE = 4;
/** Between two walks over old rows that were left whole. */
const WALK_EVERY_MS = 600_000;

export interface MetadataRetentionParts {
  readonly store: () => Pick<MasterStore, "newestTime" | "reduceOldest" | "reduceSuperseded" | "retention"> | undefined;
  /** 0: everything is kept. */
  readonly windowMs: number;
  readonly isBusy: () => boolean;
  readonly log: Logger;
  /** Milliseconds since 1970, this master's clock. */
  readonly now?: () => number;
  readonly pause?: (ms: number) => Promise<void>;
}

const reduce: Reduce = ({ payload }) => reducePayload(payload);

const sleep = (ms: number): Promise<void> => new Promise((resume) => setTimeout(resume, ms).unref());

export class MetadataRetention {
  readonly #parts: MetadataRetentionParts;
  readonly #now: () => number;
  readonly #pause: (ms: number) => Promise<void>;
  #closed = false;
  #done = { reduced: 0, removed: 0, workMs: 0 };
  #reducedThrough = 0;
  #reducedAt = 0;
  #place: SweepPlace | undefined;
  #walkedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: MetadataRetentionParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#pause = parts.pause ?? sleep;
  }

  /** For health reports. `reducedAt` is in milliseconds since 1970, 0 while everything is kept. */
  counters(): Record<string, number> {
    const { reduced, removed } = this.#done;
    return {
      ...{ retentionMs: this.#parts.windowMs, reducedThrough: this.#reducedThrough, reducedAt: this.#reducedAt },
      ...{ reducedRows: reduced, removedRows: removed },
    };
  }

  start(): void {
    void this.#run();
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      let pauseMs = IDLE_MS;
      try {
        pauseMs = await this.step();
      } catch (error) {
        // The database is away, or another took its place: whoever writes rows looks after that.
        if (!this.#closed)
          this.#parts.log.warn(
            { error: error instanceof Error ? error.message : error },
            "old metadata was not reduced",
          );
      }
      await this.#pause(pauseMs);
    }
  }

  /** One short transaction at most. Returns for how long to do nothing now. */
  async step(): Promise<number> {
    const { isBusy, windowMs } = this.#parts;
    const store = this.#parts.store();
    if (!store) return IDLE_MS;
    if (isBusy()) return GIVE_WAY_MS;
    const startedAt = performance.now();
    const { reducedThrough, reducedAt } = await store.retention();
    this.#reducedThrough = Number(reducedThrough);
    this.#reducedAt = reducedAt.getTime();
    const newest = await store.newestTime();
    if (windowMs === 0 || !newest) return IDLE_MS;
    const before = new Date(Math.min(newest.getTime(), this.#now()) - windowMs);
    const isMore = (await this.#reduceOldest(store, before)) || (await this.#walk(store));
    const tookMs = performance.now() - startedAt;
    this.#done.workMs += tookMs;
    return isMore ? Math.max(PAUSE_MIN_MS, PAUSE_SHARE * tookMs) : IDLE_MS;
  }

  async #reduceOldest(store: NonNullable<ReturnType<MetadataRetentionParts["store"]>>, before: Date): Promise<boolean> {
    const done = await store.reduceOldest(before, reduce);
    if (!done) return false;
    this.#count(done);
    this.#reducedThrough = Number(done.reducedThrough);
    this.#reducedAt = done.reducedAt.getTime();
    return true;
  }

  /** Old rows that held a newest version, and do not any more. */
  async #walk(store: NonNullable<ReturnType<MetadataRetentionParts["store"]>>): Promise<boolean> {
    if (this.#place === undefined && performance.now() < this.#walkedAt + WALK_EVERY_MS) return false;
    const done = await store.reduceSuperseded(reduce, this.#place);
    this.#count(done);
    this.#place = done.next;
    if (this.#place !== undefined) return true;
    this.#walkedAt = performance.now();
    const { reduced, removed, workMs } = this.#done;
    if (reduced + removed > 0) {
      const told = { reduced, removed, workMs: Math.round(workMs), through: this.#reducedThrough };
      this.#parts.log.info(told, "metadata older than the retention window is reduced");
    }
    return false;
  }

  #count({ reduced, removed }: { readonly reduced: number; readonly removed: number }): void {
    this.#done.reduced += reduced;
    this.#done.removed += removed;
  }
}

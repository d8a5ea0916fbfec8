/**
 * The recorder of the console's feed: numbers facts through the database, keeps the newest in memory, tells listeners in
 * order. A fact that arrives while the database is away waits here and comes later, never not at all.
 */
import type { ManagerOpening } from "@redoubt/database";
import { type FeedEvent, type FeedFact, feedEventSchema, type TrafficCounters } from "@redoubt/shared";
import type { Logger } from "pino";
import type { EventFeed } from "../administration/index.ts";
import type { ManagerDatabase } from "./database.ts";

const REMEMBERED_MAX = 4_000;
const BATCH_MAX = 200;
const WAITING_MAX = 50_000;
const KEPT_MAX = 200_000;
const PRUNE_EVERY = 10_000;

interface Waiting {
  readonly facts: readonly FeedFact[];
  readonly sources: readonly (string | undefined)[];
  readonly recorded: (events: FeedEvent[]) => void;
}

export class ManagerFeed implements EventFeed {
  readonly #database: ManagerDatabase;
  readonly #log: Logger;
  readonly #listeners = new Set<(event: FeedEvent) => void>();
  readonly #trafficListeners = new Set<(counters: TrafficCounters) => void>();
  #remembered: FeedEvent[] = [];
  #waiting: Waiting[] = [];
  #isWorking = false;
  #latest = 0;
  #oldest = 1;
  #sincePrune = 0;
  /** What managers before this one recorded last. */
  #recordedBefore: ReadonlySet<string> = new Set();

  constructor(database: ManagerDatabase, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  /** To be called before the feed is served: until then it stands at 0. */
  open({ feed, newestSources }: Pick<ManagerOpening, "feed" | "newestSources">): void {
    this.#latest = Math.max(this.#latest, feed.latest);
    this.#oldest = Math.max(1, feed.oldest);
    this.#recordedBefore = newestSources;
  }

  get latest(): number {
    return this.#latest;
  }

  get oldest(): number {
    return this.#oldest;
  }

  async since(after: number, limit: number): Promise<readonly FeedEvent[]> {
    const first = this.#remembered[0];
    if (after >= this.#latest) return [];
    if (first !== undefined && after + 1 >= first.number) {
      const from = after + 1 - first.number;
      return this.#remembered.slice(from, from + limit);
    }
    return this.#database.answering((store) => store.feed.after(after, limit));
  }

  subscribe(listener: (event: FeedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  subscribeTraffic(listener: (counters: TrafficCounters) => void): () => void {
    this.#trafficListeners.add(listener);
    return () => this.#trafficListeners.delete(listener);
  }

  traffic(counters: TrafficCounters): void {
    for (const listener of this.#trafficListeners) listener(counters);
  }

  /** Resolves with the numbered events when they are durable and were told. */
  record(...facts: FeedFact[]): Promise<FeedEvent[]> {
    return this.#record(facts.map((fact) => ({ fact, source: undefined })));
  }

  /**
   * The same for facts that will be taken in again if this manager is killed before it has noted that they were: the next
   * one leaves out what it finds recorded.
   * @param source names what the facts follow from, always with the same facts
   */
  recordOnce(source: string, ...facts: FeedFact[]): Promise<FeedEvent[]> {
    const named = facts.map((fact, index) => ({ fact, source: `${source} ${index}` }));
    return this.#record(named.filter((each) => !this.#recordedBefore.has(each.source)));
  }

  #record(named: readonly { readonly fact: FeedFact; readonly source: string | undefined }[]): Promise<FeedEvent[]> {
    const fit = named.filter(({ fact }) => this.#isInCatalogue(fact));
    if (fit.length === 0) return Promise.resolve([]);
    return new Promise((recorded) => {
      this.#waiting.push({ facts: fit.map(({ fact }) => fact), sources: fit.map(({ source }) => source), recorded });
      if (this.#waiting.length > WAITING_MAX) {
        this.#log.error("too many events wait for the database; the oldest is dropped");
        this.#waiting.shift()?.recorded([]);
      }
      if (!this.#isWorking) void this.#work();
    });
  }

  /** A fact outside the catalogue is a bug here; it is logged instead of stopping every fact behind it. */
  #isInCatalogue(fact: FeedFact): boolean {
    const parsed = feedEventSchema.safeParse({ ...fact, number: 1, at: new Date().toISOString() });
    if (!parsed.success)
      this.#log.error({ kind: fact.kind, problem: parsed.error.message }, "an event outside the catalogue");
    return parsed.success;
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      const facts = batch.flatMap((waiting) => waiting.facts);
      const sources = batch.flatMap((waiting) => waiting.sources);
      const at = new Date();
      let events: FeedEvent[] = [];
      try {
        events = await this.#database.persistently((store) => store.feed.append(facts, at, sources));
      } catch (error) {
        this.#log.error({ error: error instanceof Error ? error.message : error }, "events could not be recorded");
      }
      this.#tell(events);
      let from = 0;
      for (const waiting of batch) {
        waiting.recorded(events.slice(from, from + waiting.facts.length));
        from += waiting.facts.length;
      }
    }
    this.#isWorking = false;
  }

  #tell(events: readonly FeedEvent[]): void {
    for (const event of events) {
      this.#latest = event.number;
      this.#remembered.push(event);
      if (this.#remembered.length > 2 * REMEMBERED_MAX) this.#remembered = this.#remembered.slice(-REMEMBERED_MAX);
      for (const listener of this.#listeners) listener(event);
    }
    this.#sincePrune += events.length;
    if (this.#sincePrune >= PRUNE_EVERY) void this.#prune();
  }

  async #prune(): Promise<void> {
    this.#sincePrune = 0;
    try {
      await this.#database.persistently((store) => store.feed.prune(KEPT_MAX));
      this.#oldest = Math.max(this.#oldest, this.#latest - KEPT_MAX + 1);
    } catch (error) {
      this.#log.warn({ error: error instanceof Error ? error.message : error }, "old events stay");
    }
  }
}

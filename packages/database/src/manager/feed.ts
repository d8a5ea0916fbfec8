/**
 * The console's feed. Events are numbered 1, 2, 3 … without holes in the order in which they become visible: a reader who
 * asks from the last number it saw misses nothing, however many processes append. Traffic counters are not kept here.
 */
import type { FeedEvent, FeedEventKind, FeedEventOf, FeedFact } from "@redoubt/shared";
import type { FeedEvent as FeedEventRow, PrismaClient } from "../generated/manager/client.ts";
import { lockForTransaction } from "./locks.ts";
import { storableJson } from "./storable.ts";

/** Beside the fields of an event, never shown. */
export const SOURCE = "source:";

/** Oldest and newest kept event; both 0 when there is none. */
export interface FeedRange {
  readonly oldest: number;
  readonly latest: number;
}

export class FeedRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /**
   * Numbers and keeps the facts, in their order; all of them or, on an error, none.
   * @param sources for each fact the name of what it was made of, if it has one: see {@link newestSources}
   */
  async append(
    facts: readonly FeedFact[],
    at: Date,
    sources: readonly (string | undefined)[] = [],
  ): Promise<FeedEvent[]> {
    if (facts.length === 0) return [];
    return this.#client.$transaction(async (transaction) => {
      await lockForTransaction(transaction, "feed");
      const last = await transaction.feedEvent.findFirst({ orderBy: { number: "desc" }, select: { number: true } });
      const first = (last?.number ?? 0n) + 1n;
      const rows = facts.map(({ kind, severity, ...payload }, index) => ({
        number: first + BigInt(index),
        at,
        kind,
        severity,
        payload: storableJson({ ...payload, ...(sources[index] === undefined ? {} : { [SOURCE]: sources[index] }) }),
      }));
      const stored = await transaction.feedEvent.createManyAndReturn({ data: rows });
      return stored.map(toEvent).sort((one, other) => one.number - other.number);
    });
  }

  /** Events with a number greater than `number`, in order. */
  async after(number: number, limit: number): Promise<FeedEvent[]> {
    const rows = await this.#client.feedEvent.findMany({
      where: { number: { gt: BigInt(number) } },
      orderBy: { number: "asc" },
      take: limit,
    });
    return rows.map(toEvent);
  }

  /** The newest events, newest first. */
  async newest(limit: number): Promise<FeedEvent[]> {
    const rows = await this.#client.feedEvent.findMany({ orderBy: { number: "desc" }, take: limit });
    return rows.map(toEvent);
  }

  /** The newest events of one kind, newest first. */
  async newestOf<Kind extends FeedEventKind>(kind: Kind, limit: number): Promise<FeedEventOf<Kind>[]> {
    const rows = await this.#client.feedEvent.findMany({ where: { kind }, orderBy: { number: "desc" }, take: limit });
    return rows.map((row) => toEvent(row) as FeedEventOf<Kind>);
  }

  /** Sources of the newest `limit` events: whoever was killed while it recorded something finds out what it had recorded. */
  async newestSources(limit: number): Promise<Set<string>> {
    const rows = await this.#client.feedEvent.findMany({
      orderBy: { number: "desc" },
      take: limit,
      select: { payload: true },
    });
    const sources = rows.map(({ payload }) => (payload as Record<string, unknown>)[SOURCE]);
    return new Set(sources.filter((source) => typeof source === "string"));
  }

  async range(): Promise<FeedRange> {
    const { _min, _max } = await this.#client.feedEvent.aggregate({ _min: { number: true }, _max: { number: true } });
    return { oldest: Number(_min.number ?? 0n), latest: Number(_max.number ?? 0n) };
  }

  /** Forgets all but the newest `keep` events (at least one, which holds the numbering). Returns how many. */
  async prune(keep: number): Promise<number> {
    const { latest } = await this.range();
    const { count } = await this.#client.feedEvent.deleteMany({
      where: { number: { lte: BigInt(latest - Math.max(keep, 1)) } },
    });
    return count;
  }
}

/** Only `append` writes rows, from typed facts: their shape is known. */
function toEvent({ number, at, kind, severity, payload }: FeedEventRow): FeedEvent {
  const { [SOURCE]: _source, ...facts } = payload as Record<string, unknown>;
  return { ...facts, number: Number(number), at: at.toISOString(), kind, severity } as FeedEvent;
}

/** The regulator's counters as the console shows them: totals and rates on the edges of Figure 1, depths of the logs. Never kept. */
import { type TrafficCounters, trafficEndSchema } from "@redoubt/shared";
import type { ManagerFeed } from "./feed.ts";

const INTERVAL_MS = 1_000;
/** Counters older than this say nothing about now: the regulator sends none while nothing happens. */
const FRESH_MS = 2_500;

interface Sample {
  readonly at: number;
  readonly counters: Readonly<Record<string, number>>;
}

const EMPTY: Sample = { at: 0, counters: {} };

export class TrafficView {
  readonly #timer: NodeJS.Timeout;
  #newest: Sample = EMPTY;
  #previous: Sample = EMPTY;
  #logs = { L1: 0, L2: 0, L3: 0 };

  constructor(feed: ManagerFeed) {
    this.#timer = setInterval(() => feed.traffic(this.current), INTERVAL_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  take(counters: Readonly<Record<string, number>>): void {
    this.#previous = this.#newest;
    this.#newest = { at: Date.now(), counters };
    const { L1, L2, L3 } = this.#logs;
    this.#logs = {
      L1: counters["log.L1"] ?? L1,
      L2: counters["log.L2"] ?? L2,
      L3: counters["log.L3"] ?? L3,
    };
  }

  takeLogs(counts: { readonly L1: number; readonly L2: number; readonly L3: number }): void {
    this.#logs = { ...counts };
  }

  get logs(): { L1: number; L2: number; L3: number } {
    return { ...this.#logs };
  }

  get current(): TrafficCounters {
    const now = Date.now();
    const { counters, at } = this.#newest;
    const isFresh = now - at < FRESH_MS;
    const p50 = counters["latency.p50Ms"];
    const p99 = counters["latency.p99Ms"];
    return {
      at: new Date(now).toISOString(),
      edges: Object.entries(counters).flatMap(([name, total]) => {
        const [, from, to] = /^edge\.([^.]+)\.([^.]+)$/.exec(name) ?? [];
        const ends = [trafficEndSchema.safeParse(from), trafficEndSchema.safeParse(to)] as const;
        if (!ends[0].success || !ends[1].success) return [];
        return [{ from: ends[0].data, to: ends[1].data, total, ratePerSecond: isFresh ? this.#rate(name) : 0 }];
      }),
      logs: this.logs,
      oldestPendingMs: this.#logs.L3 > 0 ? (counters.oldestPendingMs ?? 0) + (now - at) : null,
      requestsPerSecond: isFresh ? this.#rate("released") : 0,
      latencyMs: isFresh && p50 !== undefined && p99 !== undefined ? { p50, p99 } : null,
    };
  }

  #rate(name: string): number {
    const seconds = (this.#newest.at - this.#previous.at) / 1000;
    const difference = (this.#newest.counters[name] ?? 0) - (this.#previous.counters[name] ?? 0);
    // A regulator that started again counts from 0.
    return this.#previous.at === 0 || seconds <= 0 || difference < 0 ? 0 : difference / Math.max(seconds, 1);
  }
}

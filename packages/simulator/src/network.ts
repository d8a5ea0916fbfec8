/**
 * The faulty network: loss, duplication, reordering (through random delays), slow links, one-way and two-way
 * partitions. It decides only *when and how often* a message arrives; the world delivers it. Faults are counted, so that
 * a run can prove it was not a fair-weather run.
 */
import type { SeededRandom } from "./random.ts";

export type FaultCounts = Record<string, number>;

export interface NetworkFaults {
  readonly loss: number;
  readonly duplication: number;
  /** Probability that a message is held back for a while, so that later ones overtake it. */
  readonly reordering: number;
  readonly delayMs: number;
}

export const CALM: NetworkFaults = { loss: 0, duplication: 0, reordering: 0, delayMs: 0.2 };

export class Network {
  faults: NetworkFaults = CALM;
  /** Ordered pairs "from>to" that cannot talk. */
  readonly #cut = new Set<string>();
  readonly #random: SeededRandom;
  readonly #counts: FaultCounts;
  /** Last arrival per link: without a reordering fault, links are first in, first out, as TCP is. */
  readonly #lastArrival = new Map<string, number>();

  constructor(random: SeededRandom, counts: FaultCounts) {
    this.#random = random;
    this.#counts = counts;
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
    this.faults = CALM;
  }

  /** Times at which a message sent now arrives: none (lost), one, or two (duplicated). */
  arrivals(from: string, to: string, now: number): number[] {
    const link = `${from}>${to}`;
    if (this.#cut.has(link)) return [];
    const random = this.#random;
    if (random.chance(this.faults.loss)) {
      this.#count("loss");
      return [];
    }
    const arrival = now + this.faults.delayMs * random.between(0.5, 1.5);
    if (random.chance(this.faults.reordering)) {
      this.#count("reordering");
      return [arrival + random.between(0, 40)];
    }
    const inOrder = Math.max(arrival, this.#lastArrival.get(link) ?? 0);
    this.#lastArrival.set(link, inOrder);
    if (!random.chance(this.faults.duplication)) return [inOrder];
    this.#count("duplication");
    return [inOrder, inOrder + random.between(0, 60)];
  }

  #count(kind: string): void {
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
  }
}

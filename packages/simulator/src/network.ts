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

const nameOf = (from: string, to: string): string => `${from}>${to}`;

export class Network {
  faults: NetworkFaults = CALM;
  /** How many faults at this moment cut each ordered pair. */
  readonly #cuts = new Map<string, number>();
  /** Kinds of messages that are lost on every link, by how many faults. */
  readonly #lost = new Map<string, number>();
  readonly #random: SeededRandom;
  readonly #counts: FaultCounts;
  /** Last arrival per link: without a reordering fault, links are first in, first out, as TCP is. */
  readonly #lastArrival = new Map<string, number>();

  constructor(random: SeededRandom, counts: FaultCounts) {
    this.#random = random;
    this.#counts = counts;
  }

  cut(from: string, to: string): void {
    const link = nameOf(from, to);
    this.#cuts.set(link, (this.#cuts.get(link) ?? 0) + 1);
  }

  /** Takes one {@link cut} back. */
  mend(from: string, to: string): void {
    const link = nameOf(from, to);
    const left = (this.#cuts.get(link) ?? 0) - 1;
    if (left > 0) this.#cuts.set(link, left);
    else this.#cuts.delete(link);
  }

  /** Messages of this kind are lost until the function returned is called: a network may choose what it loses. */
  lose(kind: string): () => void {
    this.#lost.set(kind, (this.#lost.get(kind) ?? 0) + 1);
    return () => void this.#lost.set(kind, Math.max(0, (this.#lost.get(kind) ?? 0) - 1));
  }

  loses(kind: string): boolean {
    const isLost = (this.#lost.get(kind) ?? 0) > 0;
    if (isLost) this.#count("chosenLosses");
    return isLost;
  }

  heal(): void {
    this.#cuts.clear();
    this.#lost.clear();
    this.faults = CALM;
  }

  /** Times at which a message sent now arrives: none (lost), one, or two (duplicated). */
  arrivals(from: string, to: string, now: number): number[] {
    const link = nameOf(from, to);
    if (this.#cuts.has(link)) {
      this.#count("cutOff");
      return [];
    }
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

/** The clock of a world: it jumps from event to event. A run that does not come to rest is ended after so many events. */
import { EventQueue } from "./event-queue.ts";

/** A run of a seed has some ten thousand events; beyond this somebody asks and answers for ever. */
const EVENTS_MAX = 400_000;

export class VirtualTime {
  /** Milliseconds since the world began. */
  now = 0;
  events = 0;
  readonly #queue = new EventQueue<() => void>();

  get isExhausted(): boolean {
    return this.events >= EVENTS_MAX;
  }

  at(time: number, run: () => void): void {
    this.#queue.put(Math.max(time, this.now), run);
  }

  later(delayMs: number, run: () => void): void {
    this.#queue.put(this.now + delayMs, run);
  }

  /** Runs until `limit`, or until `done` says so, or until nothing is left to happen. */
  runUntil(limit: number, done: () => boolean): void {
    while (!done() && !this.isExhausted) {
      const next = this.#queue.take();
      if (!next) return;
      if (next.at > limit) {
        this.#queue.put(next.at, next.event);
        this.now = limit;
        return;
      }
      this.now = next.at;
      this.events += 1;
      next.event();
    }
  }
}

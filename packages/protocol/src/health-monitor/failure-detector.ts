/**
 * Whether somebody who should be heard from regularly is alive (paper §3.6, REQUIREMENTS R90). A verdict is a pure function
 * of how long it has been silent; nothing here acts on it, and no safety rule rests on it.
 *
 * Silence is measured on the observer's own clock, which stands still while the observer itself does: a process that was
 * frozen or starved for ten seconds has not heard anybody, and that says nothing about the others.
 */

export type Liveness = "up" | "suspect" | "down";

/** Periods that may be missed before somebody is suspected, and before it counts as down. */
export const SUSPECT_AFTER_PERIODS = 3;
export const DOWN_AFTER_PERIODS = 6;

export function livenessAfter(silentMs: number, periodMs: number): Liveness {
  if (silentMs < SUSPECT_AFTER_PERIODS * periodMs) return "up";
  return silentMs < DOWN_AFTER_PERIODS * periodMs ? "suspect" : "down";
}

/** A later beat of the observer than this many intervals is the observer's own standstill. */
const LATE_INTERVALS = 2;

export class ObserverClock {
  readonly #intervalMs: number;
  #lastBeatMs: number | undefined;
  #stoodStillMs = 0;

  /** @param intervalMs how often `beat` is called when all is well */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** To be called at every interval with the monotonic time; returns the time on this clock. */
  beat(nowMs: number): number {
    const last = this.#lastBeatMs ?? nowMs;
    const elapsed = nowMs - last;
    if (elapsed > LATE_INTERVALS * this.#intervalMs) this.#stoodStillMs += elapsed - this.#intervalMs;
    this.#lastBeatMs = nowMs;
    return nowMs - this.#stoodStillMs;
  }

  /** The time on this clock between two beats. */
  at(nowMs: number): number {
    const last = this.#lastBeatMs ?? nowMs;
    return Math.min(nowMs, last + LATE_INTERVALS * this.#intervalMs) - this.#stoodStillMs;
  }
}

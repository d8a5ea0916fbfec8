/**
 * When is a request malformed rather than its servers faulty (ADR 0004)? When it failed in the same way on three distinct
 * processes. A process that was killed, or did not get its message, must not count together with two that lie; so that a
 * request cannot go on failing in ever new ways, five of any kind are enough too.
 */
import type { ExecutionFailedMessage } from "@redoubt/shared";
import type { Detector } from "./attribution.ts";

/** Attempts on distinct processes without a guilty one, until the request is regarded as malformed (paper §3.2). */
export const STRIKES_MAX = 3;
export const STRIKES_OF_ALL_KINDS_MAX = 5;

/** Process (`server incarnation`) → the way in which the request failed there. */
export type Strikes = Map<string, string>;

/** Of what an execution server says: too long and too much computed are one way of failing, since either may come first. */
export const detectorOf = (reason: ExecutionFailedMessage["reason"]): "deadline" | "crash" =>
  reason === "timeout" || reason === "cpu" ? "deadline" : "crash";

export const strikeKind = (detector: Detector, check: string): string =>
  detector === "crash" && check !== "process-gone" ? check : detector;

export function isStruckOut(strikes: ReadonlyMap<string, string>): boolean {
  if (strikes.size >= STRIKES_OF_ALL_KINDS_MAX) return true;
  const counts = new Map<string, number>();
  for (const kind of strikes.values()) {
    const count = (counts.get(kind) ?? 0) + 1;
    if (count >= STRIKES_MAX) return true;
    counts.set(kind, count);
  }
  return false;
}

/**
 * An intruder that changes its ways: of the behaviours it has, some are at work for a while, then others, or none. Changes of
 * mind come in the middle of a multicast, too: then members were told a change by one behaviour and by another.
 */
import type { Random } from "@redoubt/protocol";
import type { Adversary } from "./adversary.ts";

/** Messages and results between two changes of mind, at most. */
const STRETCH_MAX = 160;
/** Share of the behaviours that is at work at a time. */
const SHARE = 0.6;

/** For `together`: whether a part is at work now. Asked once or more for every message, which is what time is counted in. */
export function shifting(parts: readonly Adversary[], random: Random): (part: Adversary) => boolean {
  let left = 0;
  let active: ReadonlySet<Adversary> = new Set();
  return (part) => {
    if (left-- <= 0) {
      left = 1 + Math.floor(random() * STRETCH_MAX * parts.length);
      active = new Set(parts.filter(() => random() < SHARE));
    }
    return active.has(part);
  };
}

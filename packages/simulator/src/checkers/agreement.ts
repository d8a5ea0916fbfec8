/** I8: all masters decide the same commands for the same slot. Seen from outside: their decision streams agree. */
import type { Checker, Violation } from "../observation.ts";

export const checkAgreement: Checker = ({ decisions }) => {
  const violations: Violation[] = [];
  const bySlot = new Map<number, { text: string; master: string }>();
  for (const [master, stream] of decisions) {
    let previous = 0;
    for (const slot of stream) {
      if (slot.slot <= previous)
        violations.push({ invariant: "I8", detail: `${master} applied slot ${slot.slot} after ${previous}` });
      previous = slot.slot;
      const text = JSON.stringify(slot.decisions);
      const other = bySlot.get(slot.slot);
      if (!other) bySlot.set(slot.slot, { text, master });
      else if (other.text !== text) {
        violations.push({
          invariant: "I8",
          detail: `slot ${slot.slot}: ${master} and ${other.master} decided differently`,
        });
      }
    }
  }
  return violations;
};

/** I1: what is on a disk stays there, byte for byte: every earlier state of a journal is the beginning of every later one. */
import type { Checker, Violation } from "../observation.ts";

export const checkAppendOnly: Checker = ({ snapshots }) => {
  const violations: Violation[] = [];
  const earlier = new Map<string, readonly string[]>();
  for (const { server, texts } of snapshots) {
    const before = earlier.get(server) ?? [];
    const changed = before.findIndex((text, record) => texts[record] !== text);
    if (changed >= 0) {
      const what = changed < texts.length ? "is another one now" : "is gone";
      violations.push({ invariant: "I1", detail: `${server}: record ${changed} of its journal ${what}` });
    }
    earlier.set(server, texts);
  }
  return violations;
};

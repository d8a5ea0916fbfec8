/**
 * C1 and C2 from scratch (docs/PROTOCOL.md §1): the verified chain of every object is computed again from the bytes on the
 * disks, and every row that any master put out for its database has to say the same.
 */
import { computeC1, extendC2, passDigest } from "@redoubt/protocol";
import { type Digest, ZERO_DIGEST } from "@redoubt/shared";
import { type Checker, type Observation, type Violation, verifiedChanges } from "../observation.ts";

interface Checksums {
  readonly c1: Digest;
  readonly c2: Digest;
}

/** By "object#number". */
function computeChains(observation: Observation): Map<string, Checksums> {
  const { hasher } = observation;
  const chains = new Map<string, Checksums>();
  const heads = new Map<string, Digest>();
  for (const { digest, requestId, record } of verifiedChanges(observation)) {
    const verdict = passDigest(hasher, digest);
    for (const write of record?.writes ?? []) {
      const c1 = computeC1(hasher, write, requestId);
      const c2 = extendC2(hasher, heads.get(write.object) ?? ZERO_DIGEST, c1, verdict);
      heads.set(write.object, c2);
      chains.set(`${write.object}#${write.number}`, { c1, c2 });
    }
  }
  return chains;
}

export const checkC2: Checker = (observation) => {
  const violations: Violation[] = [];
  const chains = computeChains(observation);
  for (const [master, rows] of observation.versionRows) {
    for (const { object, number, c1, c2 } of rows) {
      const right = chains.get(`${object}#${number}`);
      const wrong = right?.c1 !== c1 ? "C1" : right.c2 !== c2 ? "C2" : undefined;
      if (wrong) violations.push({ invariant: "I5", detail: `${master}: ${wrong} of ${object} ${number} is wrong` });
    }
  }
  return violations;
};

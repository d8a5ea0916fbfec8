/**
 * I5, I7, I9 from decisions and the bytes on the disks: verified versions form one chain per object, a (number, epoch) is
 * never used twice for verified versions, what was void stays void, and every correct replica ends up with the same ones.
 */
import type { ChangeRecord } from "@redoubt/shared";
import { type Checker, type Observation, type Violation, verifiedChanges } from "../observation.ts";

export const checkVersions: Checker = (observation) => [
  ...checkChains(observation),
  ...checkEpochs(observation),
  ...checkDead(observation),
];

function checkChains(observation: Observation): Violation[] {
  const violations: Violation[] = [];
  const heads = new Map<string, { number: number; epoch: number }>();
  const used = new Set<string>();
  for (const { digest, record } of verifiedChanges(observation)) {
    if (!record) {
      violations.push({ invariant: "I3", detail: `verified change ${digest} is on no disk` });
      continue;
    }
    for (const write of record.writes) {
      const head = heads.get(write.object) ?? { number: 0, epoch: 0 };
      if (
        write.parent.number !== head.number ||
        write.parent.epoch !== head.epoch ||
        write.number !== head.number + 1
      ) {
        violations.push({
          invariant: "I5",
          detail: `${write.object} version ${write.number} (epoch ${write.epoch}) does not follow ${head.number} (epoch ${head.epoch})`,
        });
      }
      const name = `${write.object}#${write.number}@${write.epoch}`;
      if (used.has(name)) violations.push({ invariant: "I5", detail: `${name} was verified twice` });
      used.add(name);
      heads.set(write.object, { number: write.number, epoch: write.epoch });
    }
  }
  return violations;
}

/** I7: what is verified was named in the epoch in force, or listed as survivor by every settlement since. */
function checkEpochs(observation: Observation): Violation[] {
  const violations: Violation[] = [];
  const records = new Map<string, ChangeRecord>();
  for (const changes of observation.stored.values())
    for (const { digest, record } of changes) records.set(digest, record);
  for (const [master, stream] of observation.decisions) {
    const settled = new Map<number, { epoch: number; survivors: ReadonlySet<string> }[]>();
    for (const { decisions } of stream) {
      for (const decision of decisions) {
        if (decision.kind === "settled") {
          const survivors = new Set<string>(decision.survivors.map((survivor) => survivor.digest));
          for (const range of decision.clusters) {
            for (let cluster = range.from; cluster <= range.to; cluster++) {
              const list = settled.get(cluster) ?? [];
              list.push({ epoch: decision.epoch, survivors });
              settled.set(cluster, list);
            }
          }
        }
        if (decision.kind !== "verified") continue;
        for (const link of records.get(decision.change.digest)?.links ?? []) {
          const history = settled.get(link.cluster) ?? [];
          if (!history.some((settlement) => settlement.epoch === link.epoch)) {
            violations.push({
              invariant: "I7",
              detail: `${master}: ${decision.change.digest} verified before epoch ${link.epoch} was settled`,
            });
          }
          if (history.some((later) => later.epoch > link.epoch && !later.survivors.has(decision.change.digest))) {
            violations.push({
              invariant: "I7",
              detail: `${master}: ${decision.change.digest} of epoch ${link.epoch} verified though settled past`,
            });
          }
        }
      }
    }
  }
  return violations;
}

/** I9, I3: what a settlement named as void, or an epoch as invalid, is never verified afterwards, nor void after that. */
function checkDead({ decisions }: Observation): Violation[] {
  const violations: Violation[] = [];
  for (const [master, stream] of decisions) {
    const dead = new Set<string>();
    const verified = new Set<string>();
    for (const decision of stream.flatMap((slot) => slot.decisions)) {
      if (decision.kind === "settled") {
        for (const { digest } of decision.voided) {
          dead.add(digest);
          if (verified.has(digest))
            violations.push({ invariant: "I3", detail: `${master}: ${digest} verified, then void` });
        }
      } else if (decision.kind === "verified") {
        verified.add(decision.change.digest);
        if (dead.has(decision.change.digest))
          violations.push({ invariant: "I9", detail: `${master}: ${decision.change.digest} void, then verified` });
      }
    }
  }
  return violations;
}

/** After healing: every correct replica has every verified change on its disk (I3, I5). */
export const checkConvergence: Checker = (observation) => {
  const violations: Violation[] = [];
  const verified = verifiedChanges(observation).map((change) => change.digest);
  for (const [replica, changes] of observation.stored) {
    if (observation.faultyReplicas.has(replica)) continue;
    const held = new Set<string>(changes.map((change) => change.digest));
    const missing = verified.filter((digest) => !held.has(digest));
    if (missing.length > 0) {
      violations.push({
        invariant: "liveness",
        detail: `${replica} lacks ${missing.length} verified changes, first ${missing[0]}`,
      });
    }
  }
  return violations;
};

/**
 * Never two holders of one object cluster (REQUIREMENTS R74): what is verified came from the holder of the epoch it names,
 * and no correct replica accepts a change of an epoch once it has accepted one of a newer epoch of the same cluster.
 */
import type { ServerName } from "@redoubt/shared";
import { type Checker, type Observation, type Violation, verifiedChanges } from "../observation.ts";

export const checkEpochExclusion: Checker = (observation) => [
  ...checkHolders(observation),
  ...checkOrderOnDisks(observation),
];

function holdersOf({ decisions }: Observation): Map<number, ServerName> {
  const holders = new Map<number, ServerName>();
  for (const stream of decisions.values()) {
    for (const decision of stream.flatMap((slot) => slot.decisions))
      if (decision.kind === "epochOpened") holders.set(decision.epoch, decision.holder);
  }
  return holders;
}

function checkHolders(observation: Observation): Violation[] {
  const violations: Violation[] = [];
  const holders = holdersOf(observation);
  for (const { digest, record } of verifiedChanges(observation)) {
    if (!record) continue;
    const { executionServer } = record.ticket.body;
    for (const { cluster, epoch } of record.links) {
      if (holders.get(epoch) === executionServer) continue;
      const detail = `${digest} by ${executionServer} is verified in epoch ${epoch} of cluster ${cluster}, which ${holders.get(epoch)} held`;
      violations.push({ invariant: "I7", detail });
    }
  }
  return violations;
}

function checkOrderOnDisks({ stored, faultyReplicas }: Observation): Violation[] {
  const violations: Violation[] = [];
  for (const [replica, changes] of stored) {
    if (faultyReplicas.has(replica)) continue;
    const newest = new Map<number, number>();
    for (const { digest, record, how } of changes) {
      if (how === "fetched") continue;
      for (const { cluster, epoch } of record.links) {
        const before = newest.get(cluster) ?? 0;
        if (epoch < before)
          violations.push({
            invariant: "I7",
            detail: `${replica} accepted ${digest} in epoch ${epoch} of cluster ${cluster} after one of epoch ${before}`,
          });
        newest.set(cluster, Math.max(before, epoch));
      }
    }
  }
  return violations;
}

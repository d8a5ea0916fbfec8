/**
 * One master after the other loses its journal and comes back with a new one, in the middle of elections: what it promised
 * and accepted is gone, and it must not vote before it has learned everything.
 */
import type { FaultEvent } from "../faults.ts";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const WIPES = 3;
const APART_MS = 1_150;

export function wipedMasters(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("wiped masters");
  const events = Array.from({ length: WIPES }, (_, index): FaultEvent[] => {
    const atMs = 450 + index * APART_MS + random.between(0, 100);
    const server = `state-master-${1 + random.below(3)}`;
    const other = `state-master-${1 + random.below(3)}`;
    return [
      { kind: "wipe", server, atMs, lastsMs: random.between(1, 60) },
      { kind: "partition", side: [other], oneWay: false, atMs: atMs - 30, lastsMs: random.between(20, 300) },
    ];
  }).flat();
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", masters: 3 },
    clients: Array.from({ length: 5 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 50, attacks: [] })),
    faults: { network: { loss: 0.01, duplication: 0.01, reordering: 0.02, delayMs: 0.5 }, events },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}

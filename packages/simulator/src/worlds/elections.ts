/** Masters crash, lose power and are parted from each other all the time, over a bad network: one election after the other. */

import type { FaultEvent } from "../faults.ts";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const MASTERS = ["state-master-1", "state-master-2", "state-master-3"];
const EVENTS = 24;
const APART_MS = 140;

export function elections(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("elections");
  const events = Array.from({ length: EVENTS }, (_, index): FaultEvent => {
    const when = { atMs: 300 + index * APART_MS + random.between(0, APART_MS), lastsMs: random.between(5, 250) };
    const draw = random();
    if (draw < 0.3) return { ...when, kind: "leaderCrash" };
    if (draw < 0.5) return { ...when, kind: "powerCut", servers: MASTERS.filter(() => random.chance(0.6)) };
    if (draw < 0.65)
      return {
        ...when,
        kind: "crashAtEffect",
        server: random.pick(MASTERS),
        only: undefined,
        effects: random.below(9),
      };
    if (draw < 0.9) return { ...when, kind: "partition", side: [random.pick(MASTERS)], oneWay: random.chance(0.5) };
    return { ...when, kind: "freeze", server: random.pick(MASTERS) };
  });
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", masters: 3 },
    clients: Array.from({ length: 5 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 40, attacks: [] })),
    faults: { network: { loss: 0.05, duplication: 0.05, reordering: 0.1, delayMs: 1 }, events },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}

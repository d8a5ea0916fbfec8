/** A world in which the manager wants more members for a while. */
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

/** Three members become five and three again, under load, with a replica down for a while in between. */
export function growsAndShrinks(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("growth");
  const at = (atMs: number) => ({ atMs: atMs + random.between(0, 200), lastsMs: random.between(10, 200) });
  return {
    ...plan,
    shape: { ...plan.shape, faultsTolerated: 2, replicas: 5, wantedMembers: 3 },
    clients: Array.from({ length: 5 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 90, attacks: [] })),
    faults: {
      network: { loss: 0.01, duplication: 0.01, reordering: 0.02, delayMs: 0.5 },
      events: [
        { kind: "memberOrder", members: 5, ...at(500) },
        { kind: "crash", servers: [`state-replica-${1 + random.below(5)}`], ...at(1_200) },
        { kind: "memberOrder", members: 3, ...at(2_800) },
      ],
    },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
  };
}

/** Malformed requests by the dozen: each ends closed, while masters hear replicas badly and late. */
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const ATTACKERS = 6;

export function closings(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("closings");
  const honest = Array.from({ length: 3 }, (_, index) => ({
    name: `honest-${index + 1}`,
    operations: 20,
    attacks: [],
  }));
  const attackers = Array.from({ length: ATTACKERS }, (_, index) => ({
    name: `attacker-${index + 1}`,
    operations: 1,
    attacks: ["plunder" as const],
  }));
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3, executionServers: 4 },
    clients: [...honest, ...attackers],
    faults: { network: { loss: 0.1, duplication: 0.02, reordering: 0.2, delayMs: random.between(1, 6) }, events: [] },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}

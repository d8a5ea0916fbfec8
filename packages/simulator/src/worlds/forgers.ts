/** Every execution server forges tickets and request ids in most of its lives, and one replica lets them know every genuine one. */
import { COLLUDING_REPLICAS, forgingAdversaries, type SeededAdversaryFactory } from "@redoubt/adversary";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const ACCOMPLICE = "state-replica-2";
const LIVES_HONEST = 4;

export function forged(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("forgers");
  const chosen = new Map<string, readonly SeededAdversaryFactory[]>();
  return {
    ...plan,
    shape: { ...plan.shape, faultsTolerated: 1, replicas: 3 },
    clients: Array.from({ length: 5 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 30, attacks: [] })),
    behavioursOf: (server, life) => {
      if (server === ACCOMPLICE) return COLLUDING_REPLICAS.slice(0, 1);
      if (!server.startsWith("execution-server") || life % LIVES_HONEST === 0) return [];
      const process = `${server}/${life}`;
      const behaviours = chosen.get(process) ?? [random.pick(forgingAdversaries(server))];
      chosen.set(process, behaviours);
      return behaviours;
    },
    accomplices: new Set([ACCOMPLICE]),
    faultyReplicas: new Set([ACCOMPLICE]),
  };
}

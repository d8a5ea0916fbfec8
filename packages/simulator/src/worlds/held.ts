/**
 * Quarantined requests that are held for a person (DESIGN §5): some are released, twice and in two tabs, some confirmed, some
 * forgotten, while the regulator crashes and messages get lost. What is released may pass then, because the acceptance test of
 * a "bet" is wrong about every other balance. The checkers are the ordinary ones: exactly one effect or none, one answer,
 * rejected only when closed, and nothing executed that nobody has released.
 */
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const HOLD_MS = 900;
const ATTACKERS = 2;
/** Three would trip the breaker, which withholds instead. */
const BETTERS = 2;
const BETS = 6;

export function held(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("held");
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
  const betters = Array.from({ length: BETTERS }, (_, index) => ({
    name: `better-${index + 1}`,
    operations: BETS,
    attacks: Array.from({ length: BETS }, () => "bet" as const),
  }));
  const crashes = Array.from({ length: 2 }, () => ({
    ...{ kind: "crash" as const, servers: ["traffic-regulator-1"] },
    ...{ atMs: random.between(300, 3_500), lastsMs: random.between(20, 300) },
  }));
  return {
    ...plan,
    shape: {
      ...plan.shape,
      ...{ profile: "optimized", faultsTolerated: 1, replicas: 3, executionServers: 4, holdMs: HOLD_MS },
    },
    clients: [...honest, ...attackers, ...betters],
    faults: {
      network: { loss: 0.03, duplication: 0.02, reordering: 0.1, delayMs: random.between(1, 4) },
      events: crashes,
    },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}

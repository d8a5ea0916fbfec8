/**
 * Two clients whose names and keys, written one behind the other, give the same text, and who read the same accounts: one's
 * reply must never be the other's.
 */
import { CALM } from "../network.ts";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const READS = 40;

export function collidingKeys(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("keys");
  const inputs = Array.from({ length: READS }, (_, index) => ({
    accounts: [random.below(3)],
    stamp: `shared-${index}`,
  }));
  const reader = (name: string, prefix: string) => ({
    name,
    operations: READS,
    attacks: [],
    script: inputs.map((input, index) => ({ operation: "read" as const, input, key: `${prefix}${index}` })),
  });
  const writers = Array.from({ length: 3 }, (_, index) => ({
    name: `honest-${index + 2}`,
    operations: READS,
    attacks: [],
    script: Array.from({ length: READS }, (_unused, turn) => {
      const stamp = `writer-${index}-${turn}`;
      return { operation: "deposit" as const, input: { account: index, amount: 1, stamp }, key: stamp };
    }),
  }));
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3 },
    clients: [reader("honest-1", "1"), reader("honest-11", ""), ...writers],
    faults: { network: CALM, events: [] },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}

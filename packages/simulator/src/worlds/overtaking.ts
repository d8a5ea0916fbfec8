/**
 * Messages overtake each other all the time, and again and again most members do not hear the execution servers for longer
 * than a gap may last: members see one server's changes late, in another order and in parts, and epochs end in between.
 * Nobody lies, so nobody may be called a liar.
 */
import type { FaultEvent } from "../faults.ts";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const GAPS = 8;
const APART_MS = 420;

export function overtaken(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("overtaking");
  const events = Array.from({ length: GAPS }, (_, index): FaultEvent[] => {
    const when = { atMs: 450 + index * APART_MS + random.between(0, 80), lastsMs: random.between(150, 330) };
    const spared = 1 + random.below(3);
    const cutOff = [1, 2, 3].filter((each) => each !== spared || random.chance(0.2));
    return ["execution-server-1", "execution-server-2"].flatMap((from) =>
      cutOff.map((each): FaultEvent => ({ ...when, kind: "linkCut", from, to: `state-replica-${each}` })),
    );
  }).flat();
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3, masters: 3, executionServers: 2 },
    clients: Array.from({ length: 8 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 40, attacks: [] })),
    faults: { network: { loss: 0.01, duplication: 0.01, reordering: 0.25, delayMs: 0.5 }, events },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}

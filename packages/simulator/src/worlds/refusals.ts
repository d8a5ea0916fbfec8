/** An ambush in which every request is refused for want of money: what writes nothing must be as safe as what does. */
import { ACCOUNTS } from "../bank.ts";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";
import { ambushed } from "./ambush.ts";

const AMOUNT = 1_000_000;

export function refused(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("refusals");
  const world = ambushed(plan);
  const scriptOf = (name: string, operations: number) =>
    Array.from({ length: operations }, (_, turn) => {
      const from = random.below(ACCOUNTS);
      const stamp = `${name}-refused-${turn}`;
      const input = { from, to: (from + 1) % ACCOUNTS, amount: AMOUNT, stamp };
      return { operation: "transfer" as const, input, key: stamp };
    });
  return {
    ...world,
    clients: world.clients.map((client) => ({ ...client, script: scriptOf(client.name, client.operations) })),
  };
}

/**
 * The application changes its version again and again, forward and back, among everything that the seed has in store. A reply names the
 * version that made it and the acceptance test of another one fails it, so a request that were executed, tested, shadow-run or
 * settled under another version than its ticket's would be condemned: the ordinary checkers would see an innocent rejected.
 */
import type { WorldPlan } from "../world.ts";

export const changingVersions = (plan: WorldPlan): WorldPlan => ({
  ...plan,
  shape: { ...plan.shape, changesVersions: true },
});

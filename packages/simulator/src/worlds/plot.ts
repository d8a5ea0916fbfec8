/**
 * Ambushes in a plot: every execution server tells members different stories in each of its lives, one replica stands up for
 * all of them, and settlements have to work out from late and false lists what was released.
 */
import { COLLUDING_REPLICAS, lyingLists, type SeededAdversaryFactory, SPLITTING_ADVERSARIES } from "@redoubt/adversary";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";
import { ambushed } from "./ambush.ts";

const ACCOMPLICE = "state-replica-1";

export function plotted(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("plot");
  const lies: readonly SeededAdversaryFactory[] = [...COLLUDING_REPLICAS, lyingLists].filter(() => random.chance(0.6));
  const stories = new Map<string, SeededAdversaryFactory>();
  return {
    ...ambushed(plan),
    behavioursOf: (server, life) => {
      if (server === ACCOMPLICE) return lies;
      if (!server.startsWith("execution-server") || life % 3 === 0) return [];
      const process = `${server}/${life}`;
      const story = stories.get(process) ?? random.pick(SPLITTING_ADVERSARIES);
      stories.set(process, story);
      return [story];
    },
    accomplices: new Set([ACCOMPLICE]),
  };
}

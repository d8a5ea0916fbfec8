/**
 * Ambushes on released changes of which one replica holds another content: it confirmed what the others hold, and swears to
 * its own in the settlement, where few lists have to decide between the two.
 */
import { twoFaced, whisper } from "@redoubt/adversary";
import type { WorldPlan } from "../world.ts";
import { ambushed } from "./ambush.ts";

const ACCOMPLICE = "state-replica-1";

export function whispered(plan: WorldPlan): WorldPlan {
  return {
    ...ambushed(plan),
    behavioursOf: (server) => {
      if (server === ACCOMPLICE) return [twoFaced];
      return server.startsWith("execution-server") ? [whisper] : [];
    },
    accomplices: new Set([ACCOMPLICE]),
  };
}

/**
 * One replica whose acceptance test rejects everything, among servers and clients who are all right: its word alone must end
 * no attempt, and nobody's request may be taken for an attack.
 */
import { rejectEverything } from "@redoubt/adversary";
import { CALM } from "../network.ts";
import type { WorldPlan } from "../world.ts";

const DENIER = "state-replica-1";
const CLIENTS = ["honest-1", "honest-2", "honest-3", "honest-4"];

export function denied(plan: WorldPlan): WorldPlan {
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3, masters: 3, executionServers: 3 },
    clients: CLIENTS.map((name) => ({ name, operations: 15, attacks: [] })),
    faults: { network: CALM, events: [] },
    behavioursOf: (server) => (server === DENIER ? [rejectEverything] : []),
    faultyReplicas: new Set([DENIER]),
  };
}

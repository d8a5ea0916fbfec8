/**
 * A world in which the release rule is put to the test again and again: a replica that denies in settlements what it has
 * confirmed, another one that gets no changes, a third one whose list comes late, while the masters hear nothing.
 */
import { lyingLists } from "@redoubt/adversary";
import type { ServerName } from "@redoubt/shared";
import { CALM } from "../network.ts";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const AMBUSHES = 8;
const named = (component: string, count: number): ServerName[] =>
  Array.from({ length: count }, (_, index) => `${component}-${index + 1}`);

export function ambushed(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("ambush");
  const replicas = named("state-replica", 3);
  const targets = {
    regulators: ["traffic-regulator-1"],
    executionServers: named("execution-server", 2),
    acceptanceTestServers: [],
    replicas,
    honestReplicas: replicas.slice(1),
    masters: named("state-master", 3),
  };
  const events = Array.from({ length: AMBUSHES }, (_, index) => ({
    kind: "ambush" as const,
    atMs: 500 + index * 400 + random.between(0, 50),
    lastsMs: random.between(120, 330),
    starved: "state-replica-3",
    late: "state-replica-2",
    targets,
  }));
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3, masters: 3, executionServers: 2 },
    clients: named("honest", 6).map((name) => ({ name, operations: 40, attacks: [] })),
    faults: { network: CALM, events },
    behavioursOf: (server) => (server === "state-replica-1" ? [lyingLists] : []),
    faultyReplicas: new Set(["state-replica-1"]),
  };
}

/**
 * A machine that is far too busy: every host stands still for longer than a deadline again and again, and a worker of its own
 * takes a quarter of a second to start. Nobody is captured. When the hosts are fast again, so must the service be: what is
 * owed to thousands of requests cannot be worked off in disposable workers, two at a time.
 */
import { componentOf, type ServerName } from "@redoubt/shared";
import type { FaultEvent } from "../faults.ts";
import { CALM } from "../network.ts";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const HICCUPS = 5;
const APART_MS = 1_600;
/** Requests at a time, all of one client. */
const AT_A_TIME = 10;
/** More than disposable workers could serve in {@link RECOVERED_WITHIN_MS}. */
const OPERATIONS = 70;
const RECOVERED_WITHIN_MS = 10_000;

export function slowHosts(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("slow hosts");
  const hosts: readonly ServerName[] = [
    ...["execution-server-1", "execution-server-2", "execution-server-3"],
    ...["state-replica-1", "state-replica-2", "state-replica-3", "state-master-1", "traffic-regulator-1"],
  ];
  const events = Array.from({ length: HICCUPS }, (_, index) =>
    hosts.map((server): FaultEvent => {
      const isRunner = componentOf(server) === "execution-server";
      const lastsMs = isRunner ? random.between(650, 800) : random.between(5, 120);
      return { kind: "freeze", server, atMs: 450 + index * APART_MS + random.between(0, 40), lastsMs };
    }),
  ).flat();
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3, masters: 3, executionServers: 3 },
    clients: Array.from({ length: AT_A_TIME }, (_, index) => ({
      ...{ name: `honest-${index + 1}`, principal: "honest", operations: OPERATIONS, thinkMs: 200, attacks: [] },
    })),
    faults: { network: CALM, events },
    safetyPhaseMs: 500 + HICCUPS * APART_MS,
    disposableStartMs: 250,
    livenessPhaseMs: RECOVERED_WITHIN_MS,
    behavioursOf: () => [],
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}

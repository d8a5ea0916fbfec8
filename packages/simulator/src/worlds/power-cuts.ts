/** Worlds in which one kind of fault comes again and again. */
import { SAFETY_PHASE_MS } from "../faults.ts";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const STORMS = 9;

/** Power cuts of everything, with slow disks in between: what is not synced before it is told is lost. */
export function powerCuts(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("power");
  const apart = (SAFETY_PHASE_MS - 500) / STORMS;
  const events = Array.from({ length: STORMS }, (_, index) => ({
    kind: "everythingAtOnce" as const,
    atMs: 400 + index * apart + random.between(0, apart / 2),
    lastsMs: random.between(5, 30),
  }));
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized" },
    clients: Array.from({ length: 6 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 40, attacks: [] })),
    faults: { network: { loss: 0, duplication: 0, reordering: 0.02, delayMs: 0.3 }, events },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
  };
}

/** Records of one replica after the other become unreadable; in every other case its process dies before they are found. */
export function bitFlips(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("bit flips");
  const lost = lostDisks(plan);
  const events = (lost.faults?.events ?? []).flatMap((event, index) => {
    if (event.kind !== "wipe") return [];
    const { server, atMs, lastsMs } = event;
    const places = Array.from({ length: 4 }, () => random());
    const flips = { kind: "bitFlips" as const, server, places, atMs, lastsMs };
    return index % 2 === 0 ? [flips, { kind: "crash" as const, servers: [server], atMs, lastsMs }] : [flips];
  });
  return lost.faults ? { ...lost, faults: { ...lost.faults, events } } : lost;
}

/** One replica after the other loses its disk, with time between to be a member again. */
export function lostDisks(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("lost disks");
  const { replicas } = plan.shape;
  const events = Array.from({ length: 3 }, (_, index) => ({
    kind: "wipe" as const,
    server: `state-replica-${1 + random.below(replicas)}`,
    atMs: 300 + index * 1_500 + random.between(0, 200),
    lastsMs: random.between(5, 100),
  }));
  return {
    ...plan,
    clients: Array.from({ length: 5 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 80, attacks: [] })),
    faults: { network: { loss: 0.01, duplication: 0.01, reordering: 0.02, delayMs: 0.5 }, events },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
  };
}

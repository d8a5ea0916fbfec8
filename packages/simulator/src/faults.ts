/**
 * The fault schedule of a seed: how bad the network is, and who crashes, hangs or is cut off when. Everything is healed
 * at the end of the safety phase; what must hold then is liveness.
 */
import type { ServerName } from "@redoubt/shared";
import type { NetworkFaults } from "./network.ts";
import type { SeededRandom } from "./random.ts";

export interface FaultPlan {
  readonly network: NetworkFaults;
  readonly events: readonly FaultEvent[];
}

export type FaultEvent = { readonly atMs: number; readonly lastsMs: number } & (
  | { readonly kind: "crash"; readonly servers: readonly ServerName[] }
  | { readonly kind: "partition"; readonly side: readonly ServerName[]; readonly oneWay: boolean }
  | { readonly kind: "slowDisk"; readonly server: ServerName; readonly syncMs: number }
);

export interface FaultTargets {
  readonly regulators: readonly ServerName[];
  readonly executionServers: readonly ServerName[];
  readonly acceptanceTestServers: readonly ServerName[];
  readonly replicas: readonly ServerName[];
  readonly masters: readonly ServerName[];
}

export const SAFETY_PHASE_MS = 4_000;

export function planFaults(random: SeededRandom, targets: FaultTargets): FaultPlan {
  const all = Object.values(targets).flat() as ServerName[];
  const events: FaultEvent[] = [];
  const count = 2 + random.below(6);
  for (let index = 0; index < count; index++) {
    const atMs = random.between(250, SAFETY_PHASE_MS - 600);
    const lastsMs = random.between(10, 500);
    const draw = random();
    if (draw < 0.5) events.push({ kind: "crash", atMs, lastsMs, servers: crashVictims(random, targets, all) });
    else if (draw < 0.85) {
      const side = all.filter(() => random.chance(0.3));
      events.push({
        kind: "partition",
        atMs,
        lastsMs,
        side: side.length > 0 ? side : [random.pick(all)],
        oneWay: random.chance(0.4),
      });
    } else {
      const server = random.pick([...targets.replicas, ...targets.masters]);
      events.push({ kind: "slowDisk", atMs, lastsMs, server, syncMs: random.between(5, 40) });
    }
  }
  const rough = random.chance(0.7);
  return {
    network: {
      loss: rough ? random.between(0.002, 0.04) : 0.002,
      duplication: rough ? random.between(0.002, 0.04) : 0.002,
      reordering: rough ? random.between(0.002, 0.08) : 0.002,
      delayMs: random.between(0.1, 3),
    },
    events,
  };
}

/** One server, a few, or (rarely) everything at once: the power cut. */
function crashVictims(random: SeededRandom, targets: FaultTargets, all: readonly ServerName[]): ServerName[] {
  const draw = random();
  if (draw < 0.08) return [...all];
  if (draw < 0.3) return [random.pick(targets.executionServers)];
  if (draw < 0.5) return [random.pick(targets.replicas)];
  if (draw < 0.7) return [random.pick(targets.masters)];
  if (draw < 0.8) return [random.pick(targets.regulators)];
  if (draw < 0.9 && targets.acceptanceTestServers.length > 0) return [random.pick(targets.acceptanceTestServers)];
  return all.filter(() => random.chance(0.25));
}

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
  /** The Paxos leader of the moment, whoever that is. */
  | { readonly kind: "leaderCrash" }
  /** Every process at once, and the tails of their journals with them. */
  | { readonly kind: "everythingAtOnce" }
  | { readonly kind: "partition"; readonly side: readonly ServerName[]; readonly oneWay: boolean }
  /** One direction between two servers, for long enough to make gaps. */
  | { readonly kind: "linkCut"; readonly from: ServerName; readonly to: ServerName }
  /**
   * What release and settlement are made for: for a while one replica gets no changes and the masters no reports; then the
   * execution servers die, and another replica's list comes late.
   */
  | {
      readonly kind: "ambush";
      readonly starved: ServerName;
      readonly late: ServerName;
      readonly targets: FaultTargets;
    }
  | { readonly kind: "freeze"; readonly server: ServerName }
  | { readonly kind: "slowDisk"; readonly server: ServerName; readonly syncMs: number }
);

export interface FaultTargets {
  readonly regulators: readonly ServerName[];
  readonly executionServers: readonly ServerName[];
  readonly acceptanceTestServers: readonly ServerName[];
  readonly replicas: readonly ServerName[];
  readonly masters: readonly ServerName[];
  /** Replicas that do not lie: an ambush on them leaves the liars in the majority of those that are heard. */
  readonly honestReplicas: readonly ServerName[];
}

export const SAFETY_PHASE_MS = 4_000;

export function planFaults(random: SeededRandom, targets: FaultTargets): FaultPlan {
  const all = [...new Set<ServerName>(Object.values(targets).flat())];
  const count = 2 + random.below(7);
  const events = Array.from({ length: count }, () => planEvent(random, targets, all));
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

function planEvent(random: SeededRandom, targets: FaultTargets, all: readonly ServerName[]): FaultEvent {
  const when = { atMs: random.between(250, SAFETY_PHASE_MS - 600), lastsMs: random.between(10, 500) };
  const draw = random();
  if (draw < 0.38) return { ...when, kind: "crash", servers: crashVictims(random, targets, all) };
  if (draw < 0.44) return { ...when, kind: "leaderCrash" };
  if (draw < 0.5) return { ...when, kind: "everythingAtOnce" };
  if (draw < 0.72) {
    const side = all.filter(() => random.chance(0.3));
    return {
      ...when,
      kind: "partition",
      side: side.length > 0 ? side : [random.pick(all)],
      oneWay: random.chance(0.4),
    };
  }
  if (draw < 0.78) {
    const starved = random.pick(targets.honestReplicas);
    const late = random.pick(targets.honestReplicas.filter((replica) => replica !== starved));
    return { ...when, kind: "ambush", starved, late, targets };
  }
  if (draw < 0.85) {
    const from = random.pick(random.chance(0.6) ? targets.executionServers : all);
    const to = random.pick(random.chance(0.6) ? targets.replicas : all);
    return { ...when, kind: "linkCut", from, to, lastsMs: random.between(100, 900) };
  }
  if (draw < 0.92) return { ...when, kind: "freeze", server: random.pick(all) };
  const server = random.pick([...targets.replicas, ...targets.masters]);
  return { ...when, kind: "slowDisk", server, syncMs: random.between(5, 40) };
}

/** One server, or a few. */
function crashVictims(random: SeededRandom, targets: FaultTargets, all: readonly ServerName[]): ServerName[] {
  const draw = random();
  if (draw < 0.25) return [random.pick(targets.executionServers)];
  if (draw < 0.48) return [random.pick(targets.replicas)];
  if (draw < 0.68) return [random.pick(targets.masters)];
  if (draw < 0.8) return [random.pick(targets.regulators)];
  if (draw < 0.9 && targets.acceptanceTestServers.length > 0) return [random.pick(targets.acceptanceTestServers)];
  return all.filter(() => random.chance(0.25));
}

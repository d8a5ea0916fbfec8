/**
 * The fault schedule of a seed: how bad the network is, and who crashes, hangs or is cut off when. Everything is healed
 * at the end of the safety phase; what must hold then is liveness.
 */
import type { ServerName } from "@redoubt/shared";
import type { EffectFilter, Host } from "./host.ts";
import type { NetworkFaults } from "./network.ts";
import type { SeededRandom } from "./random.ts";

export interface FaultPlan {
  readonly network: NetworkFaults;
  readonly events: readonly FaultEvent[];
}

export type FaultEvent = { readonly atMs: number; readonly lastsMs: number } & (
  | { readonly kind: "crash"; readonly servers: readonly ServerName[] }
  /** Dies in the middle of what it is doing: before (an append: while) its so-manieth effect from then on is performed. */
  | {
      readonly kind: "crashAtEffect";
      readonly server: ServerName;
      readonly effects: number;
      /** Only such effects count. */
      readonly only: EffectFilter;
    }
  /** The machine goes down: what the system had not written to the disk yet is gone too. */
  | { readonly kind: "powerCut"; readonly servers: readonly ServerName[] }
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
  /** A replica's or master's process dies and its disk is lost; it starts again with an empty one. */
  | { readonly kind: "wipe"; readonly server: ServerName }
  /** Bits of the records at these places (shares of the journal's length) are not what they were. */
  | { readonly kind: "bitFlips"; readonly server: ServerName; readonly places: readonly number[] }
  /** A master's database is away for a while, and may come back empty, or as an old backup of itself. */
  | { readonly kind: "database"; readonly server: ServerName; readonly comesBack: "whole" | "empty" | "old" }
  | { readonly kind: "slowDisk"; readonly server: ServerName; readonly syncMs: number }
  /** Wall clocks jump and drift from then on; monotonic ones do not. */
  | {
      readonly kind: "clockJump";
      readonly servers: readonly ServerName[];
      readonly shiftMs: number;
      /** Share by which the clock runs too fast. */
      readonly drift: number;
    }
  /** The manager takes an execution server off its list for a while; the process knows nothing of it and goes on. */
  | { readonly kind: "leaseMove" }
  /** The manager wants so many members, the first of the replicas. */
  | { readonly kind: "memberOrder"; readonly members: number }
  /** A plot of a world made for one purpose (`worlds/`). */
  | { readonly kind: "script"; readonly run: (stage: Stage) => void }
);

/** What a script may do. */
export interface Stage {
  readonly hosts: ReadonlyMap<ServerName, Host>;
  readonly later: (delayMs: number, run: () => void) => void;
  /** Cuts these directions; the function returned mends them, as does the end of the safety phase. */
  readonly cut: (links: readonly (readonly [from: ServerName, to: ServerName])[]) => () => void;
  /** Messages of this kind get lost on all links until the function returned is called. */
  readonly lose: (kind: string) => () => void;
  /** The process dies and its disk is another, empty one. */
  readonly wipe: (server: ServerName, lastsMs: number) => void;
  readonly crash: (server: ServerName, lastsMs: number, how: "killed" | "power-cut") => void;
  /** The manager does not name the present holder of leases for so long: every master is asked for new epochs. */
  readonly moveLeases: (forMs: number) => void;
}

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
  const count = 2 + random.below(9);
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

type When = Pick<FaultEvent, "atMs" | "lastsMs">;
type Plan = (random: SeededRandom, targets: FaultTargets, all: readonly ServerName[], when: When) => FaultEvent;

const HOUR_MS = 3_600_000;

const planAmbush: Plan = (random, targets, _all, when) => {
  const starved = random.pick(targets.honestReplicas);
  const late = random.pick(targets.honestReplicas.filter((replica) => replica !== starved));
  return { ...when, kind: "ambush", starved, late, targets };
};

const planPartition: Plan = (random, _targets, all, when) => {
  const side = all.filter(() => random.chance(0.3));
  return { ...when, kind: "partition", side: side.length > 0 ? side : [random.pick(all)], oneWay: random.chance(0.4) };
};

const planLinkCut: Plan = (random, targets, all, when) => {
  const from = random.pick(random.chance(0.6) ? targets.executionServers : all);
  const to = random.pick(random.chance(0.6) ? targets.replicas : all);
  return { ...when, kind: "linkCut", from, to, lastsMs: random.between(100, 900) };
};

/** What the cores ask their drivers for. */
const EFFECTS = {
  regulators: ["append", "send", "respond", "publish"],
  executionServers: ["send", "execute"],
  acceptanceTestServers: ["send", "test"],
  replicas: ["append", "send", "test"],
  masters: ["append", "send", "apply"],
} as const;

/** Of the few kinds of processes each is hit as often, however many there are. */
const planCrashAtEffect: Plan = (random, targets, all, when) => {
  const kind = random.pick(["regulators", "executionServers", "acceptanceTestServers", "replicas", "masters"] as const);
  const servers = targets[kind];
  const server = random.pick(servers.length > 0 ? servers : all);
  const only = random.chance(0.7) ? random.pick(EFFECTS[kind]) : undefined;
  return { ...when, kind: "crashAtEffect", server, only, effects: random.below(random.chance(0.5) ? 8 : 100) };
};

const planClockJump: Plan = (random, _targets, all, when) => {
  const servers = random.chance(0.5) ? [random.pick(all)] : all.filter(() => random.chance(0.3));
  const shiftMs = random.chance(0.7) ? random.between(-HOUR_MS, HOUR_MS) : 0;
  return { ...when, kind: "clockJump", servers, shiftMs, drift: random.between(-0.1, 0.1) };
};

/** What may happen, and how often in relation to the others. */
const PLANS: readonly (readonly [weight: number, plan: Plan])[] = [
  [30, (random, targets, all, when) => ({ ...when, kind: "crash", servers: crashVictims(random, targets, all) })],
  [14, planCrashAtEffect],
  [8, (random, targets, all, when) => ({ ...when, kind: "powerCut", servers: crashVictims(random, targets, all) })],
  [6, (_random, _targets, _all, when) => ({ ...when, kind: "leaderCrash" })],
  [6, (_random, _targets, _all, when) => ({ ...when, kind: "everythingAtOnce" })],
  [20, planPartition],
  [6, planAmbush],
  [7, planLinkCut],
  [7, (random, _targets, all, when) => ({ ...when, kind: "freeze", server: random.pick(all) })],
  [
    6,
    (random, { replicas, masters }, _all, when) => ({
      ...when,
      kind: "slowDisk",
      server: random.pick([...replicas, ...masters]),
      syncMs: random.between(5, 40),
    }),
  ],
  [5, planClockJump],
  [6, (random, _targets, _all, when) => ({ ...when, kind: "leaseMove", lastsMs: random.between(20, 800) })],
];
const WEIGHTS = PLANS.reduce((sum, [weight]) => sum + weight, 0);

const FLIPS_MAX = 4;

/** The disk of one replica that does not lie is lost or damaged, where that is one fault more that may be tolerated. */
export function planBadDisk(random: SeededRandom, targets: FaultTargets, faultsTolerated: number): FaultEvent[] {
  const liars = targets.replicas.length - targets.honestReplicas.length;
  if (liars >= faultsTolerated || !random.chance(0.5)) return [];
  const server = random.pick(targets.honestReplicas);
  const atMs = random.between(300, SAFETY_PHASE_MS - 1_500);
  if (random.chance(0.5)) return [{ kind: "wipe", server, atMs, lastsMs: random.between(5, 400) }];
  return Array.from({ length: 1 + random.below(3) }, () => {
    const places = Array.from({ length: 1 + random.below(FLIPS_MAX) }, () => random());
    return { kind: "bitFlips", server, places, atMs: random.between(300, SAFETY_PHASE_MS - 300), lastsMs: 0 };
  });
}

/** One master that loses its journal and its database, and databases that fail: of different masters, so that f suffices. */
export function planMasterLosses(random: SeededRandom, { masters }: FaultTargets): FaultEvent[] {
  const victim = random.pick(masters);
  const others = masters.filter((master) => master !== victim);
  const events: FaultEvent[] = [];
  if (others.length > 0 && random.chance(0.3)) {
    const atMs = random.between(300, SAFETY_PHASE_MS - 1_500);
    events.push({ kind: "wipe", server: victim, atMs, lastsMs: random.between(5, 400) });
  } else if (random.chance(0.4)) {
    const comesBack = random.pick(["whole", "empty", "old"] as const);
    const when = { atMs: random.between(300, SAFETY_PHASE_MS - 1_500), lastsMs: random.between(20, 1_500) };
    events.push({ ...when, kind: "database", server: victim, comesBack });
  }
  return events;
}

function planEvent(random: SeededRandom, targets: FaultTargets, all: readonly ServerName[]): FaultEvent {
  const when = { atMs: random.between(250, SAFETY_PHASE_MS - 600), lastsMs: random.between(10, 500) };
  let draw = random() * WEIGHTS;
  for (const [weight, plan] of PLANS) {
    draw -= weight;
    if (draw < 0) return plan(random, targets, all, when);
  }
  return planPartition(random, targets, all, when);
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

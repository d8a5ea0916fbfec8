/**
 * From a seed to a verdict: chooses shape, clients, faults and intruders, runs the world and asks every checker. The
 * same seed gives the same run to the last event.
 */
import { digestText, type Hasher } from "@redoubt/protocol";
import type { Digest } from "@redoubt/shared";
import { castMixed, castUsual } from "./casting.ts";
import { checkAccusations } from "./checkers/accusations.ts";
import { checkAgreement } from "./checkers/agreement.ts";
import { checkAppendOnly } from "./checkers/append-only.ts";
import { checkBankSum } from "./checkers/bank-sum.ts";
import { checkC2 } from "./checkers/c2.ts";
import { checkClosings } from "./checkers/closings.ts";
import { checkEpochExclusion } from "./checkers/epoch-exclusion.ts";
import { checkLinearizability } from "./checkers/linearizability.ts";
import { checkLiveness } from "./checkers/liveness.ts";
import { checkOneEffect } from "./checkers/one-effect.ts";
import { checkReleased } from "./checkers/released.ts";
import { checkReplay } from "./checkers/replay.ts";
import { checkRequests } from "./checkers/requests.ts";
import { checkSerializability } from "./checkers/serializability.ts";
import { checkConvergence, checkVersions } from "./checkers/versions.ts";
import type { ClusterShape, WrapCore } from "./cluster.ts";
import { planBadDisk, planFaults, planMasterLosses, SAFETY_PHASE_MS } from "./faults.ts";
import type { FaultCounts } from "./network.ts";
import type { Checker, Observation, Violation } from "./observation.ts";
import { type SeededRandom, seededRandom } from "./random.ts";
import { World, type WorldPlan } from "./world.ts";

export interface SeedResult {
  readonly seed: number;
  readonly events: number;
  readonly operations: number;
  readonly faults: FaultCounts;
  /** Behaviours that took place in one and the same process, as "A1+A4", → in how many processes. */
  readonly compositions: FaultCounts;
  /** Digest of everything seen from outside: equal for two runs of one seed. */
  readonly history: Digest;
  readonly violations: readonly (Violation & { readonly seed: number })[];
}

/** `mixed`: every seed composes behaviours at random, in many processes at once. `usual`: a fifth of the seeds do, `plain`: none. */
export type AdversaryMix = "usual" | "mixed" | "plain";

export interface SeedOptions {
  /** Breaks a core on purpose. */
  readonly wrapCore?: WrapCore;
  /** How captured processes are chosen; see {@link planWorld}. */
  readonly adversaries?: AdversaryMix;
  /** Another world than the seed's own choice, of which no process is captured by more than the world says. */
  readonly alter?: (plan: WorldPlan) => WorldPlan;
}

const CHECKERS: readonly Checker[] = [
  checkAgreement,
  checkRequests,
  checkVersions,
  checkReplay,
  checkSerializability,
  checkBankSum,
  checkLiveness,
  checkConvergence,
  checkAppendOnly,
  checkC2,
  checkClosings,
  checkEpochExclusion,
  checkReleased,
  checkOneEffect,
  checkLinearizability,
  checkAccusations,
];

/**
 * A replica that keeps silent is replaced by the operator or the health monitor in the end: a settlement may have to wait
 * for it (docs/PROTOCOL.md §4), because its copy may be the one that counts.
 */
const NOTICED: ReadonlySet<string> = new Set(["R-silent"]);

/** Passes of the scrub where there is something to find: a few within a seed. */
const SCRUB_OFTEN_MS = 1_000;

/** Everything is answered within seconds; the rest is for what takes its time by design (a stuck change: 5 s). */
const LIVENESS_PHASE_MS = 25_000;

/** Runs one seed. Never throws for what the cores do: a throwing core is a violation of I11. */
export function runSeed(
  seed: number,
  hasher: Hasher,
  { wrapCore, alter, adversaries = "usual" }: SeedOptions = {},
): SeedResult {
  const plan = planWorld(seed, hasher, alter ? "plain" : adversaries);
  const world = new World({ ...(alter ? alter(plan) : plan), ...(wrapCore ? { wrapCore } : {}) });
  const violations: Violation[] = [];
  let history = "";
  try {
    world.run();
    if (world.time.isExhausted)
      violations.push({
        invariant: "I12",
        detail: `no rest after ${world.time.events} events at ${world.time.now} ms`,
      });
    const observation = world.observation();
    history = describe(observation);
    for (const checker of CHECKERS) violations.push(...checker(observation));
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    violations.push({ invariant: "I11", detail });
  }
  return {
    seed,
    events: world.time.events,
    operations: world.clients.reduce((total, client) => total + client.history.length, 0),
    faults: world.counts,
    compositions: world.compositions,
    history: digestText(hasher, "history", history),
    violations: violations.map((violation) => ({ seed, ...violation })),
  };
}

const describe = ({ operations, decisions, stored }: Observation): string =>
  JSON.stringify([
    operations,
    [...decisions],
    [...stored].map(([replica, changes]) => [replica, changes.map(({ digest }) => digest)]),
  ]);

/** Share of the usual seeds that are mixed ones. */
const MIXED_SHARE = 0.2;

/** Everything that is chosen before the world begins. */
export function planWorld(seed: number, hasher: Hasher, adversaries: AdversaryMix = "usual"): WorldPlan {
  const random = seededRandom(seed).fork("scenario");
  const shape = chooseShape(random);
  const replicas = names("state-replica", shape.replicas);
  const isMixed =
    adversaries === "mixed" || (adversaries === "usual" && random.fork("whether mixed").chance(MIXED_SHARE));
  const cast = isMixed ? castMixed(random, shape, replicas) : castUsual(random, shape, replicas);
  const { liars } = cast;
  const faultyReplicas = new Set(replicas.filter((replica) => liars.has(replica)));
  const targets = {
    regulators: ["traffic-regulator-1"],
    executionServers: names("execution-server", shape.executionServers),
    acceptanceTestServers: names("acceptance-test-server", shape.profile === "basic" ? shape.acceptanceTestServers : 0),
    replicas,
    honestReplicas: replicas.filter((replica) => !liars.has(replica)),
    masters: names("state-master", shape.masters),
  };
  const faults = planFaults(random.fork("faults"), targets);
  const badDisk = planBadDisk(random.fork("bad disk"), targets, shape.faultsTolerated);
  const isDamaged = badDisk.some(({ kind }) => kind === "bitFlips");
  const masterLosses = planMasterLosses(random.fork("master losses"), targets);
  return {
    seed,
    shape: isDamaged ? { ...shape, scrubPeriodMs: SCRUB_OFTEN_MS } : shape,
    clients: chooseClients(random.fork("clients")),
    faults: { ...faults, events: [...faults.events, ...badDisk, ...masterLosses] },
    safetyPhaseMs: SAFETY_PHASE_MS,
    livenessPhaseMs: LIVENESS_PHASE_MS,
    behavioursOf: (server, life) => liars.get(server) ?? cast.intruders.get(`${server}/${life}`) ?? [],
    changing: isMixed,
    ...(cast.mayFrame ? { mayFrame: true } : {}),
    noticed: NOTICED,
    faultyReplicas,
    ...(cast.isPlot ? { accomplices: faultyReplicas } : {}),
    hasher,
  };
}

const names = (component: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${component}-${index + 1}`);

function chooseShape(random: SeededRandom): ClusterShape {
  const faultsTolerated = random.chance(0.15) ? 2 : 1;
  return {
    profile: random.chance(0.25) ? "basic" : "optimized",
    faultsTolerated,
    executionServers: 2 + random.below(3),
    replicas: 2 * faultsTolerated + 1,
    masters: random.chance(0.1) ? 5 : 3,
    acceptanceTestServers: 2 + random.below(2),
  };
}

function chooseClients(random: SeededRandom): { name: string; operations: number; attacks: ("plunder" | "crash")[] }[] {
  const honest = 3 + random.below(4);
  const clients: { name: string; operations: number; attacks: ("plunder" | "crash")[] }[] = [];
  for (let index = 0; index < honest; index++) {
    clients.push({ name: `honest-${index + 1}`, operations: 10 + random.below(25), attacks: [] });
  }
  if (random.chance(0.4)) {
    clients.push({ name: "attacker-1", operations: 1, attacks: [random.chance(0.7) ? "plunder" : "crash"] });
  }
  return clients;
}

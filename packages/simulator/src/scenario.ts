/**
 * From a seed to a verdict: chooses shape, clients, faults and intruders, runs the world and asks every checker. The
 * same seed gives the same run to the last event.
 */
import {
  COLLUDING_REPLICAS,
  executionAdversaries,
  REPLICA_ADVERSARIES,
  type SeededAdversaryFactory,
  SPLITTING_ADVERSARIES,
} from "@redoubt/adversary";
import { digestText, type Hasher } from "@redoubt/protocol";
import type { Digest, ServerName } from "@redoubt/shared";
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
  /** Digest of everything seen from outside: equal for two runs of one seed. */
  readonly history: Digest;
  readonly violations: readonly (Violation & { readonly seed: number })[];
}

export interface SeedOptions {
  /** Breaks a core on purpose. */
  readonly wrapCore?: WrapCore;
  /** Another world than the seed's own choice. */
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
export function runSeed(seed: number, hasher: Hasher, { wrapCore, alter }: SeedOptions = {}): SeedResult {
  const plan = planWorld(seed, hasher);
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

/** Everything that is chosen before the world begins. */
export function planWorld(seed: number, hasher: Hasher): WorldPlan {
  const random = seededRandom(seed).fork("scenario");
  const shape = chooseShape(random);
  const replicas = names("state-replica", shape.replicas);
  const isPlot = random.chance(0.35);
  const intruders = chooseIntruders(random.fork("intruders"), shape, isPlot);
  const liars = chooseLiars(random.fork("liars"), replicas, shape.faultsTolerated, isPlot);
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
    behavioursOf: (server, life) => liars.get(server) ?? intruders.get(`${server}/${life}`) ?? [],
    noticed: NOTICED,
    faultyReplicas: new Set(liars.keys()),
    ...(isPlot ? { accomplices: new Set(liars.keys()) } : {}),
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

/**
 * Some processes are taken over from their start, by one behaviour or by several at once; never all lives of all servers,
 * or nobody honest would be left to serve.
 */
function chooseIntruders(
  random: SeededRandom,
  shape: ClusterShape,
  isPlot: boolean,
): Map<string, SeededAdversaryFactory[]> {
  const intruders = new Map<string, SeededAdversaryFactory[]>();
  if (!isPlot && random.chance(0.4)) return intruders;
  for (let count = 1 + random.below(shape.executionServers > 2 ? 2 : 1); count > 0; count--) {
    const server = `execution-server-${1 + random.below(shape.executionServers)}`;
    const behaviours = several(random, executionAdversaries(server), 0.3);
    // Accomplices have most to say where members were told different things.
    if (isPlot && random.chance(0.7)) behaviours.push(random.pick(SPLITTING_ADVERSARIES));
    for (let life = 1; life <= (random.chance(0.3) ? 2 : 1); life++) intruders.set(`${server}/${life}`, behaviours);
  }
  return intruders;
}

/** At most t replicas lie, in all their lives; in a plot they do it for the captured execution servers. */
function chooseLiars(
  random: SeededRandom,
  replicas: readonly ServerName[],
  faultsTolerated: number,
  isPlot: boolean,
): Map<ServerName, readonly SeededAdversaryFactory[]> {
  const liars = new Map<ServerName, readonly SeededAdversaryFactory[]>();
  if (!isPlot && random.chance(0.4)) return liars;
  const count = isPlot && random.chance(0.7) ? faultsTolerated : 1 + random.below(faultsTolerated);
  while (liars.size < count) {
    const server = random.pick(replicas);
    const behaviours = several(random, isPlot ? COLLUDING_REPLICAS : REPLICA_ADVERSARIES, isPlot ? 0.5 : 0.2);
    liars.set(server, isPlot && random.chance(0.2) ? [...behaviours, random.pick(REPLICA_ADVERSARIES)] : behaviours);
  }
  return liars;
}

/** One of them; another one with it with the probability given, and so on. */
function several<Item>(random: SeededRandom, items: readonly Item[], more: number): Item[] {
  const chosen = new Set<Item>([random.pick(items)]);
  while (chosen.size < 3 && random.chance(more)) chosen.add(random.pick(items));
  return [...chosen];
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

/**
 * From a seed to a verdict: chooses shape, clients, faults and intruders, runs the world and asks every checker. The
 * same seed gives the same run to the last event.
 */
import {
  type AdversaryFactory,
  equivocate,
  omitOneObject,
  partialMulticast,
  replyWithoutChange,
  rightReplyWrongState,
  wrongReplyAndState,
  wrongReplyRightState,
} from "@redoubt/adversary";
import type { Hasher } from "@redoubt/protocol";
import { checkAgreement } from "./checkers/agreement.ts";
import { checkBankSum } from "./checkers/bank-sum.ts";
import { checkLiveness } from "./checkers/liveness.ts";
import { checkRequests } from "./checkers/requests.ts";
import { checkSerializability } from "./checkers/serializability.ts";
import { checkConvergence, checkVersions } from "./checkers/versions.ts";
import type { ClusterShape } from "./cluster.ts";
import { planFaults, SAFETY_PHASE_MS } from "./faults.ts";
import type { FaultCounts } from "./network.ts";
import type { Checker, Violation } from "./observation.ts";
import { type SeededRandom, seededRandom } from "./random.ts";
import { World } from "./world.ts";

export interface SeedResult {
  readonly seed: number;
  readonly events: number;
  readonly operations: number;
  readonly faults: FaultCounts;
  readonly violations: readonly (Violation & { readonly seed: number })[];
}

const CHECKERS: readonly Checker[] = [
  checkAgreement,
  checkRequests,
  checkVersions,
  checkSerializability,
  checkBankSum,
  checkLiveness,
  checkConvergence,
];

const INTRUDERS: readonly AdversaryFactory[] = [
  wrongReplyRightState,
  rightReplyWrongState,
  wrongReplyAndState,
  equivocate,
  partialMulticast,
  omitOneObject,
  replyWithoutChange,
];

const LIVENESS_PHASE_MS = 60_000;

/** Runs one seed. Never throws for what the cores do: a throwing core is a violation of I11. */
export function runSeed(seed: number, hasher: Hasher): SeedResult {
  const random = seededRandom(seed).fork("scenario");
  const shape = chooseShape(random);
  const intruders = chooseIntruders(random, shape);
  const world = new World({
    seed,
    shape,
    clients: chooseClients(random),
    faults: planFaults(random.fork("faults"), {
      regulators: ["traffic-regulator-1"],
      executionServers: names("execution-server", shape.executionServers),
      acceptanceTestServers: names(
        "acceptance-test-server",
        shape.profile === "basic" ? shape.acceptanceTestServers : 0,
      ),
      replicas: names("state-replica", shape.replicas),
      masters: names("state-master", shape.masters),
    }),
    safetyPhaseMs: SAFETY_PHASE_MS,
    livenessPhaseMs: LIVENESS_PHASE_MS,
    adversaryOf: (server, life) => intruders.get(`${server}/${life}`),
    hasher,
  });
  const violations: Violation[] = [];
  try {
    world.run();
    const observation = world.observation();
    for (const checker of CHECKERS) violations.push(...checker(observation));
  } catch (error) {
    violations.push({
      invariant: "I11",
      detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
  for (const [id, count] of world.adversaries) world.counts[`byzantine:${id}`] = count;
  return {
    seed,
    events: world.events,
    operations: world.clients.reduce((total, client) => total + client.history.length, 0),
    faults: world.counts,
    violations: violations.map((violation) => ({ seed, ...violation })),
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

/** Some processes are taken over from their start; never all lives of all servers, or nobody honest would be left to serve. */
function chooseIntruders(random: SeededRandom, shape: ClusterShape): Map<string, AdversaryFactory> {
  const intruders = new Map<string, AdversaryFactory>();
  if (random.chance(0.5)) return intruders;
  for (let count = 1 + random.below(shape.executionServers > 2 ? 2 : 1); count > 0; count--) {
    intruders.set(`execution-server-${1 + random.below(shape.executionServers)}/1`, random.pick(INTRUDERS));
  }
  return intruders;
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

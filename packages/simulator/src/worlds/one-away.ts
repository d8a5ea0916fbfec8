/**
 * One malformed request, and one of those that must hear of its failure is away for half a minute from the very moment at
 * which the regulator finds it out: before a single word about it has left (REQUIREMENTS R42).
 */
import type { ServerName } from "@redoubt/shared";
import type { Stage } from "../faults.ts";
import { CALM } from "../network.ts";
import type { WorldPlan } from "../world.ts";

export const AWAY_MS = 30_000;
const AFTERWARDS_MS = 8_000;

export type Absent = "configuration manager" | "masters" | "replicas" | "regulator";

const REGULATOR = "traffic-regulator-1";
const MANAGER = "configuration-manager-1";

export interface Failure {
  /** Execution server whose attempt failed. */
  readonly server: ServerName;
  readonly requestId: string;
}

/** `failed` is called at that moment. */
export const oneAway =
  (absent: Absent, failed: (failure: Failure) => void = () => undefined) =>
  (plan: WorldPlan): WorldPlan => ({
    ...plan,
    shape: {
      ...plan.shape,
      profile: "optimized",
      faultsTolerated: 1,
      replicas: 3,
      masters: 3,
      // Three distinct processes have to fail with the request, also when nobody replaces the first.
      executionServers: 4,
    },
    clients: [
      { name: "honest-1", operations: 40, attacks: [], thinkMs: 1_500 },
      { name: "attacker-1", operations: 1, attacks: ["plunder"] },
    ],
    safetyPhaseMs: AWAY_MS + AFTERWARDS_MS,
    faults: {
      network: CALM,
      events: [{ kind: "script", atMs: 1, lastsMs: 0, run: (stage) => armAbsence(stage, absent, failed) }],
    },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
  });

function armAbsence(stage: Stage, absent: Absent, failed: (failure: Failure) => void): void {
  let failure: Failure | undefined;
  const notice = (effect: { readonly kind: string }): boolean => {
    failure = failureIn(effect);
    return failure !== undefined;
  };
  stage.hosts.get(REGULATOR)?.crashAfter(0, notice, () => {
    if (failure) failed(failure);
    if (absent === "regulator") stage.crash(REGULATOR, AWAY_MS, "killed");
    else stage.later(AWAY_MS, stage.cut(linksOf(stage, absent)));
  });
}

function failureIn(effect: { readonly kind: string }): Failure | undefined {
  if (effect.kind !== "publish") return undefined;
  const { fact } = effect as unknown as { readonly fact: { readonly kind: string } & Failure };
  return fact.kind === "attemptFailed" ? { server: fact.server, requestId: fact.requestId } : undefined;
}

/** Everything that leads to them and away from them. */
function linksOf({ hosts }: Stage, absent: Exclude<Absent, "regulator">): [ServerName, ServerName][] {
  const everybody = [...hosts.keys(), MANAGER];
  const prefix = { "configuration manager": MANAGER, masters: "state-master-", replicas: "state-replica-" }[absent];
  const isAway = (server: ServerName): boolean => server.startsWith(prefix);
  return everybody.filter(isAway).flatMap((away) =>
    everybody
      .filter((other) => !isAway(other))
      .flatMap((other): [ServerName, ServerName][] => [
        [away, other],
        [other, away],
      ]),
  );
}

/**
 * Two masters lead at once: the leader is cut off, one of the others is elected with the third one's promise, and that third
 * one loses power right after giving it, so that the first thing it hears again is the old leader.
 * Whatever it has forgotten then makes both leaders decide.
 */
import type { ServerName } from "@redoubt/shared";
import type { Stage } from "../faults.ts";
import type { Host, HostEffect } from "../host.ts";
import { type SeededRandom, seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const ROUNDS = 4;
const ROUND_MS = 860;

const isPromise = (effect: HostEffect): boolean => {
  const { kind, message } = effect as {
    kind: string;
    message?: { kind: string; body?: { kind: string; granted?: boolean } };
  };
  return (
    kind === "send" && message?.kind === "paxos" && message.body?.kind === "promised" && message.body.granted === true
  );
};

const isLeader = ({ running, core }: Host): boolean => running && "isPrimary" in core && core.isPrimary === true;

function usurp({ hosts, cut, crash, later, moveLeases }: Stage, random: SeededRandom): void {
  const masters = [...hosts.values()].filter(({ component }) => component === "state-master");
  const leader = masters.find(isLeader);
  if (!leader) return;
  const others = masters.filter((host) => host !== leader);
  const between = (one: Host, other: Host): [ServerName, ServerName][] => [
    [one.server, other.server],
    [other.server, one.server],
  ];
  // The old leader is alone, and does not notice for a while.
  const meet = new Map(others.map((host) => [host, cut(between(leader, host))]));
  later(ROUND_MS - 40, () => {
    for (const mend of meet.values()) mend();
  });
  for (const third of others) {
    const usurper = others.find((host) => host !== third);
    third.crashAfter(0, isPromise, () => {
      later(0, () => {
        if (!usurper) return;
        crash(third.server, 1, "power-cut");
        meet.get(third)?.();
        meet.set(third, () => undefined);
        const mend = cut([[usurper.server, third.server]]);
        later(random.between(120, 200), mend);
        // Both are given something to decide.
        later(random.between(1, 40), () => moveLeases(200));
      });
    });
  }
}

export function usurped(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("usurper");
  const events = Array.from({ length: ROUNDS }, (_, index) => ({
    kind: "script" as const,
    atMs: 400 + index * ROUND_MS + random.between(0, 30),
    lastsMs: 0,
    run: (stage: Stage) => usurp(stage, random),
  }));
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", masters: 3 },
    clients: Array.from({ length: 5 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 60, attacks: [] })),
    faults: { network: { loss: 0, duplication: 0, reordering: 0.02, delayMs: 0.5 }, events },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}

import type { RequestId, ServerName } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { nodeHasher } from "../hasher.test-support.ts";
import { planWorld, runSeed } from "../scenario.ts";
import { World } from "../world.ts";
import { firstLie, LIES, type Lie } from "./first-lie.ts";

const TIMEOUT_MS = 60_000;
const LOOK_MS = 5;
/** From the first lie to the end of the process (R49). */
const ENDED_WITHIN_MS = 2_000;

interface Seen {
  readonly liedAt: Map<ServerName, number>;
  readonly endedAfter: Map<ServerName, number>;
  readonly invented: Set<RequestId>;
  readonly world: World;
}

/** Watches from outside when each captured process tells its first lie, and when it is no more. */
function watch(lie: Lie, seed: number): Seen {
  const [liedAt, endedAfter, invented] = [new Map(), new Map(), new Set()] as [
    Map<ServerName, number>,
    Map<ServerName, number>,
    Set<RequestId>,
  ];
  const world: World = new World(
    firstLie(lie, (told) => {
      if (!liedAt.has(told.server)) liedAt.set(told.server, world.time.now);
      if (told.invented) invented.add(told.invented);
    })(planWorld(seed, nodeHasher)),
  );
  const look = (): void => {
    for (const [server, at] of liedAt) {
      const { running, life } = world.host(server);
      if ((!running || life > 1) && !endedAfter.has(server)) endedAfter.set(server, world.time.now - at);
    }
    world.time.later(LOOK_MS, look);
  };
  world.time.later(LOOK_MS, look);
  world.run();
  return { liedAt, endedAfter, invented, world };
}

describe("an execution server that fabricates replies or sends illegal ones (R49)", () => {
  test.each(LIES.flatMap((lie) => [1, 2, 3].map((seed) => [lie, seed] as const)))(
    "is ended within two seconds of its first lie: %s, seed %i",
    (lie, seed) => {
      const { liedAt, endedAfter, invented, world } = watch(lie, seed);
      expect(liedAt.size).toBeGreaterThan(0);
      expect([...endedAfter.keys()].sort()).toEqual([...liedAt.keys()].sort());
      expect(Math.max(...endedAfter.values())).toBeLessThanOrEqual(ENDED_WITHIN_MS);
      const { decisions, stored } = world.observation();
      const decided = [...decisions.values()].flat().flatMap((slot) => slot.decisions);
      expect(decided.some((it) => it.kind === "verified" && invented.has(it.change.requestId))).toBe(false);
      const kept = [...stored.values()].flat().map(({ record }) => record.ticket.body.requestId);
      expect(kept.some((requestId) => invented.has(requestId))).toBe(false);
    },
    TIMEOUT_MS,
  );

  test.each(LIES)(
    "harms nobody meanwhile: %s",
    (lie) => {
      expect(runSeed(4, nodeHasher, { alter: firstLie(lie) }).violations).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

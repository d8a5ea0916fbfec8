import { describe, expect, test } from "vitest";
import { ACCOUNTS, accountName, OPENABLE } from "../bank.ts";
import { nodeHasher } from "../hasher.test-support.ts";
import { type ClientOperation, verifiedChanges } from "../observation.ts";
import { planWorld, runSeed } from "../scenario.ts";
import { World } from "../world.ts";
import { rivalCreations } from "./rival-creations.ts";

const TIMEOUT_MS = 60_000;
const OBJECTS = Array.from({ length: OPENABLE }, (_, index) => accountName(ACCOUNTS + index));

const areConcurrent = (one: ClientOperation, other: ClientOperation | undefined): boolean =>
  other !== undefined && one.invokedAt < (other.completedAt ?? 0) && other.invokedAt < (one.completedAt ?? 0);

describe("of several concurrent creations of one object (R50)", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "exactly one is verified, its client alone is told so, and the others are refused, seed %i",
    (seed) => {
      const world = new World(rivalCreations(false)(planWorld(seed, nodeHasher)));
      world.run();
      const observation = world.observation();
      const creations = verifiedChanges(observation).flatMap(({ record }) =>
        (record?.writes ?? []).filter(() => record?.ticket.body.operation === "open").map(({ object }) => object),
      );
      expect(creations.sort()).toEqual(OBJECTS);
      const opened = observation.operations.filter(({ operation }) => operation === "open");
      for (const account of OBJECTS) {
        const rivals = opened.filter(({ input }) => accountName(input.account ?? 0) === account);
        const statuses = rivals.map(({ status }) => status).sort();
        const winner = rivals.find(({ status }) => status === 200);
        expect(rivals.some((rival) => rival !== winner && areConcurrent(rival, winner))).toBe(true);
        expect(statuses).toEqual([200, ...Array.from({ length: rivals.length - 1 }, () => 422)]);
      }
    },
    TIMEOUT_MS,
  );

  test.each([1, 2, 3, 4])(
    "nothing is violated, also when captured servers create again what is there, seed %i",
    (seed) => {
      expect(runSeed(seed, nodeHasher, { alter: rivalCreations(false) }).violations).toEqual([]);
      const { violations, faults } = runSeed(seed, nodeHasher, { alter: rivalCreations(true) });
      expect(violations).toEqual([]);
      expect(faults["byzantine:creates-again"]).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});

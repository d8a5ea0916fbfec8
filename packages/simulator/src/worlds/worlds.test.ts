import { expect, test } from "vitest";
import { nodeHasher } from "../hasher.test-support.ts";
import { runSeed } from "../scenario.ts";
import { admissions } from "./admissions.ts";
import { held } from "./held.ts";
import { overtaken } from "./overtaking.ts";
import { slowHosts } from "./slow-hosts.ts";

const TIMEOUT_MS = 120_000;

test.each([1, 2, 3])(
  "messages that overtake each other convict nobody and lose nothing, seed %i",
  (seed) => {
    const { violations, faults } = runSeed(seed, nodeHasher, { alter: overtaken });
    expect(violations).toEqual([]);
    expect(faults.reordering).toBeGreaterThan(500);
    expect(faults.cutOff).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test.each([1, 3, 5])(
  "a replica is wiped as soon as the one before counts again, and nothing is lost, seed %i",
  (seed) => {
    const { violations, faults } = runSeed(seed, nodeHasher, { alter: admissions });
    expect(violations).toEqual([]);
    expect(faults.wipes).toBe(2);
    expect(faults.chosenLosses).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test("ten seconds after a busy machine is fast again, one client's many requests are all answered (seed 2)", {
  timeout: TIMEOUT_MS,
}, () => {
  const { violations, faults } = runSeed(2, nodeHasher, { alter: slowHosts });
  expect(violations).toEqual([]);
  expect(faults["fact:serverConvicted"]).toBeGreaterThanOrEqual(3);
});

test.each([1, 2, 3, 4])(
  "what is held takes effect once when it is released, else never, through crashes of the regulator, seed %i",
  (seed) => {
    const { violations, faults } = runSeed(seed, nodeHasher, { alter: held });
    expect(violations).toEqual([]);
    expect(faults.toldHeld).toBeGreaterThan(0);
    expect(faults.releasesOrdered).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

import { describe, expect, test } from "vitest";
import {
  credulousRegulator,
  forgetfulMaster,
  forgetfulReplica,
  hastyMaster,
  hastyRegulator,
  hastyReplica,
  impatientRegulator,
} from "./broken-cores.test-support.ts";
import { nodeHasher } from "./hasher.test-support.ts";
import { runSeed, type SeedOptions } from "./scenario.ts";
import { ambushed } from "./worlds/ambush.ts";
import { powerCuts } from "./worlds/power-cuts.ts";

const TIMEOUT_MS = 120_000;

/** Invariants (not liveness) violated by the first seed that notices anything. */
function caughtWithin(seeds: number, options: SeedOptions): string[] {
  for (let seed = 1; seed <= seeds; seed++) {
    const invariants = runSeed(seed, nodeHasher, options).violations.map(({ invariant }) => invariant);
    const safety = [...new Set(invariants)].filter((invariant) => invariant.startsWith("I"));
    if (safety.length > 0) return safety;
  }
  return [];
}

describe("a core broken in one rule is caught", { timeout: TIMEOUT_MS }, () => {
  test("a replica that forgets its journal in a crash (I3)", () => {
    expect(caughtWithin(40, { wrapCore: forgetfulReplica })).not.toEqual([]);
  });

  test("a master that forgets what it promised and accepted (I8)", () => {
    expect(caughtWithin(20, { wrapCore: forgetfulMaster })).toContain("I8");
  });

  test("a replica that answers before its journal is synced, once the power is cut (I3)", () => {
    expect(caughtWithin(3, { wrapCore: hastyReplica, alter: powerCuts })).toContain("I3");
  });

  test("a master that answers before its journal is synced, once the power is cut", () => {
    expect(caughtWithin(3, { wrapCore: hastyMaster, alter: powerCuts })).not.toEqual([]);
  });

  test("a regulator that releases when t+1 members hold the change instead of all (I3)", () => {
    expect(caughtWithin(4, { wrapCore: hastyRegulator(2), alter: ambushed })).toContain("I3");
  });

  test("a regulator that does not wait for what a change follows (I3)", () => {
    expect(caughtWithin(40, { wrapCore: impatientRegulator })).toContain("I3");
  });

  test("a regulator that takes every verdict for a pass (I2)", () => {
    expect(caughtWithin(20, { wrapCore: credulousRegulator })).not.toEqual([]);
  });
});

describe("the right cores pass where the broken ones are caught", { timeout: TIMEOUT_MS }, () => {
  test.each([1, 2, 3])("power cuts, seed %i", (seed) => {
    const { violations, faults } = runSeed(seed, nodeHasher, { alter: powerCuts });
    expect(violations).toEqual([]);
    expect(faults.everythingAtOnce).toBeGreaterThan(5);
  });

  test.each([1, 2, 3, 4])("ambushes, seed %i", (seed) => {
    const { violations, faults } = runSeed(seed, nodeHasher, { alter: ambushed });
    expect(violations).toEqual([]);
    expect(faults.ambushes).toBeGreaterThan(5);
  });
});

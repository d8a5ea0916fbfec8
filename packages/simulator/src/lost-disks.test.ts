import { describe, expect, test } from "vitest";
import { nodeHasher } from "./hasher.test-support.ts";
import { planWorld, runSeed } from "./scenario.ts";
import { World } from "./world.ts";
import { lostDisks } from "./worlds/power-cuts.ts";

const TIMEOUT_MS = 120_000;

describe("replicas that lose their disks one after the other", { timeout: TIMEOUT_MS }, () => {
  test.each([1, 2, 3, 4])("violate nothing, seed %i", (seed) => {
    const { violations, faults } = runSeed(seed, nodeHasher, { alter: lostDisks });
    expect(violations).toEqual([]);
    expect(faults.wipes).toBe(3);
  });

  test("are struck off, gather everything and are members again", () => {
    const world = new World(lostDisks(planWorld(2, nodeHasher)));
    world.run();
    const decisions = [...world.observation().decisions.values()].flat().flatMap((it) => it.decisions);
    const seats = decisions.flatMap((it) => (it.kind === "epochOpened" ? [it.members.length] : []));
    expect(Math.min(...seats)).toBe(2);
    const cores = [1, 2, 3].map((number) => world.host(`state-replica-${number}`).core);
    expect(cores).toEqual(Array.from(cores, () => expect.objectContaining({ transfer: expect.anything() })));
    const states = cores.map((core) => ("transfer" in core ? core.transfer : undefined));
    expect(states).toEqual(states.map(() => expect.objectContaining({ state: "member" })));
  });
});

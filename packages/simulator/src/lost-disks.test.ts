import { describe, expect, test } from "vitest";
import { nodeHasher } from "./hasher.test-support.ts";
import { planWorld, runSeed } from "./scenario.ts";
import { World } from "./world.ts";
import { growsAndShrinks } from "./worlds/member-orders.ts";
import { bitFlips, lostDisks } from "./worlds/power-cuts.ts";

const TIMEOUT_MS = 120_000;

describe("replicas that lose their disks one after the other", { timeout: TIMEOUT_MS }, () => {
  test.each([1, 2, 3, 4])("violate nothing, seed %i", (seed) => {
    const { violations, faults } = runSeed(seed, nodeHasher, { alter: lostDisks });
    expect(violations).toEqual([]);
    expect(faults.wipes).toBe(3);
  });

  test.each([1, 2, 3, 4, 5, 6])("or records of them violate nothing, seed %i", (seed) => {
    const { violations, faults } = runSeed(seed, nodeHasher, { alter: bitFlips });
    expect(violations).toEqual([]);
    expect(faults.bitFlips).toBeGreaterThan(0);
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

describe("a group that grows from three to five members and shrinks again", { timeout: TIMEOUT_MS }, () => {
  test.each([1, 2])("violates nothing, and no client notices, seed %i", (seed) => {
    const { violations, faults } = runSeed(seed, nodeHasher, { alter: growsAndShrinks });
    expect(violations).toEqual([]);
    expect(faults.memberOrders).toBe(2);
  });

  test("seats one admitted replica after the other, and t grows with the last", () => {
    const world = new World(growsAndShrinks(planWorld(1, nodeHasher)));
    world.run();
    const decisions = [...world.observation().decisions.values()];
    const longest = decisions.reduce((best, stream) => (stream.length > best.length ? stream : best), []);
    const terms = longest.flatMap((slot) =>
      slot.decisions.flatMap((it) =>
        it.kind === "epochOpened" ? [`${it.members.length} tolerate ${it.faultsTolerated}`] : [],
      ),
    );
    const changes = terms.filter((each, index) => each !== terms[index - 1]);
    expect(changes.at(0)).toBe("3 tolerate 1");
    expect(changes).toContain("5 tolerate 2");
    expect(changes.at(-1)).toBe("3 tolerate 1");
    expect(changes).not.toContain("3 tolerate 2");
    expect(changes).not.toContain("4 tolerate 2");
  });
});

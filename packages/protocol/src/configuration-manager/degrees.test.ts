import { describe, expect, test } from "vitest";
import { planDegreeChange } from "./degree-plan.ts";
import { countForFaults, degreeStatus } from "./degree-status.ts";
import { type Placement, placeServers, type ServerComponent } from "./placement.ts";

describe("what a degree is worth", () => {
  test("masters tolerate f of 2f+1 crashes and need a majority", () => {
    expect(degreeStatus("state-master", 3, 3, true)).toMatchObject({
      quorum: 2,
      faultsToleratedNow: 1,
      faultsToleratedByDesign: 1,
    });
    expect(degreeStatus("state-master", 5, 3, true)).toMatchObject({ quorum: 3, faultsToleratedNow: 0 });
    expect(degreeStatus("state-master", 5, 2, true)).toMatchObject({ faultsToleratedNow: 0, live: 2 });
  });

  test("replicas tolerate t of 2t+1 in any way and need t+1", () => {
    expect(degreeStatus("state-replica", 5, 5, true)).toMatchObject({ quorum: 3, faultsToleratedNow: 2 });
    expect(degreeStatus("state-replica", 3, 2, true)).toMatchObject({ quorum: 2, faultsToleratedNow: 0 });
  });

  test("acceptance tests count like the replicas they run beside, and like a farm where they have servers", () => {
    expect(degreeStatus("acceptance-test-server", 3, 3, true)).toMatchObject({ quorum: 2, faultsToleratedNow: 1 });
    expect(degreeStatus("acceptance-test-server", 3, 3, false)).toMatchObject({ quorum: 1, faultsToleratedNow: 2 });
  });

  test("a farm without quorum works with one", () => {
    expect(degreeStatus("execution-server", 3, 1, true)).toMatchObject({ quorum: 1, faultsToleratedNow: 0 });
    expect(degreeStatus("execution-server", 3, 0, true).faultsToleratedNow).toBe(0);
  });

  test("more live servers than wanted tolerate no more than the design", () => {
    expect(degreeStatus("execution-server", 3, 5, true).faultsToleratedNow).toBe(2);
  });

  test("faults and counts agree with each other", () => {
    const components: ServerComponent[] = ["execution-server", "state-master", "state-replica"];
    for (const component of components)
      for (const faults of [0, 1, 2, 3]) {
        const count = countForFaults(component, faults, true);
        expect(degreeStatus(component, count, count, true).faultsToleratedByDesign).toBe(faults);
      }
  });
});

describe("a plan", () => {
  const nodes = ["node-1", "node-2", "node-3"].map((name) => ({ name, slots: 2 }));
  const wanted = { "execution-server": 3 };
  const placement: Placement[] = (() => {
    const placed = placeServers(nodes, wanted, []);
    if (!placed.ok) throw new Error("three servers fit");
    return placed.value;
  })();
  const plan = (target: number, live = 3) =>
    planDegreeChange({ component: "execution-server", target, nodes, wanted, placement, live, collocated: true });

  test("upwards starts what is missing and touches nothing else", () => {
    const { steps, availability, blockers } = plan(5);
    expect(steps.map(({ action, server, liveAfter }) => `${action} ${server} ${liveAfter}`)).toEqual([
      "start execution-server-4 4",
      "start execution-server-5 5",
    ]);
    expect(availability.ok).toBe(true);
    expect(blockers).toEqual([]);
  });

  test("downwards drains before it stops, the highest numbers", () => {
    expect(plan(2).steps.map(({ action, server, liveAfter }) => `${action} ${server} ${liveAfter}`)).toEqual([
      "drain execution-server-3 3",
      "stop execution-server-3 2",
    ]);
  });

  test("without slots has no steps and says how many are missing and what helps", () => {
    const { steps, blockers, availability } = plan(8);
    expect(steps).toEqual([]);
    expect(availability.ok).toBe(false);
    expect(blockers[0]?.sentence).toBe("2 more slots are needed than the nodes have free.");
    expect(blockers[0]?.remedy).toContain("ask for 6");
  });

  test("that would leave nobody working is blocked", () => {
    expect(plan(1, 1).blockers).toHaveLength(1);
  });

  test("that changes nothing says so", () => {
    expect(plan(3).steps).toEqual([]);
    expect(plan(3).warnings[0]).toContain("nothing would change");
  });
});

import { describe, expect, it } from "vitest";
import { type Degree, headlineOf, toleranceOf } from "./tolerance.ts";

const degree = (live: number, wanted: number, quorum: number, now: number, design: number): Degree => ({
  live,
  wanted,
  quorum,
  faultsToleratedNow: now,
  faultsToleratedByDesign: design,
});

describe("toleranceOf", () => {
  it.each([
    ["three of three replicas", "state-replica", degree(3, 3, 2, 1, 1), "good", "quorate, 1 fault left"],
    ["three of five replicas", "state-replica", degree(3, 5, 3, 0, 2), "warn", "quorate, 0 faults left"],
    ["one of three masters", "state-master", degree(1, 3, 2, 0, 1), "bad", "quorum lost"],
    ["a single regulator", "traffic-regulator", degree(1, 1, 1, 0, 0), "idle", "no tolerance by design"],
    ["no regulator", "traffic-regulator", degree(0, 1, 1, 0, 0), "bad", "not serving"],
    ["two of three execution servers", "execution-server", degree(2, 3, 1, 1, 2), "warn", "serving, 1 fault left"],
  ] as const)("%s", (_case, component, given, tone, sentence) => {
    expect(toleranceOf(component, given)).toEqual({ tone, sentence });
  });
});

describe("headlineOf", () => {
  it("names the worst groups and never calls the unknown good", () => {
    expect(headlineOf({}).tone).toBe("idle");
    const mixed = { "state-master": degree(1, 3, 2, 0, 1), "execution-server": degree(2, 3, 1, 1, 2) };
    expect(headlineOf(mixed)).toMatchObject({ tone: "bad", groups: ["state-master"] });
    expect(headlineOf({ "state-replica": degree(3, 3, 2, 1, 1) }).tone).toBe("good");
  });
});

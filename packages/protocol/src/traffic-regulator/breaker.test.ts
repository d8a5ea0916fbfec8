import { describe, expect, test } from "vitest";
import { Breaker, type ConfirmedFailure } from "./breaker.ts";

const MINUTE_MS = 60_000;
const START = 1_700_000_000_000;

const failure = (principal: string, changes: Partial<ConfirmedFailure> = {}): ConfirmedFailure => ({
  applicationVersion: "v1",
  operation: "put",
  check: "conserves",
  principal,
  inGoodStanding: true,
  onTrial: false,
  ...changes,
});

const outcomes = (breaker: Breaker, ...failures: readonly (readonly [ConfirmedFailure, number])[]) =>
  failures.map(([each, at]) => breaker.count(each, START + at));

describe("the breaker", () => {
  test("trips at the third principal of good standing within a minute", () => {
    const breaker = new Breaker();
    const seen = outcomes(
      breaker,
      [failure("a"), 0],
      [failure("a"), 1],
      [failure("b"), 2],
      [failure("c"), 3],
      [failure("d"), 4],
    );
    expect(seen.map(({ withhold, tripped }) => [withhold, tripped])).toEqual([
      [false, false],
      [false, false],
      [false, false],
      [true, true],
      [true, false],
    ]);
  });

  test("is not tripped by newcomers, and while open blames nobody, newcomers neither", () => {
    const breaker = new Breaker();
    for (const principal of ["a", "b", "c", "d"])
      expect(breaker.count(failure(principal, { inGoodStanding: false }), START).tripped).toBe(false);
    for (const principal of ["a", "b", "c"]) breaker.count(failure(principal), START);
    expect(breaker.count(failure("newcomer", { inGoodStanding: false }), START + 1).withhold).toBe(true);
  });

  test("does not add up failures far apart, of different checks, or of different versions", () => {
    const breaker = new Breaker();
    const seen = outcomes(
      breaker,
      [failure("a"), 0],
      [failure("b"), MINUTE_MS + 1],
      [failure("c"), MINUTE_MS + 2],
      [failure("d", { check: "other" }), MINUTE_MS + 3],
      [failure("e", { applicationVersion: "v2" }), MINUTE_MS + 4],
    );
    expect(seen.some(({ tripped }) => tripped)).toBe(false);
  });

  test("adds up the failures of a trial however far apart they are", () => {
    const breaker = new Breaker();
    const onTrial = { onTrial: true };
    const seen = outcomes(
      breaker,
      [failure("a", onTrial), 0],
      [failure("b", onTrial), 10 * MINUTE_MS],
      [failure("c", onTrial), 20 * MINUTE_MS],
    );
    expect(seen[2]).toMatchObject({ tripped: true, since: 0 });
  });

  test("closes after five quiet minutes, once, and then counts anew", () => {
    const breaker = new Breaker();
    outcomes(breaker, [failure("a"), 0], [failure("b"), 0], [failure("c"), 0]);
    expect(breaker.takeClosed(START + 4 * MINUTE_MS)).toEqual([]);
    expect(breaker.isSuspect("v1", "put", START + 4 * MINUTE_MS)).toBe(true);
    expect(breaker.takeClosed(START + 5 * MINUTE_MS)).toHaveLength(1);
    expect(breaker.takeClosed(START + 6 * MINUTE_MS)).toEqual([]);
    expect(breaker.isSuspect("v1", "put", START + 6 * MINUTE_MS)).toBe(false);
    expect(breaker.count(failure("d"), START + 6 * MINUTE_MS).withhold).toBe(false);
  });

  test("concerns one operation of one version, and closes with it", () => {
    const breaker = new Breaker();
    outcomes(breaker, [failure("a"), 0], [failure("b"), 0], [failure("c"), 0]);
    expect(breaker.isSuspect("v1", "get", START)).toBe(false);
    expect(breaker.isSuspect("v2", "put", START)).toBe(false);
    expect(breaker.closeAll("v2", START)).toEqual([]);
    expect(breaker.closeAll("v1", START)).toHaveLength(1);
    expect(breaker.isSuspect("v1", "put", START)).toBe(false);
  });

  test("comes back open from the journal, and stays bounded", () => {
    const breaker = new Breaker();
    outcomes(breaker, [failure("a"), 0], [failure("b"), 0], [failure("c"), 0]);
    const circuit = breaker.view(failure("a"));
    const after = new Breaker();
    if (circuit) after.restore(circuit);
    expect(after.isSuspect("v1", "put", START + MINUTE_MS)).toBe(true);
    for (let number = 0; number < 1_000; number++) after.count(failure("a", { check: `check ${number}` }), START);
    expect(after.views(START).length).toBeLessThanOrEqual(256);
    expect(after.isSuspect("v1", "put", START + MINUTE_MS)).toBe(true);
  });
});

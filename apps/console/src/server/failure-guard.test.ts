import { describe, expect, it } from "vitest";
import { FailureGuard } from "./failure-guard.ts";

const guard = () => new FailureGuard({ failuresMax: 3, windowMs: 1000, namesMax: 2 });

describe("FailureGuard", () => {
  it("lets a name through until it failed too often, and again when the window is over", () => {
    const one = guard();
    for (const atMs of [0, 10, 20]) {
      expect(one.waitMs("ann", atMs)).toBe(0);
      one.failed("ann", atMs);
    }
    expect(one.waitMs("ann", 30)).toBe(970);
    expect(one.waitMs("bob", 30)).toBe(0);
    expect(one.waitMs("ann", 1000)).toBe(0);
  });
  it("forgets failures at a success", () => {
    const one = guard();
    for (let index = 0; index < 3; index += 1) one.failed("ann", 0);
    one.succeeded("ann");
    expect(one.waitMs("ann", 1)).toBe(0);
  });
  it("remembers a limited number of names", () => {
    const one = guard();
    for (let index = 0; index < 3; index += 1) one.failed("ann", 0);
    one.failed("bob", 1);
    one.failed("eve", 2);
    expect(one.waitMs("ann", 3)).toBe(0);
  });
});

import { describe, expect, it } from "vitest";
import { all, conserves, must, onlyChanges, unchanged } from "./combinators.ts";
import { countCombinators } from "./strength.ts";

describe("strength of an acceptance test", () => {
  it("counts the combinators it is made of, however deep they are", () => {
    const check = all(
      conserves("account", () => 0),
      all(
        onlyChanges({ "account/{id}": "all" }),
        must("a", () => true),
      ),
      must("b", () => true),
      unchanged(),
    );
    expect(countCombinators(check)).toEqual({ conserves: 1, "only-changes": 1, must: 2, unchanged: 1 });
  });

  it("counts a function of the developer's own as custom, alone and inside", () => {
    expect(countCombinators(() => undefined)).toEqual({ custom: 1 });
    expect(countCombinators(all(() => undefined))).toEqual({ custom: 1 });
  });
});

import { expect, test } from "vitest";
import { checkTitle } from "./check-titles.ts";

test("a check reads as what it asks for, and an application's own check by its own words", () => {
  expect(checkTitle("conserves")).toBe("the total stays the same");
  expect(checkTitle("reply-matches")).toBe("reply matches");
  expect(checkTitle("constructor")).toBe("constructor");
});

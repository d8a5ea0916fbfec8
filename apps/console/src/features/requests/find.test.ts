import { expect, test } from "vitest";
import { onlyMatch, wantedBy } from "./find.ts";

const id = "ab12cd".padEnd(64, "0");

test("a whole id, a beginning as tables show it, and an object's name are told apart", () => {
  expect(wantedBy(` ${id.toUpperCase()} `)).toEqual({ kind: "request", requestId: id });
  expect(wantedBy("ab12cd34…")).toEqual({ kind: "beginning", beginning: "ab12cd34" });
  expect(wantedBy("account/7")).toEqual({ kind: "object", object: "account/7" });
});

test.each(["", "ab12", "<img>", "../etc", "zzzzzz"])("%s is no guess but a question back", (typed) => {
  expect(wantedBy(typed).kind).toBe("unclear");
});

test("a beginning finds the only request that has it, never one of several", () => {
  const other = "ab12ce".padEnd(64, "0");
  expect(onlyMatch("ab12cd", [{ requestId: id }, { requestId: id }, { requestId: null }])).toEqual({ requestId: id });
  expect(onlyMatch("ab12c", [{ requestId: id }, { requestId: other }])).toHaveProperty("sentence");
  expect(onlyMatch("ffffff", [{ requestId: id }])).toHaveProperty("sentence");
});

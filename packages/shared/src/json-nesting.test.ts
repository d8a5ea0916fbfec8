import { expect, test } from "vitest";
import { isNestedWithin } from "./json-nesting.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

test("a text is within a depth that it reaches, and not within one less", () => {
  expect(isNestedWithin(nested(128), 128)).toBe(true);
  expect(isNestedWithin(nested(129), 128)).toBe(false);
  expect(isNestedWithin(`{"a":${nested(5)},"b":{"c":[{}]}}`, 6)).toBe(true);
  expect(isNestedWithin(`{"a":${nested(5)},"b":{"c":[{}]}}`, 5)).toBe(false);
});

test("what stands beside each other is not nested, however much it is", () => {
  expect(isNestedWithin(`[${"[],".repeat(10_000)}[]]`, 2)).toBe(true);
});

test("brackets in texts do not count, and quotes behind a backslash end no text", () => {
  expect(isNestedWithin(JSON.stringify(["[".repeat(500), '"[[[', "\\", "{{{{"]), 1)).toBe(true);
  expect(isNestedWithin(`["\\\\",${nested(4)}]`, 4)).toBe(false);
});

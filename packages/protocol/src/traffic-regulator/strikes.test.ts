import { expect, test } from "vitest";
import { detectorOf, isStruckOut, strikeKind } from "./strikes.ts";

const struck = (...kinds: string[]) =>
  isStruckOut(new Map(kinds.map((kind, index) => [`execution-server-${index} 1`, kind])));

test("a request is malformed when it failed in the same way on three distinct processes (ADR 0004)", () => {
  expect(struck("acceptance-test", "acceptance-test")).toBe(false);
  expect(struck("acceptance-test", "acceptance-test", "acceptance-test")).toBe(true);
});

test("a killed or silent process does not count together with two that lie", () => {
  expect(struck("crash", "acceptance-test", "acceptance-test")).toBe(false);
  expect(struck("deadline", "acceptance-test", "crash", "acceptance-test")).toBe(false);
});

test("five processes are enough, in whatever ways it failed there", () => {
  expect(struck("deadline", "acceptance-test", "crash", "acceptance-test", "crash")).toBe(true);
});

test("a worker that ended and a process that is gone are one way of failing", () => {
  expect(strikeKind("crash", "process-gone")).toBe(strikeKind("crash", "crash"));
  expect(strikeKind("crash", "thrown")).not.toBe(strikeKind("crash", "crash"));
  expect(strikeKind("deadline", "timeout")).toBe(strikeKind("deadline", "deadline"));
});

test("too long and too much computed are one way of failing: which of them comes first is chance", () => {
  expect(strikeKind(detectorOf("cpu"), "cpu")).toBe(strikeKind(detectorOf("timeout"), "timeout"));
  expect(strikeKind(detectorOf("cpu"), "cpu")).not.toBe(strikeKind(detectorOf("crash"), "crash"));
});

import { expect, test } from "vitest";
import type { Adversary } from "./adversary.ts";
import { shifting } from "./shifting.ts";

const parts: readonly Adversary[] = ["A1", "A2", "A3"].map((id) => ({ id, title: id }));

/** A few numbers over and over. */
const drawing = (numbers: readonly number[]) => {
  let turn = 0;
  return () => numbers[turn++ % numbers.length] as number;
};

test("an intruder keeps its ways for a stretch and then changes them", () => {
  const isActive = shifting(parts, drawing([0, 0.1, 0.9, 0.1, 0, 0.9, 0.1, 0.9]));
  const activeNow = () => parts.filter((part) => isActive(part)).map(({ id }) => id);
  const first = activeNow();
  const seen = new Set(Array.from({ length: 50 }, () => activeNow().join("+")));
  expect(first.length).toBeGreaterThan(0);
  expect(seen.size).toBeGreaterThan(1);
});

test("within one stretch the same behaviours are at work", () => {
  const isActive = shifting(parts, drawing([0.999, 0.1, 0.9, 0.1]));
  const answers = Array.from({ length: 100 }, () => parts.map((part) => isActive(part)));
  expect(new Set(answers.map((each) => each.join()))).toEqual(new Set(["true,false,true"]));
});

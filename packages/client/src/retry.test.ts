import fc from "fast-check";
import { expect, test } from "vitest";
import { pauseBefore } from "./retry.ts";

const question = { attempts: 1, leftMs: 60_000, chance: 0, wallMs: 1_000_000 };

test("pauses grow and stay below a second", () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 20, 1_000].map((attempts) => pauseBefore({ ...question, attempts }) ?? 0);
  expect(pauses).toEqual([...pauses].sort((left, right) => left - right));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(1_000);
});

test.each([
  ["1", 1_000],
  ["3600", 2_000],
  [new Date(1_001_500).toUTCString(), 1_000],
  ["soon", 12.5],
  [undefined, 12.5],
])("Retry-After %s leads to a pause of %i ms", (retryAfter, expected) => {
  expect(pauseBefore({ ...question, retryAfter })).toBe(expected);
});

test("no pause ever ends after the deadline", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: -10, max: 5_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempts, leftMs, chance) => {
        const pauseMs = pauseBefore({ ...question, attempts, leftMs, chance });
        expect(pauseMs === undefined || (pauseMs > 0 && pauseMs < leftMs)).toBe(true);
      },
    ),
  );
});

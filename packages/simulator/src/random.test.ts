import { expect, test } from "vitest";
import { EventQueue } from "./event-queue.ts";
import { seededRandom } from "./random.ts";

test("the same seed gives the same numbers, neighbouring seeds give unrelated ones", () => {
  const draw = (seed: number) => Array.from({ length: 50 }, seededRandom(seed));
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7).filter((value, index) => Math.abs(value - (draw(8)[index] ?? 0)) < 0.01).length).toBeLessThan(6);
});

test("a fork does not depend on how much its parent has drawn", () => {
  const parent = seededRandom(3);
  const early = parent.fork("network")();
  parent();
  expect(parent.fork("network")()).toBe(early);
  expect(parent.fork("manager")()).not.toBe(early);
});

test("numbers are spread evenly enough", () => {
  const random = seededRandom(1);
  const buckets = new Array<number>(10).fill(0);
  for (let index = 0; index < 10_000; index++) {
    const bucket = random.below(10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  for (const count of buckets) expect(count).toBeGreaterThan(800);
});

test("events come out in the order of time, equal times in the order they were put in", () => {
  const queue = new EventQueue<string>();
  for (const [at, event] of [
    [5, "c"],
    [1, "a"],
    [5, "d"],
    [3, "b"],
  ] as const)
    queue.put(at, event);
  expect([0, 1, 2, 3].map(() => queue.take()?.event)).toEqual(["a", "b", "c", "d"]);
  expect(queue.take()).toBeUndefined();
});

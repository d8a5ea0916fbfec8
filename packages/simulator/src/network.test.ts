import { expect, test } from "vitest";
import { type FaultCounts, Network } from "./network.ts";
import { seededRandom } from "./random.ts";

const networkOf = (faults = {}) => {
  const counts: FaultCounts = {};
  const network = new Network(seededRandom(5), counts);
  network.faults = { loss: 0, duplication: 0, reordering: 0, delayMs: 1, ...faults };
  return { network, counts };
};

test("without faults every message arrives once and in order", () => {
  const { network } = networkOf();
  const arrivals = Array.from({ length: 100 }, (_, index) => network.arrivals("a", "b", index / 10));
  expect(arrivals.every((times) => times.length === 1)).toBe(true);
  const times = arrivals.flat();
  expect([...times].sort((left, right) => left - right)).toEqual(times);
});

test("loss, duplication and reordering happen as often as asked for, and are counted", () => {
  const { network, counts } = networkOf({ loss: 0.2, duplication: 0.2, reordering: 0.2 });
  for (let index = 0; index < 1_000; index++) network.arrivals("a", "b", index);
  for (const kind of ["loss", "duplication", "reordering"]) {
    expect(counts[kind]).toBeGreaterThan(80);
    expect(counts[kind]).toBeLessThan(280);
  }
});

test("a cut is one way, and lasts until the last fault that made it is over", () => {
  const { network } = networkOf();
  network.cut("a", "b");
  network.cut("a", "b");
  expect(network.arrivals("a", "b", 0)).toEqual([]);
  expect(network.arrivals("b", "a", 0)).toHaveLength(1);
  network.mend("a", "b");
  expect(network.arrivals("a", "b", 0)).toEqual([]);
  network.mend("a", "b");
  expect(network.arrivals("a", "b", 0)).toHaveLength(1);
});

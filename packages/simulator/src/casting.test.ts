import { WORKER_ADVERSARIES } from "@redoubt/adversary";
import { expect, test } from "vitest";
import { castMixed } from "./casting.ts";
import type { ClusterShape } from "./cluster.ts";
import { seededRandom } from "./random.ts";

const shapeFor = (faultsTolerated: number): ClusterShape => ({
  profile: "basic",
  faultsTolerated,
  executionServers: 4,
  replicas: 2 * faultsTolerated + 1,
  masters: 3,
  acceptanceTestServers: 2,
});
const replicas = Array.from({ length: 5 }, (_, index) => `state-replica-${index + 1}`);
const casts = Array.from({ length: 200 }, (_, seed) => castMixed(seededRandom(seed), shapeFor(2), replicas));

test("in a mixed seed exactly t replicas lie at the same time, and at most one acceptance test server keeps silent", () => {
  for (const { liars } of casts) {
    const names = [...liars.keys()];
    expect(names.filter((name) => name.startsWith("state-replica"))).toHaveLength(2);
    expect(names.filter((name) => name.startsWith("acceptance-test-server")).length).toBeLessThanOrEqual(1);
  }
});

test("no more than two processes lie in shadow runs where nobody may be framed", () => {
  const workers = new Set<unknown>(WORKER_ADVERSARIES);
  const lying = casts.map(({ intruders, mayFrame }) => ({
    mayFrame,
    count: [...intruders.values()].filter((behaviours) => behaviours.some((each) => workers.has(each))).length,
  }));
  for (const { mayFrame, count } of lying) if (!mayFrame) expect(count).toBeLessThanOrEqual(1);
  expect(lying.some(({ mayFrame, count }) => mayFrame && count > 2)).toBe(true);
});

test("captured execution servers have two to four behaviours each, and an honest life in the end", () => {
  const all = casts.flatMap(({ intruders }) => [...intruders]);
  expect(all.length).toBeGreaterThan(200);
  for (const [process, behaviours] of all) {
    expect(behaviours.length).toBeGreaterThanOrEqual(2);
    expect(behaviours.length).toBeLessThanOrEqual(4);
    expect(Number(process.split("/")[1])).toBeLessThanOrEqual(3);
  }
});

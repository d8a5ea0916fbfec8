import { describe, expect, test } from "vitest";
import { planSplit, RecentTouches } from "./split-plan.ts";

const everywhere = () => true;
const times = (count: number, ...clusters: number[]) => Array.from({ length: count }, () => clusters);

describe("a split of a domain", () => {
  test("moves about half of the load, and no request of late needs both parts", () => {
    const touches = [...times(30, 1, 2), ...times(20, 3), ...times(20, 4), ...times(30, 9, 8)];
    const part = planSplit(touches, everywhere, 100);
    expect(part).toEqual([4, 8, 9]);
    for (const clusters of touches) {
      const moving = clusters.filter((cluster) => part?.includes(cluster)).length;
      expect([0, clusters.length]).toContain(moving);
    }
  });

  test("is none where everything hangs together, however loosely", () => {
    const ring = Array.from({ length: 100 }, (_, index) => [index % 10, (index + 1) % 10]);
    expect(planSplit(ring, everywhere, 1)).toBeUndefined();
  });

  test("is none for one hot object cluster, for too little to judge by, and for other domains' requests", () => {
    expect(planSplit([...times(90, 1), ...times(10, 2)], everywhere, 1)).toBeUndefined();
    expect(planSplit([...times(5, 1), ...times(5, 2)], everywhere, 11)).toBeUndefined();
    expect(planSplit([...times(50, 1), ...times(50, 2)], (cluster) => cluster === 1, 1)).toBeUndefined();
    expect(planSplit([], everywhere, 0)).toBeUndefined();
  });

  test("is judged by the last requests only", () => {
    const touches = new RecentTouches(4);
    for (const cluster of [1, 2, 3, 4, 5]) touches.add([cluster]);
    expect(touches.all.flat().sort()).toEqual([2, 3, 4, 5]);
    touches.clear();
    expect(touches.all).toEqual([]);
  });
});

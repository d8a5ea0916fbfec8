import type { Decision } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { DecisionStream } from "./decision-stream.ts";

const decision: Decision = {
  kind: "primary",
  component: "traffic-regulator",
  server: "r",
  epoch: 1,
  nonce: "n",
};

describe("the decision stream", () => {
  test("packed as its newest slots says where it begins, and has nothing older afterwards", () => {
    const stream = new DecisionStream();
    for (const slot of [2, 3, 5, 8]) stream.add(slot, slot, [decision]);
    stream.add(9, 9, []);
    const restored = new DecisionStream();
    restored.load(stream.pack(2));
    expect(restored.keptAfter).toBe(3);
    expect(restored.chunk(2)).toBeUndefined();
    expect(restored.chunk(3)).toEqual({ through: 9, slots: stream.chunk(3)?.slots });
    expect(restored.chunk(3)?.slots.map(({ slot }) => slot)).toEqual([5, 8]);
  });

  test("packed with room for all its slots is the same afterwards", () => {
    const stream = new DecisionStream();
    for (const slot of [2, 3, 5]) stream.add(slot, slot, [decision]);
    const restored = new DecisionStream();
    restored.load(stream.pack(3));
    expect(restored.pack()).toEqual(stream.pack());
    expect(restored.chunk(0)?.slots.map(({ slot }) => slot)).toEqual([2, 3, 5]);
  });
});

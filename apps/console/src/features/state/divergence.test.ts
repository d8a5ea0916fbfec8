import { describe, expect, it } from "vitest";
import { replicaC1s, replicaNames } from "./divergence.ts";

const version = (c1: string, ...replicas: [string, string][]) => ({
  c1,
  replicas: replicas.map(([server, each]) => ({ server, c1: each })),
});

describe("C1 per replica", () => {
  const versions = [
    version("a", ["state-replica-10", "a"], ["state-replica-2", "b"]),
    version("c", ["state-replica-1", "c"]),
  ];
  it("names every replica once, by number", () => {
    expect(replicaNames(versions)).toEqual(["state-replica-1", "state-replica-2", "state-replica-10"]);
  });
  it("tells the odd one from the silent one", () => {
    const [first] = versions;
    expect(first && replicaC1s(first, replicaNames(versions)).map(({ agrees }) => agrees)).toEqual([null, false, true]);
  });
});

import { describe, expect, it } from "vitest";
import { answering, copiesOf, replicaNames, sentenceOf } from "./divergence.ts";

type Given = readonly [server: string, c1: string, mark?: "corrupt" | "repaired"];
const version = (c1: string, ...replicas: Given[]) => ({
  c1,
  replicas: replicas.map(([server, each, mark]) => ({ server, c1: each, mark })),
});

describe("C1 per replica", () => {
  const versions = [
    version("a", ["state-replica-10", "a"], ["state-replica-2", "b"]),
    version("c", ["state-replica-1", "c"]),
  ] as const;
  const names = replicaNames(versions, ["state-replica-3"]);

  it("names every member and replica once, by number", () => {
    expect(names).toEqual(["state-replica-1", "state-replica-2", "state-replica-3", "state-replica-10"]);
  });

  it("tells the odd one from the one that lacks a version and from the silent one", () => {
    const states = copiesOf(versions[0], names, answering(versions)).map(({ state }) => state);
    expect(states).toEqual(["absent", "differs", "silent", "same"]);
  });

  it("shows what a scrub found and mended", () => {
    const scrubbed = version("a", ["r1", "f", "corrupt"], ["r2", "a", "repaired"], ["r3", "a"]);
    const copies = copiesOf(scrubbed, ["r1", "r2", "r3"], answering([scrubbed]));
    expect(copies.map(({ state }) => state)).toEqual(["corrupt", "repaired", "same"]);
    expect(sentenceOf(copies)).toBe(
      "2 of 3 replicas store the same bytes. r1 has found its copy corrupt. r2 has repaired its copy.",
    );
  });
});

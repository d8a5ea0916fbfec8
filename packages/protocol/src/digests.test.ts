import type { Digest } from "@redoubt/shared";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { computeRequestId, digestInput } from "./digests.ts";
import { nodeHasher } from "./testing/hasher.test-support.ts";

const inputDigest = digestInput(nodeHasher, "{}");
const idOf = (client: string, key: string, operation = "put", input: Digest = inputDigest) =>
  computeRequestId(nodeHasher, client, key, operation, input);

describe("a request id", () => {
  it("of one client is never that of another, however the texts are cut", () => {
    expect(idOf("a", "bc")).not.toBe(idOf("ab", "c"));
    expect(idOf("alice", "k", "put")).not.toBe(idOf("alice", "kput", ""));
    const text = fc.string({ maxLength: 12, unit: fc.constantFrom("a", "b", "\u0000", "\u0001", "ä") });
    const names = fc.tuple(text, text, text);
    fc.assert(
      fc.property(names, names, (one, other) => {
        const isSame = one.every((part, index) => part === other[index]);
        expect(idOf(...one) === idOf(...other)).toBe(isSame);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is another with another input, operation or key", () => {
    const ids = [
      idOf("alice", "k"),
      idOf("alice", "k", "get"),
      idOf("alice", "l"),
      idOf("alice", "k", "put", digestInput(nodeHasher, "[]")),
    ];
    expect(new Set(ids).size).toBe(4);
  });
});

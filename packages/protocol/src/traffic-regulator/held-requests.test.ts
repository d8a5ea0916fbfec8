import { LIMITS } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { digestText } from "../digests.ts";
import { nodeHasher as hasher } from "../testing/hasher.test-support.ts";
import { type HeldEntry, HeldRequests } from "./held-requests.ts";

describe("held requests are bounded", () => {
  const entryOf = (number: number, changes: Partial<HeldEntry> = {}): HeldEntry => ({
    ...{ kind: "quarantined", attempt: 1, key: "k", address: "127.9.0.7", operation: "save", applicationVersion: "v" },
    ...{ reason: "acceptance-test", check: "conserves", detail: "", executionServer: "", blamed: true, at: 0 },
    ...{ review: "new", isEnding: false, clientId: `client-${number}`, inputText: "{}" },
    requestId: digestText(hasher, "request", String(number)) as string as HeldEntry["requestId"],
    inputDigest: digestText(hasher, "input", String(number)),
    hold: { until: 1, home: 0, admittedAt: 0, seed: digestText(hasher, "seed", ""), attempts: 1 },
    ...changes,
  });
  const fill = (entries: readonly HeldEntry[]): number => {
    const held = new HeldRequests();
    for (const entry of entries) if (held.hasRoomFor(entry)) held.add(entry);
    return held.size;
  };
  const many = (count: number, changes: Partial<HeldEntry> = {}): HeldEntry[] =>
    Array.from({ length: count }, (_, number) => entryOf(number, changes));

  test("in number, in all and for each client", () => {
    expect(fill(many(300))).toBe(256);
    expect(fill(many(300, { clientId: "alice" }))).toBe(16);
  });

  test("in bytes, and room comes back when one is decided", () => {
    const inputText = "x".repeat(LIMITS.inputBytesMax);
    const held = new HeldRequests();
    const entries = many(300, { inputText });
    for (const entry of entries) if (held.hasRoomFor(entry)) held.add(entry);
    expect(held.size).toBe(64);
    const [first] = entries;
    if (first) held.remove(first.requestId);
    expect(held.hasRoomFor(entryOf(999, { inputText }))).toBe(true);
  });
});

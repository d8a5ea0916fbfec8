import type { FeedEvent } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { findEvidence } from "./evidence.ts";

const T = Date.parse("2026-11-02T10:00:00.000Z");
const at = (offset: number): string => new Date(T + offset).toISOString();
const digest = "d".repeat(64);

const misbehaved = (number: number, server: string): FeedEvent => ({
  ...{ kind: "server.misbehaved", number, at: at(number), severity: "notice", server, component: "execution-server" },
  ...{ node: "node-1", act: "overwrite", requestId: digest, ticketDigest: digest, changeDigests: [digest] },
  ...{ reporters: ["state-replica-1"], confirmed: false, count: 1, cause: "not-newest: account/1 is at version 9" },
});

const discarded = (number: number, cause: string): FeedEvent => ({
  ...{ kind: "server.discarded", number, at: at(number), severity: "warning", server: "execution-server-2" },
  ...{ component: "execution-server", node: "node-1", requestId: digest, verdict: "suspected", cause },
});

describe("an event is evidence only if", () => {
  const expects = { acts: ["overwrite"], discarded: /acceptance test/ } as const;
  const find = (...events: FeedEvent[]) => findEvidence(events, "execution-server-2", T + 10, expects);

  test("it names the server, says what is expected and is not older than the beginning", () => {
    const evidence = { event: 12, kind: "server.misbehaved", requestId: digest, reporters: ["state-replica-1"] };
    expect(find(misbehaved(12, "execution-server-2"))).toMatchObject({ at: T + 12, by: "overwrite", evidence });
    expect(find(misbehaved(12, "execution-server-1"))).toBeUndefined();
    expect(find(misbehaved(9, "execution-server-2"))).toBeUndefined();
  });

  test("a discard gives the expected cause", () => {
    expect(find(discarded(11, "a deadline passed (deadline): no change"))).toBeUndefined();
    const found = find(
      discarded(11, "a deadline passed: x"),
      discarded(13, "an acceptance test failed (conserves): y"),
    );
    expect(found).toMatchObject({ by: "an acceptance test failed (conserves)", evidence: { event: 13 } });
  });
});

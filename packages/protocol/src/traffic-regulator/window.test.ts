import { LIMITS } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { KeyQuota } from "./key-quota.ts";
import { Stage } from "./stage.test-support.ts";

const HOUR_MS = 60 * 60 * 1_000;
const windowMs = 10 * 60_000;

const typeOf = (stage: Stage, exchange: string): string =>
  JSON.parse(stage.responses.get(exchange)?.bodyText ?? "{}")
    .type?.split("/")
    .at(-1) ?? "";

function outcomeOf(stage: Stage, request: ReturnType<Stage["dispatch"]>, admittedAt: number): void {
  const decision = stage.verified(request);
  if (decision.kind !== "verified") throw new Error("unreachable");
  const { change, replyDigest } = decision;
  const outcome = { kind: "verified" as const, change, replyDigest, admittedAt };
  stage.message("state-master-1", { kind: "outcomes", outcomes: [{ requestId: request.requestId, outcome }] });
}

/** Time without the ticks between: only clocks go on. */
const later = (stage: Stage, ms: number): void => {
  stage.now += ms;
};

describe("a key within the window gets its reply again, one that is older 410", () => {
  test("while the reply is in memory", () => {
    const stage = new Stage({}, { windowMs });
    const request = stage.dispatch("alice", { object: "a" }, { key: "k" });
    stage.answerAll(request);
    later(stage, windowMs - 10);
    expect(stage.status(stage.admit("alice", { object: "a" }, { key: "k" }))).toBe(200);
    later(stage, 20);
    const late = stage.admit("alice", { object: "a" }, { key: "k" });
    expect([stage.status(late), typeOf(stage, late)]).toEqual([410, "key-expired"]);
    expect(stage.dispatches).toHaveLength(1);
  });

  test("when only the masters know the id; it is executed no second time, and asked again the next time", () => {
    const stage = new Stage({}, { windowMs });
    const request = stage.dispatch("alice", { object: "a" }, { key: "k" });
    stage.answerAll(request);
    const { now } = request.ticket.body;
    later(stage, windowMs + 1_000);
    stage.pass(200);
    for (const round of [1, 2]) {
      const late = stage.admit("alice", { object: "a" }, { key: "k" });
      expect(stage.core.describe(request.requestId)).toEqual({ log: "L3", state: "checking" });
      outcomeOf(stage, request, now);
      expect([round, stage.status(late), typeOf(stage, late)]).toEqual([round, 410, "key-expired"]);
      expect(stage.core.describe(request.requestId)).toBeUndefined();
    }
    expect(stage.dispatches).toHaveLength(1);
  });

  test("also after a restart, and the repetition leaves nothing behind", () => {
    const stage = new Stage({}, { windowMs });
    const request = stage.dispatch("alice", { object: "a" }, { key: "k" });
    stage.answerAll(request);
    later(stage, windowMs + 1_000);
    stage.restart();
    const late = stage.admit("alice", { object: "a" }, { key: "k" });
    outcomeOf(stage, request, request.ticket.body.now);
    expect(stage.status(late)).toBe(410);
    stage.restart();
    expect(stage.core.logs.L3).toBe(0);
    expect(stage.dispatches).toHaveLength(1);
  });

  test("by the time of admission, not of the reply", () => {
    const stage = new Stage({}, { windowMs });
    const request = stage.dispatch("alice", { object: "a" }, { key: "k" });
    later(stage, 900);
    stage.answerAll(request);
    later(stage, windowMs - 500);
    expect(stage.status(stage.admit("alice", { object: "a" }, { key: "k" }))).toBe(410);
  });

  test("unknown to the masters: it has no outcome and is dispatched", () => {
    const stage = new Stage({}, { windowMs });
    const request = stage.dispatch("alice", { object: "a" }, { key: "k" });
    stage.answerAll(request);
    later(stage, windowMs + 1_000);
    stage.pass(200);
    stage.admit("alice", { object: "a" }, { key: "k" });
    stage.message("state-master-1", {
      kind: "outcomes",
      outcomes: [{ requestId: request.requestId, outcome: { kind: "unknown" } }],
    });
    expect(stage.dispatches).toHaveLength(2);
  });
});

describe("a client's quota of requests within the window", () => {
  test("beyond it 429 with Retry-After, for that client only, also after a restart", () => {
    const stage = new Stage({}, { windowMs, requestsPerClientPerWindowMax: 2 });
    for (const object of ["a", "b"]) stage.answerAll(stage.dispatch("alice", { object }, { key: object }));
    const over = stage.admit("alice", { object: "c" });
    expect([stage.status(over), typeOf(stage, over)]).toEqual([429, "quota-used-up"]);
    expect(Number(stage.responses.get(over)?.headers["retry-after"])).toBeGreaterThan(0);
    expect(stage.status(stage.admit("alice", { object: "a" }, { key: "a" }))).toBe(200);
    stage.dispatch("bob", { object: "c" });
    stage.restart();
    stage.pass(100);
    expect(stage.status(stage.admit("alice", { object: "d" }))).toBe(429);
  });

  test("is there again when the requests have left the window", () => {
    const quota = new KeyQuota(24 * HOUR_MS, 3);
    for (const hour of [0, 1, 1]) quota.add("alice", hour * HOUR_MS);
    expect([quota.isUsedUp("alice", 2 * HOUR_MS), quota.isUsedUp("bob", 2 * HOUR_MS)]).toEqual([true, false]);
    expect(quota.isUsedUp("alice", 23.9 * HOUR_MS)).toBe(true);
    expect(quota.isUsedUp("alice", 24 * HOUR_MS)).toBe(false);
    quota.add("alice", 24 * HOUR_MS);
    expect(quota.isUsedUp("alice", 24 * HOUR_MS)).toBe(true);
    expect(quota.isUsedUp("alice", 1_000 * HOUR_MS)).toBe(false);
  });

  test("a clock that goes back takes nothing off, and what is older than the window does not count", () => {
    const quota = new KeyQuota(24 * HOUR_MS, 1);
    quota.add("alice", 100 * HOUR_MS);
    expect(quota.isUsedUp("alice", 50 * HOUR_MS)).toBe(true);
    quota.add("bob", 100 * HOUR_MS);
    quota.add("carol", 100 * HOUR_MS);
    quota.add("carol", 50 * HOUR_MS);
    expect(quota.isUsedUp("carol", 124 * HOUR_MS)).toBe(false);
  });

  test("leaves room for any one client between the limits of pending and of remembered requests", () => {
    expect(LIMITS.requestsPerClientPerWindowMax).toBeGreaterThan(LIMITS.pendingRequestsPerClientMax);
  });
});

import { describe, expect, test } from "vitest";
import { STALLED_MS } from "./quorum.ts";
import { PASS, Stage } from "./stage.test-support.ts";

const MORE_THAN_STALLED_MS = STALLED_MS + 600;

/** A released write: from here on the regulator has something to ask silent members for. */
function stageAtWork(): Stage {
  const stage = new Stage();
  const first = stage.dispatch("alice", { object: "a" });
  stage.answerAll(first);
  expect(stage.status(first.exchange)).toBe(200);
  return stage;
}

/** Lets time pass in which these members give signs of life, and the masters decide or do not. */
function passWith(stage: Stage, ms: number, members: readonly string[], mastersDecide: boolean): void {
  for (let passed = 0; passed < ms; passed += 100) {
    if (mastersDecide) stage.decide();
    for (const member of members) stage.signOfLife(member);
    stage.pass(100);
  }
}

describe("when so many servers are missing that nothing can be decided", () => {
  test("more than t silent members: who waits is answered 503 before the deadline, and the request stays in L3", () => {
    const stage = stageAtWork();
    const waiting = stage.dispatch("alice", { object: "a" }, { key: "k" });
    stage.answer("state-replica-1", waiting, { verdict: PASS });
    passWith(stage, MORE_THAN_STALLED_MS, ["state-replica-1"], true);
    const response = stage.responses.get(waiting.exchange);
    expect(response?.status).toBe(503);
    expect(response?.headers["retry-after"]).toBe("2");
    expect(response?.bodyText).toContain("below-quorum");
    expect(response?.bodyText).toContain("same Idempotency-Key");
    expect(stage.core.isBelowQuorum).toBe(true);
    expect(stage.core.logs.L3).toBe(1);
  });

  test("new requests are answered 503 at once and not taken in; a repeat of one that was is answered 503, too", () => {
    const stage = stageAtWork();
    stage.dispatch("alice", { object: "a" }, { key: "k" });
    passWith(stage, MORE_THAN_STALLED_MS, [], true);
    const admitted = stage.journal.filter(({ kind }) => kind === "admitted").length;
    const fresh = stage.admit("alice", { object: "b" });
    expect(stage.status(fresh)).toBe(503);
    expect(stage.responses.get(fresh)?.bodyText).toContain("not taken in");
    expect(stage.journal.filter(({ kind }) => kind === "admitted")).toHaveLength(admitted);
    const repeat = stage.admit("alice", { object: "a" }, { key: "k" });
    expect(stage.status(repeat)).toBe(503);
  });

  test("when the members are back the request is answered to whoever repeats it, and new ones are taken in", () => {
    const stage = stageAtWork();
    const waiting = stage.dispatch("alice", { object: "a" }, { key: "k" });
    passWith(stage, MORE_THAN_STALLED_MS, [], true);
    expect(stage.status(waiting.exchange)).toBe(503);
    stage.answerAll(waiting);
    expect(stage.core.isBelowQuorum).toBe(false);
    expect(stage.status(stage.admit("alice", { object: "a" }, { key: "k" }))).toBe(200);
    const next = stage.dispatch("alice", { object: "b" });
    stage.answerAll(next);
    expect(stage.status(next.exchange)).toBe(200);
  });

  test("no execution server is held responsible for members that ended in the moment it was given a request", () => {
    const stage = stageAtWork();
    stage.dispatch("alice", { object: "a" });
    passWith(stage, MORE_THAN_STALLED_MS, [], true);
    expect(stage.factsOf("discardServer")).toEqual([]);
  });

  test("t members missing and no majority of the masters: 503, until the masters decide again", () => {
    const stage = stageAtWork();
    const two = ["state-replica-1", "state-replica-2"];
    const waiting = stage.dispatch("alice", { object: "a" }, { key: "k" });
    for (const member of two) stage.answer(member, waiting, { verdict: PASS });
    passWith(stage, MORE_THAN_STALLED_MS, two, false);
    expect(stage.status(waiting.exchange)).toBe(503);
    stage.decide(stage.verified(waiting));
    expect(stage.status(stage.admit("alice", { object: "a" }, { key: "k" }))).toBe(200);
    expect(stage.core.isBelowQuorum).toBe(false);
  });
});

describe("what is no missing quorum", () => {
  test("t members missing while the masters decide, however long it takes", () => {
    const stage = stageAtWork();
    const two = ["state-replica-1", "state-replica-2"];
    const waiting = stage.dispatch("alice", { object: "a" });
    for (const member of two) stage.answer(member, waiting, { verdict: PASS });
    passWith(stage, 2 * STALLED_MS, two, true);
    expect(stage.responses.get(waiting.exchange)).toBeUndefined();
    expect(stage.core.isBelowQuorum).toBe(false);
  });

  test("masters that are away while all members are there: replies leave without them", () => {
    const stage = stageAtWork();
    passWith(stage, MORE_THAN_STALLED_MS, ["state-replica-1", "state-replica-2", "state-replica-3"], false);
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request);
    expect(stage.status(request.exchange)).toBe(200);
  });

  test("a quiet hour: nobody asks, nobody is missed", () => {
    const stage = stageAtWork();
    stage.pass(10 * STALLED_MS);
    expect(stage.core.isBelowQuorum).toBe(false);
    expect(stage.dispatch("alice", { object: "a" }).attempt).toBe(1);
  });
});

import { describe, expect, test } from "vitest";
import { changeOf, type Dispatched, fails, MEMBERS, PASS, Stage } from "./stage.test-support.ts";

/** Lets up to 10 s pass, with everybody's signs of life, until the request is dispatched once more. */
function nextAttempt(stage: Stage, request: Dispatched): Dispatched {
  for (let waited = 0; waited < 10_000; waited += 100) {
    const last = stage.dispatches.at(-1);
    if (last && last.attempt > request.attempt) return last;
    stage.heartbeat();
    stage.pass(100);
  }
  throw new Error("not dispatched again");
}

describe("a read that cannot be released is made again", () => {
  test("when a lying verdict and a refusing member leave it unjudged (simulator seed 938)", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" }, { operation: "get" });
    stage.answer("state-replica-1", request, { verdict: PASS, durable: false });
    stage.answer("state-replica-2", request, { verdict: fails(), durable: false });
    const again = nextAttempt(stage, request);
    for (const member of MEMBERS) stage.answer(member, again, { verdict: PASS, durable: false });
    expect(stage.status(request.exchange)).toBe(200);
  });

  test("when the masters decided it and its reply is lost with the members' memories (simulator seed 927)", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" }, { operation: "get" });
    stage.decide(stage.verified(request));
    const again = nextAttempt(stage, request);
    for (const member of MEMBERS) stage.answer(member, again, { verdict: PASS, durable: false });
    expect(stage.status(request.exchange)).toBe(200);
  });
});

test("a change that is neither released nor dead for long gets a new epoch, whose settlement decides it", () => {
  const stage = new Stage();
  const request = stage.dispatch("alice", { object: "a" });
  stage.answer("state-replica-1", request, { verdict: PASS });
  stage.answer("state-replica-2", request, { verdict: fails() });
  const again = nextAttempt(stage, request);
  expect(stage.sentOf("requestEpoch").length).toBeGreaterThan(0);
  expect(stage.factsOf("discardServer")).toHaveLength(0);
  stage.answerAll(again);
  expect(stage.status(request.exchange)).toBe(200);
});

test("members that held a rival of a survivor are asked again, though they have answered (simulator seed 124)", () => {
  const stage = new Stage();
  const request = stage.dispatch("alice", { object: "a" });
  stage.answer("state-replica-1", request, { change: "rival", verdict: PASS });
  stage.answer("state-replica-2", request, { change: "rival", verdict: PASS });
  stage.answer("state-replica-3", request, { verdict: fails() });
  stage.settle("execution-server-2", undefined, [request]);
  stage.sent.length = 0;
  stage.heartbeat();
  stage.pass(100);
  const asked = stage.sent.filter(
    ({ message }) =>
      message.kind === "answerAgain" && message.requests.some(({ requestId }) => requestId === request.requestId),
  );
  expect(asked.map(({ to }) => to)).toContain("state-replica-2");
  stage.answer("state-replica-2", request, { verdict: fails() });
  expect(stage.sentOf("requestEpoch").at(-1)?.message).toMatchObject({ invalid: [{ digest: changeOf(request) }] });
});

test("what the masters were asked to make invalid is released by their decision alone (simulator seed 269)", () => {
  const stage = new Stage();
  const request = stage.dispatch("alice", { object: "a" });
  const invalidated = () =>
    stage
      .sentOf("requestEpoch")
      .filter(({ message }) => message.kind === "requestEpoch" && message.invalid[0]?.digest === changeOf(request))
      .length;
  stage.mastersAnswer = false;
  stage.answer("state-replica-1", request, { verdict: PASS });
  stage.answer("state-replica-2", request, { verdict: fails() });
  stage.answer("state-replica-3", request, { verdict: fails() });
  expect(invalidated()).toBe(1);
  // Another epoch is opened first, and the settlement keeps the change; then a member's memory of its accesses is gone.
  stage.settle("execution-server-2", undefined, [request]);
  expect(invalidated()).toBeGreaterThan(1);
  stage.answer("state-replica-2", request, { verdict: PASS });
  stage.answer("state-replica-3", request, { verdict: PASS });
  expect(stage.status(request.exchange)).toBeUndefined();
  stage.decide(stage.verified(request));
  expect(stage.status(request.exchange)).toBe(200);
});

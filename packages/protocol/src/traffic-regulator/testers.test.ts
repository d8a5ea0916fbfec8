import { type ShadowVerdictMessage, ZERO_DIGEST } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { digestReply } from "../digests.ts";
import { nodeHasher as hasher } from "../testing/hasher.test-support.ts";
import { changeOf, fails, PASS, Stage } from "./stage.test-support.ts";

const misbehaviours = (stage: Stage) => stage.factsOf("misbehaviour");

describe("a verdict against those of t+1 others is told", () => {
  it("when it passes what they fail", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answer("state-replica-1", request, { verdict: PASS });
    stage.answer("state-replica-2", request, { verdict: fails() });
    expect(misbehaviours(stage)).toEqual([]);
    stage.answer("state-replica-3", request, { verdict: fails() });
    expect(misbehaviours(stage)).toMatchObject([
      { server: "state-replica-1", component: "state-replica", act: "false-verdict", confirmed: false },
    ]);
    expect(stage.factsOf("discardServer")).toHaveLength(1);
  });

  it("when it fails what they pass, and the reply leaves", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answer("state-replica-2", request, { verdict: fails() });
    stage.answer("state-replica-1", request, { verdict: PASS });
    stage.answer("state-replica-3", request, { verdict: PASS });
    expect(misbehaviours(stage)).toMatchObject([{ server: "state-replica-2", act: "false-verdict" }]);
    expect(stage.status(request.exchange)).toBe(200);
    expect(stage.factsOf("discardServer")).toEqual([]);
  });

  it("not at once for checks by what each member saw for itself: right testers can differ there", () => {
    const stage = new Stage();
    const requests = Array.from({ length: 9 }, (_, index) => stage.dispatch("alice", { object: `a${index}` }));
    const oppose = (count: number): void => {
      for (const request of requests.splice(0, count)) {
        stage.answer("state-replica-2", request, { verdict: fails("access-log") });
        stage.answer("state-replica-1", request, { verdict: PASS });
        stage.answer("state-replica-3", request, { verdict: PASS });
      }
    };
    oppose(8);
    expect(misbehaviours(stage)).toEqual([]);
    oppose(1);
    expect(misbehaviours(stage)).toMatchObject([{ server: "state-replica-2", act: "false-verdict", count: 9 }]);
  });
});

it("a tester that passes what t+1 others fail for an access they logged has left its log out, or has seen less", () => {
  const stage = new Stage();
  const request = stage.dispatch("alice", { object: "a" });
  stage.answer("state-replica-1", request, { verdict: PASS });
  stage.answer("state-replica-2", request, { verdict: fails("access-log") });
  stage.answer("state-replica-3", request, { verdict: fails("access-log") });
  expect(misbehaviours(stage)).toMatchObject([{ server: "state-replica-1", act: "omitted-log", confirmed: false }]);
});

describe("a verdict that does not come", () => {
  const ASKED = 15;

  it("is told of a tester that holds the change and goes on saying nothing", () => {
    const stage = new Stage();
    const requests = Array.from({ length: ASKED }, (_, index) => stage.dispatch("alice", { object: `a${index}` }));
    for (const request of requests)
      for (const tester of request.ticket.body.testers)
        stage.answer(tester, request, tester === "state-replica-1" ? {} : { verdict: PASS });
    expect(misbehaviours(stage)).toEqual([]);
    stage.pass(900);
    expect(misbehaviours(stage)).toMatchObject([{ server: "state-replica-1", act: "withheld-verdict", count: 5 }]);
  });

  it("is not told of one that all testers are late with", () => {
    const stage = new Stage();
    const requests = Array.from({ length: ASKED }, (_, index) => stage.dispatch("alice", { object: `a${index}` }));
    for (const request of requests) for (const tester of request.ticket.body.testers) stage.answer(tester, request, {});
    stage.pass(900);
    expect(misbehaviours(stage)).toEqual([]);
  });
});

describe("a reply's text", () => {
  it("that has not the digest beside it is proof against its sender, and does not leave", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    const { requestId, attempt } = request;
    stage.message("state-replica-1", {
      kind: "answer",
      requestId,
      attempt,
      changeDigest: changeOf(request, "change"),
      replyDigest: digestReply(hasher, '{"body":{"done":true},"status":200}'),
      follows: [],
      durable: true,
      known: false,
      verdict: PASS,
      reply: '{"body":{"done":false},"status":200}',
    });
    expect(misbehaviours(stage)).toMatchObject([{ server: "state-replica-1", act: "forged-reply", confirmed: true }]);
    stage.answer("state-replica-2", request, { verdict: PASS });
    stage.answer("state-replica-3", request, { verdict: PASS });
    expect(stage.responses.get(request.exchange)?.bodyText).toBe('{"done":true}');
  });
});

describe("a result for a shadow run that is not under way", () => {
  const result = (run: string, executionServer = "execution-server-2"): ShadowVerdictMessage => ({
    kind: "shadowVerdict",
    run,
    verdict: PASS,
    resultDigest: ZERO_DIGEST,
    executionServer,
    ticketDigest: ZERO_DIGEST,
  });

  it("is told by the word of the member that tested it, confirmed by t+1", () => {
    const stage = new Stage();
    stage.message("state-replica-1", result("invented"));
    expect(misbehaviours(stage)).toMatchObject([
      { server: "execution-server-2", act: "fabricated-reply", reporters: ["state-replica-1"], confirmed: false },
    ]);
    stage.message("state-replica-2", result("invented"));
    expect(misbehaviours(stage).at(-1)).toMatchObject({ confirmed: true });
    stage.message("state-replica-9", result("invented", "execution-server-3"));
    expect(misbehaviours(stage)).toHaveLength(2);
  });

  it("may be late for a run that was", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    for (let count = 0; count < 32; count++) stage.message("state-replica-1", result(`${request.requestId}/1`));
    expect(misbehaviours(stage)).toEqual([]);
    stage.message("state-replica-1", result(`${request.requestId}/1`));
    expect(misbehaviours(stage)).toHaveLength(1);
  });
});

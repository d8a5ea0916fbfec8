import type { Decision } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { changeOf, fails, MEMBERS, PASS, Stage, TESTERS } from "./stage.test-support.ts";

describe("the paper's stories, as transcripts", () => {
  test("all members well: the reply leaves without any decision of the masters, L2 before it", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request);
    expect(stage.transcript).toMatchInlineSnapshot(`
      [
        "L3 + r1 of alice",
        "execution-server-1: dispatch r1/1",
        "L3 -> L2 r1 200",
        "-> x1: 200",
      ]
    `);
    expect(stage.responses.get(request.exchange)).toMatchObject({
      status: 200,
      bodyText: '{"done":true}',
      headers: { "content-type": "application/json", "redoubt-request-id": request.requestId },
    });
  });

  test("server guilty: the client still gets its 200 and nobody is blamed", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request, { verdict: fails() });
    const [run] = stage.shadowRuns;
    if (!run) throw new Error("no shadow run");
    stage.shadowVerdicts(run, PASS);
    const again = stage.dispatches.at(-1);
    if (!again) throw new Error("not dispatched again");
    stage.answerAll(again);
    expect(stage.transcript).toMatchInlineSnapshot(`
      [
        "L3 + r1 of alice",
        "execution-server-1: dispatch r1/1",
        "fact: discard execution-server-1 (acceptance-test)",
        "state-master-1: requestEpoch for execution-server-2 without r1",
        "== epoch for execution-server-2 settled",
        "execution-server-3: shadowRun r1/2",
        "fact: execution-server-1 convicted",
        "execution-server-2: dispatch r1/3",
        "L3 -> L2 r1 200",
        "-> x1: 200",
      ]
    `);
    expect(stage.status(request.exchange)).toBe(200);
    expect(stage.core.isBlocked({ principal: "alice" })).toBe(false);
    expect(stage.factsOf("serverConvicted")).toHaveLength(1);
  });

  test("request malformed: 403 only after the masters closed it, L1, blocks, signature; others are served on", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" }, { address: "127.9.0.7" });
    const bystander = stage.dispatch("bob", { object: "b" });
    stage.answerAll(request, { verdict: fails() });
    for (let run = stage.shadowRuns.shift(); run; run = stage.shadowRuns.shift()) stage.shadowVerdicts(run, fails());
    expect(stage.status(request.exchange)).toBeUndefined();
    stage.decide({ kind: "closed", requestId: request.requestId, home: request.ticket.body.home });
    const again = stage.dispatches.filter(({ requestId }) => requestId === bystander.requestId).at(-1);
    if (again) stage.answerAll(again);
    expect(stage.transcript).toMatchInlineSnapshot(`
      [
        "L3 + r1 of alice",
        "execution-server-1: dispatch r1/1",
        "L3 + r2 of bob",
        "execution-server-1: dispatch r2/1",
        "fact: discard execution-server-1 (acceptance-test)",
        "state-master-1: requestEpoch for execution-server-2 without r1",
        "== epoch for execution-server-2 settled",
        "execution-server-3: shadowRun r1/2",
        "execution-server-2: dispatch r2/2",
        "execution-server-2: shadowRun r1/3",
        "state-master-1: close r1",
        "L1 + r1 acceptance-test: conserves",
        "block alice 127.9.0.7",
        "signature learned",
        "-> x1: 403",
        "L3 -> L2 r2 200",
        "-> x2: 200",
      ]
    `);
    expect(stage.status(request.exchange)).toBe(403);
    expect(stage.responses.get(request.exchange)?.bodyText).not.toContain("conserves");
    expect(stage.status(bystander.exchange)).toBe(200);
    expect(stage.status(stage.admit("alice", { object: "c" }))).toBe(403);
    expect(stage.status(stage.admit("bob", { object: "c" }, { address: "127.9.0.7" }))).toBe(403);
    expect(stage.factsOf("hostBlocked")).toEqual([
      {
        kind: "hostBlocked",
        principal: "alice",
        address: "127.9.0.7",
        requestId: request.requestId,
        reason: "acceptance-test",
      },
    ]);
    expect(stage.factsOf("quarantined")).toMatchObject([{ check: "conserves", clientId: "alice", host: "127.9.0.7" }]);
  });

  test("crash with three inside: each is run alone, only the one that fails alone is condemned", () => {
    const stage = new Stage();
    const poison = stage.dispatch("alice", { object: "a" });
    const second = stage.dispatch("bob", { object: "b" });
    const third = stage.dispatch("carol", { object: "c" });
    stage.executionFailed(poison, "crash", [second.requestId, third.requestId]);
    for (let run = stage.shadowRuns.shift(); run; run = stage.shadowRuns.shift()) {
      if (run.requestId === poison.requestId) stage.executionFailed(run, "crash");
      else stage.shadowVerdicts(run, PASS);
    }
    stage.decide({ kind: "closed", requestId: poison.requestId, home: poison.ticket.body.home });
    for (const again of stage.dispatches.slice(3)) stage.answerAll(again);
    expect(stage.transcript).toMatchInlineSnapshot(`
      [
        "L3 + r1 of alice",
        "execution-server-1: dispatch r1/1",
        "L3 + r2 of bob",
        "execution-server-1: dispatch r2/1",
        "L3 + r3 of carol",
        "execution-server-1: dispatch r3/1",
        "fact: discard execution-server-1 (crash)",
        "state-master-1: requestEpoch for execution-server-2",
        "== epoch for execution-server-2 settled",
        "execution-server-3: shadowRun r1/2",
        "execution-server-3: shadowRun r2/2",
        "execution-server-3: shadowRun r3/2",
        "execution-server-2: shadowRun r1/3",
        "execution-server-2: dispatch r2/3",
        "execution-server-2: dispatch r3/3",
        "state-master-1: close r1",
        "L1 + r1 crash: crash",
        "block alice 127.9.0.1",
        "signature learned",
        "-> x1: 403",
        "L3 -> L2 r2 200",
        "-> x2: 200",
        "L3 -> L2 r3 200",
        "-> x3: 200",
      ]
    `);
    expect([poison, second, third].map(({ exchange }) => stage.status(exchange))).toEqual([403, 200, 200]);
    expect(stage.core.isBlocked({ principal: "bob" })).toBe(false);
  });

  test("too much CPU time: its server is discarded in these words, and the request is tried alone elsewhere", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.executionFailed(request, "cpu");
    expect(stage.factsOf("discardServer")).toMatchObject([
      { server: request.server, detector: "deadline", check: "cpu", detail: "cpu" },
    ]);
    for (let run = stage.shadowRuns.shift(); run; run = stage.shadowRuns.shift()) stage.executionFailed(run, "cpu");
    stage.decide({ kind: "closed", requestId: request.requestId, home: request.ticket.body.home });
    expect(stage.factsOf("quarantined")).toMatchObject([{ reason: "repeated-timeout", check: "cpu" }]);
  });

  test("equivocation: two signatures for one ticket convict the server without a shadow run", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answer("state-replica-1", request, { change: "one", verdict: PASS });
    stage.answer("state-replica-2", request, { change: "other", verdict: PASS });
    stage.evidence("state-replica-1", request, "one");
    stage.evidence("state-replica-2", request, "other");
    const again = stage.dispatches.at(-1);
    if (!again) throw new Error("not dispatched again");
    stage.answerAll(again);
    expect(stage.transcript).toMatchInlineSnapshot(`
      [
        "L3 + r1 of alice",
        "execution-server-1: dispatch r1/1",
        "fact: execution-server-1 convicted",
        "fact: discard execution-server-1 (checksum-vote)",
        "state-master-1: requestEpoch for execution-server-2",
        "== epoch for execution-server-2 settled",
        "execution-server-2: dispatch r1/2",
        "L3 -> L2 r1 200",
        "-> x1: 200",
      ]
    `);
    expect(stage.status(request.exchange)).toBe(200);
    expect(stage.shadowRuns).toHaveLength(0);
  });

  test("a member that lies about the change gets no server discarded: the others show the server's signature", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answer("state-replica-1", request, { verdict: PASS });
    stage.answer("state-replica-2", request, { verdict: PASS });
    stage.answer("state-replica-3", request, { change: "invented" });
    stage.evidence("state-replica-1", request, "change");
    stage.evidence("state-replica-2", request, "change");
    stage.pass(400);
    expect(stage.factsOf("discardServer")).toHaveLength(0);
    stage.decide(stage.verified(request));
    expect(stage.status(request.exchange)).toBe(200);
  });

  test("member missing: the reply waits for the masters' decision", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answer("state-replica-1", request, { verdict: PASS });
    stage.answer("state-replica-2", request, { verdict: PASS });
    stage.pass(50);
    expect(stage.status(request.exchange)).toBeUndefined();
    stage.decide(stage.verified(request));
    expect(stage.transcript).toMatchInlineSnapshot(`
      [
        "L3 + r1 of alice",
        "execution-server-1: dispatch r1/1",
        "L3 -> L2 r1 200",
        "-> x1: 200",
      ]
    `);
    expect(stage.status(request.exchange)).toBe(200);
  });

  test("a reply waits for the one it follows", () => {
    const stage = new Stage();
    const first = stage.dispatch("alice", { object: "a" });
    const second = stage.dispatch("bob", { object: "a" });
    stage.answerAll(second, { verdict: PASS, follows: [changeOf(first)] });
    expect(stage.status(second.exchange)).toBeUndefined();
    stage.answerAll(first);
    expect([first, second].map(({ exchange }) => stage.status(exchange))).toEqual([200, 200]);
  });

  test("regulator restart: nothing is dispatched before a new epoch, a survivor is waited for, a dead attempt made again", () => {
    const stage = new Stage();
    const survivor = stage.dispatch("alice", { object: "a" }, { key: "k1" });
    const dead = stage.dispatch("bob", { object: "b" }, { key: "k2" });
    stage.mastersAnswer = false;
    stage.restart();
    const claim = stage.sentOf("claimPrimary").at(-1)?.message;
    const nonce = claim?.kind === "claimPrimary" ? claim.nonce : "";
    stage.decide({
      kind: "primary",
      component: "traffic-regulator",
      server: "traffic-regulator-1",
      epoch: stage.nextSlot,
      nonce,
    });
    expect(stage.dispatches).toHaveLength(2);
    stage.settle("execution-server-1", undefined, [survivor]);
    expect(stage.core.describe(survivor.requestId)).toEqual({ log: "L3", state: "surviving" });
    stage.message("state-master-1", {
      kind: "outcomes",
      outcomes: [{ requestId: dead.requestId, outcome: { kind: "unknown" } }],
    });
    const again = stage.dispatches.at(-1);
    if (!again) throw new Error("not dispatched again");
    expect(again).toMatchObject({ requestId: dead.requestId, attempt: 2 });
    stage.answerAll(again);
    stage.decide(stage.verified(survivor));
    stage.answer("state-replica-1", survivor);
    expect(stage.transcript).toMatchInlineSnapshot(`
      [
        "L3 + r1 of alice",
        "execution-server-1: dispatch r1/1",
        "L3 + r2 of bob",
        "execution-server-1: dispatch r2/1",
        "-- regulator restarts",
        "state-master-1: requestEpoch for execution-server-1",
        "== epoch for execution-server-1 settled",
        "execution-server-1: dispatch r2/2",
        "L3 -> L2 r2 200",
        "L3 -> L2 r1 200",
      ]
    `);
    expect(stage.status(stage.admit("alice", { object: "a" }, { key: "k1" }))).toBe(200);
    expect(stage.responses.get("x3")?.headers["idempotent-replayed"]).toBe("true");
  });

  test("strict paper: blame at once, no shadow run", () => {
    const stage = new Stage({ strictPaper: true });
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request, { verdict: fails() });
    stage.decide({ kind: "closed", requestId: request.requestId, home: request.ticket.body.home });
    expect(stage.shadowRuns).toHaveLength(0);
    expect(stage.status(request.exchange)).toBe(403);
    expect(stage.core.isBlocked({ principal: "alice", address: "127.9.0.1" })).toBe(true);
  });

  test("basic profile: the designated acceptance test server's word, and the next one when it is silent", () => {
    const stage = new Stage({ profile: "basic" });
    const request = stage.dispatch("alice", { object: "a" });
    const [designated] = request.ticket.body.testers;
    const other = TESTERS.find((tester) => tester !== designated) ?? "";
    for (const member of MEMBERS) stage.answer(member, request);
    stage.pass(400);
    expect(stage.sentOf("redesignate")[0]?.message).toMatchObject({ acceptanceTestServer: other });
    stage.message(other, {
      kind: "acceptance",
      requestId: request.requestId,
      attempt: request.attempt,
      changeDigest: changeOf(request),
      verdict: PASS,
      replyDigest: (stage.verified(request) as Extract<Decision, { kind: "verified" }>).replyDigest,
      reply: '{"body":{"done":true},"status":200}',
    });
    expect(stage.status(request.exchange)).toBe(200);
  });
});

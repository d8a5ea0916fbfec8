import type { Verdict } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { type Dispatched, PASS, Stage } from "./stage.test-support.ts";

const DIED: Verdict = { kind: "unable", detail: "the acceptance test did not end within 500 ms" };

const nextRun = (stage: Stage): Dispatched => {
  const run = stage.shadowRuns.shift();
  if (!run) throw new Error("no shadow run");
  return run;
};

describe("a request on which the acceptance test dies (A36)", () => {
  test("is closed when it died on the results of two processes; nobody is blamed, blocked or ended", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" }, { address: "127.9.0.7" });
    const bystander = stage.dispatch("bob", { object: "b" });
    stage.answerAll(request, { verdict: DIED });
    const run = nextRun(stage);
    expect(run.server).not.toBe(request.server);
    stage.shadowVerdicts(run, DIED);
    stage.decide({ kind: "closed", requestId: request.requestId, home: request.ticket.body.home });
    expect(stage.status(request.exchange)).toBe(503);
    expect(stage.factsOf("quarantined")).toMatchObject([
      { check: "acceptance-test-ended", clientId: "alice", evidence: { blamed: false } },
    ]);
    expect(stage.factsOf("attributed")).toMatchObject([{ guilty: "acceptance-test", servers: [] }]);
    for (const kind of ["discardServer", "serverConvicted", "hostBlocked", "signatureLearned"])
      expect(stage.factsOf(kind)).toEqual([]);
    expect(stage.core.isBlocked({ principal: "alice", address: "127.9.0.7" })).toBe(false);
    stage.answerAll(stage.dispatches.filter(({ requestId }) => requestId === bystander.requestId).at(-1) as Dispatched);
    expect(stage.status(bystander.exchange)).toBe(200);
    const again = stage.dispatch("alice", { object: "c" });
    stage.answerAll(again);
    expect(stage.status(again.exchange)).toBe(200);
  });

  test("and whose result of another process can be tested is made again: once, it was the machine", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request, { verdict: DIED });
    stage.shadowVerdicts(nextRun(stage), PASS);
    const again = stage.dispatches.at(-1) as Dispatched;
    expect(again).toMatchObject({ requestId: request.requestId, server: request.server });
    stage.answerAll(again);
    expect(stage.status(request.exchange)).toBe(200);
    expect(stage.factsOf("discardServer")).toEqual([]);
  });

  test("because a captured server makes it die every time is served, and the server is convicted", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request, { verdict: DIED });
    stage.shadowVerdicts(nextRun(stage), PASS);
    const second = stage.dispatches.at(-1) as Dispatched;
    stage.answerAll(second, { verdict: DIED });
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: request.server, check: "acceptance-test-ended" }]);
    stage.shadowVerdicts(nextRun(stage), PASS);
    expect(stage.factsOf("serverConvicted")).toMatchObject([{ server: request.server }]);
    const third = stage.dispatches.at(-1) as Dispatched;
    expect(third.server).not.toBe(request.server);
    stage.answerAll(third);
    expect(stage.status(request.exchange)).toBe(200);
    expect(stage.core.isBlocked({ principal: "alice" })).toBe(false);
    expect(stage.factsOf("quarantined")).toEqual([]);
  });

  test("keeps its client's others to workers of their own, two at a time, and nobody else's, while it is tried", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request, { verdict: DIED });
    const own = Array.from({ length: 4 }, (_, index) => stage.admit("alice", { object: `a${index}` }));
    expect(stage.dispatches.slice(1).map(({ disposable }) => disposable)).toEqual([true, true]);
    const other = stage.dispatch("bob", { object: "b" });
    expect(other.disposable).toBe(false);
    stage.answerAll(other);
    expect(stage.status(other.exchange)).toBe(200);
    expect(stage.status(request.exchange)).toBeUndefined();
    stage.shadowVerdicts(nextRun(stage), PASS);
    for (let done = 1; done < stage.dispatches.length; done++) stage.answerAll(stage.dispatches[done] as Dispatched);
    expect([request.exchange, ...own].map((exchange) => stage.status(exchange))).toEqual([200, 200, 200, 200, 200]);
  });
});

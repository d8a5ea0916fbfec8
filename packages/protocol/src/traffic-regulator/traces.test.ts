import type { RequestHop, RequestId, RequestTraceSeen } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { fails, MEMBERS, PASS, Stage } from "./stage.test-support.ts";
import { RequestTrace } from "./traces.ts";

/** As the configuration manager is told about one request. */
function traceOf(stage: Stage, log: "L1" | "L2" | "L3", requestId: RequestId): RequestTraceSeen {
  stage.message("configuration-manager-1", { kind: "readLog", query: "q", log, limit: 1, requestId });
  const page = stage.sentOf("logPage").at(-1)?.message;
  const entry = page?.kind === "logPage" ? page.entries[0] : undefined;
  return (entry?.trace ?? { since: 0, host: "", hops: [], omitted: 0 }) as RequestTraceSeen;
}

const wordsOf = (hop: RequestHop): string => {
  switch (hop.kind) {
    case "entered":
      return hop.state;
    case "dispatched":
      return `to ${hop.server}`;
    case "acknowledged":
      return `${hop.server}${hop.verdict ? ` ${hop.verdict.kind}` : ""}`;
    case "answered":
      return `${hop.status} ${hop.because} ${hop.exchanges}/${hop.repeated}`;
    case "decided":
      return `${hop.decision} by masters`;
    default:
      return hop.kind;
  }
};

describe("what is remembered of a request", () => {
  test("every hop of one that went well, with its time since admission, the masters' decision after its release too", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" }, { key: "k" });
    const { testers } = request.ticket.body;
    stage.pass(3);
    stage.answerAll(request);
    stage.pass(2);
    stage.decide(stage.verified(request));
    stage.admit("alice", { object: "a" }, { key: "k" });
    const { hops, since, host } = traceOf(stage, "L2", request.requestId);
    expect(hops.map(wordsOf)).toEqual([
      "waiting",
      `to ${request.server}`,
      "running",
      ...MEMBERS.map((member) => `${member}${testers.includes(member) ? " pass" : ""}`),
      "ended",
      "200 all-members 1/0",
      "verified by masters",
      "repeated",
      "200 logged 1/1",
    ]);
    expect([since, host]).toEqual([1_700_000_000_000 + 1_000, "127.9.0.1"]);
    expect(hops.find(({ kind }) => kind === "acknowledged")?.ms).toBe(3);
    expect(hops.find(({ kind }) => kind === "decided")?.ms).toBe(5);
  });

  test("while it is under way, what has happened so far", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    const [member] = MEMBERS;
    stage.answer(member as string, request);
    expect(traceOf(stage, "L3", request.requestId).hops.map(({ kind }) => kind)).toEqual([
      "entered",
      "dispatched",
      "entered",
      "acknowledged",
    ]);
  });

  test("a member that repeats its word is remembered once; one that changes it, twice", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    const [member] = MEMBERS as [string];
    stage.answer(member, request);
    stage.answer(member, request);
    stage.answer(member, request, { change: "other" });
    const said = traceOf(stage, "L3", request.requestId).hops.filter(({ kind }) => kind === "acknowledged");
    expect(said).toHaveLength(2);
  });

  test("who failed, what the shadow runs showed, and how it ended; the fact of the quarantine carries it (R42)", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" }, { key: "k" });
    stage.answerAll(request, { verdict: fails() });
    for (let run = stage.shadowRuns.shift(); run; run = stage.shadowRuns.shift()) stage.shadowVerdicts(run, fails());
    stage.decide({ kind: "closed", requestId: request.requestId, home: request.ticket.body.home });
    const { hops } = traceOf(stage, "L1", request.requestId);
    expect(hops.find(({ kind }) => kind === "failed")).toMatchObject({
      ...{ detector: "acceptance-test", check: "conserves", server: request.server, attempt: 1 },
    });
    const ended = hops.filter((hop) => hop.kind === "shadowEnded");
    expect(ended.map(({ judgement }) => judgement)).toEqual(["malformed", "malformed"]);
    expect(new Set([request.server, ...ended.map(({ server }) => server)]).size).toBe(3);
    expect(hops.slice(-2).map(wordsOf)).toEqual(["ended", "403 closed 1/0"]);
    const [fact] = stage.factsOf("quarantined");
    expect(fact).toMatchObject({ evidence: { blamed: true, trace: { hops } } });
  });

  test("a server convicted because the shadow run passed", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request, { verdict: fails() });
    const run = stage.shadowRuns.shift();
    if (run) stage.shadowVerdicts(run, PASS);
    const { hops } = traceOf(stage, "L3", request.requestId);
    expect(hops.find(({ kind }) => kind === "shadowEnded")).toMatchObject({ judgement: "innocent" });
    expect(hops.find(({ kind }) => kind === "convicted")).toMatchObject({ server: request.server });
  });

  test("after a restart it begins again, and says so", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.restart();
    expect(traceOf(stage, "L3", request.requestId).hops[0]?.kind).toBe("restored");
  });

  test("pages of a whole log do not carry it", () => {
    const stage = new Stage();
    stage.answerAll(stage.dispatch("alice", { object: "a" }), { verdict: PASS });
    stage.message("configuration-manager-1", { kind: "readLog", query: "q", log: "L2", limit: 10 });
    const page = stage.sentOf("logPage").at(-1)?.message;
    expect(page?.kind === "logPage" && page.entries[0]).not.toHaveProperty("trace");
  });
});

test("a trace is bounded in hops and in the text of each; the first and the last hops stay", () => {
  const trace = new RequestTrace("127.0.0.1", 0, 0);
  trace.add(0, { kind: "restored" });
  for (let index = 0; index < 500; index++) {
    const detail = `${index} ${"x".repeat(100_000)}`;
    trace.add(index, { kind: "failed", attempt: index, server: "s", detector: "crash", check: "crash", detail });
  }
  const { hops, omitted } = trace.seen;
  expect(hops.length + omitted).toBe(501);
  expect(hops.length).toBeLessThan(100);
  expect(hops[0]?.kind).toBe("restored");
  expect(hops.at(-1)?.ms).toBe(499);
  expect(JSON.stringify(hops).length).toBeLessThan(64_000);
});

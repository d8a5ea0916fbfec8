import type { Digest, MisbehaviourAct, RequestId } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { digestEvidence, digestTicket } from "../digests.ts";
import { nodeHasher as hasher } from "../testing/hasher.test-support.ts";
import {
  changeOf,
  type Dispatched,
  fails,
  MEMBERS,
  PASS,
  SERVERS,
  Stage,
  summaryOf,
  TESTERS,
} from "./stage.test-support.ts";

const NOBODY = "0".repeat(64) as RequestId;

function refusal(stage: Stage, member: string, server: string, act: MisbehaviourAct, reason = "not-newest"): void {
  stage.message(member, {
    kind: "refusalReport",
    executionServer: server,
    requestId: NOBODY,
    attempt: 1,
    reason,
    detail: "seen",
    act,
  });
}

const misbehaviours = (stage: Stage) => stage.factsOf("misbehaviour");

describe("what members report of an execution server", () => {
  it("is a fact at once, again when t+1 members confirm it, and then only when there is much more of it", () => {
    const stage = new Stage();
    for (let count = 0; count < 5; count++) refusal(stage, "state-replica-1", "execution-server-1", "rollback");
    expect(misbehaviours(stage)).toMatchObject([
      { server: "execution-server-1", act: "rollback", reporters: ["state-replica-1"], confirmed: false, count: 1 },
    ]);
    refusal(stage, "state-replica-2", "execution-server-1", "rollback");
    expect(misbehaviours(stage).at(-1)).toMatchObject({ confirmed: true, count: 6 });
    for (let count = 0; count < 60; count++) refusal(stage, "state-replica-2", "execution-server-1", "rollback");
    expect(misbehaviours(stage)).toHaveLength(3);
    expect(stage.factsOf("discardServer")).toEqual([]);
  });

  it("counts for each process and act by itself, and for no server there is not", () => {
    const stage = new Stage();
    refusal(stage, "state-replica-1", "execution-server-1", "rollback");
    refusal(stage, "state-replica-2", "execution-server-1", "overwrite");
    refusal(stage, "state-replica-1", "execution-server-2", "rollback");
    refusal(stage, "state-replica-1", "execution-server-9", "rollback");
    refusal(stage, "state-replica-9", "execution-server-3", "rollback");
    expect(misbehaviours(stage).map(({ server, act, confirmed }) => [server, act, confirmed])).toEqual([
      ["execution-server-1", "rollback", false],
      ["execution-server-1", "overwrite", false],
      ["execution-server-2", "rollback", false],
    ]);
  });

  it("discards a server of which t+1 members saw many forged tickets, not one of which a single member says so", () => {
    const stage = new Stage();
    for (let count = 0; count < 9; count++)
      refusal(stage, "state-replica-1", "execution-server-1", "forged-ticket", "ticket");
    expect(stage.factsOf("discardServer")).toEqual([]);
    refusal(stage, "state-replica-2", "execution-server-1", "forged-ticket", "ticket");
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: "execution-server-1", check: "ticket" }]);
  });

  it("counts although a faulty member reports ever so much else between the words of two right ones", () => {
    const stage = new Stage();
    const report = (member: string, requestId: RequestId) =>
      stage.message(member, {
        kind: "refusalReport",
        ...{ executionServer: "execution-server-1", requestId, attempt: 1, reason: "scope", detail: "seen" },
      });
    report("state-replica-1", NOBODY);
    for (let count = 1; count <= 1_000; count++)
      report("state-replica-3", count.toString(16).padStart(64, "0") as RequestId);
    expect(stage.factsOf("discardServer")).toEqual([]);
    report("state-replica-2", NOBODY);
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: "execution-server-1", check: "scope" }]);
  });

  it("tells of a server that still writes long after it lost its lease, not of one whose change was under way", () => {
    const stage = new Stage();
    const late = () =>
      stage.message("state-replica-1", {
        kind: "refusalReport",
        executionServer: "execution-server-1",
        requestId: NOBODY,
        attempt: 1,
        reason: "stale-epoch",
        detail: "",
      });
    stage.settle("execution-server-2");
    late();
    expect(misbehaviours(stage)).toEqual([]);
    stage.pass(1_100);
    late();
    expect(misbehaviours(stage)).toMatchObject([{ server: "execution-server-1", act: "foreign-lease" }]);
  });
});

describe("signatures over changes", () => {
  function show(
    stage: Stage,
    member: string,
    about: Dispatched,
    name: string,
    changes: Partial<Record<string, unknown>> = {},
  ) {
    const digests = [changeOf(about, name)];
    stage.message(member, {
      kind: "evidenceReport",
      requestId: about.requestId,
      attempt: about.attempt,
      changeDigest: digests[0] as Digest,
      summary: summaryOf(about, name),
      evidence: { digests, signature: `key of ${about.server} signed ${digestEvidence(hasher, digests)}` },
      ...changes,
    });
  }

  it("two for one ticket convict their server although all members hold the same change, even by one member's showing", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request);
    show(stage, "state-replica-3", request, "change");
    expect(stage.factsOf("serverConvicted")).toEqual([]);
    show(stage, "state-replica-3", request, "rival");
    expect(stage.factsOf("serverConvicted")).toMatchObject([{ server: "execution-server-1" }]);
    expect(stage.factsOf("discardServer")).toHaveLength(1);
    expect(misbehaviours(stage)).toMatchObject([
      {
        act: "equivocation",
        confirmed: true,
        ticketDigest: digestTicket(hasher, request.ticket.body),
        changeDigests: [changeOf(request, "change"), changeOf(request, "rival")],
      },
    ]);
    expect(stage.status(request.exchange)).toBe(200);
  });

  it("of two tickets convict nobody, although a faulty member passes one off as the other's", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    const other = stage.dispatch("bob", { object: "b" });
    stage.answer("state-replica-1", request, { verdict: PASS });
    stage.answer("state-replica-2", request, { verdict: PASS });
    stage.answer("state-replica-3", request, { change: "invented" });
    show(stage, "state-replica-1", request, "change");
    show(stage, "state-replica-3", request, "change", { changeDigest: changeOf(other), summary: summaryOf(other) });
    show(stage, "state-replica-3", other, "change", { summary: summaryOf(request) });
    show(stage, "state-replica-3", other, "change", { requestId: request.requestId, attempt: request.attempt });
    expect(stage.factsOf("serverConvicted")).toEqual([]);
    show(stage, "state-replica-2", request, "change");
    stage.pass(400);
    expect(stage.factsOf("discardServer")).toEqual([]);
    expect(misbehaviours(stage)).toMatchObject([{ server: "state-replica-3", act: "contradicts-signature" }]);
  });

  it("that are not the server's prove nothing", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    for (const name of ["one", "other"])
      show(stage, "state-replica-1", request, name, {
        evidence: { digests: [changeOf(request, name)], signature: "key of execution-server-2 signed" },
      });
    expect(stage.factsOf("serverConvicted")).toEqual([]);
  });
});

describe("a shadow run is judged by its own server's result under its own ticket only", () => {
  it("others are told as fabrications", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request, { verdict: fails() });
    const [run] = stage.shadowRuns;
    if (!run) throw new Error("no shadow run");
    stage.shadowVerdicts({ ...run, server: "execution-server-2" }, PASS);
    stage.shadowVerdicts({ ...run, ticket: { ...run.ticket, body: { ...run.ticket.body, attempt: 9 } } }, PASS);
    expect(stage.factsOf("serverConvicted")).toEqual([]);
    expect(misbehaviours(stage).map(({ server, act, confirmed }) => [server, act, confirmed])).toEqual([
      ["execution-server-2", "fabricated-reply", false],
      ["execution-server-2", "fabricated-reply", true],
      [run.server, "fabricated-reply", false],
      [run.server, "fabricated-reply", true],
    ]);
    stage.shadowVerdicts(run, PASS);
    expect(stage.factsOf("serverConvicted")).toMatchObject([{ server: "execution-server-1" }]);
  });
});

it("a tester that invents results of an innocent server is named as the one who saw them, and confirms nothing alone", () => {
  const stage = new Stage();
  const failing = stage.dispatch("alice", { object: "a" });
  stage.answerAll(failing, { verdict: fails() });
  const [run] = stage.shadowRuns;
  if (!run) throw new Error("no shadow run");
  const innocent = { ...run, server: "execution-server-2" };
  expect(run.server).not.toBe(innocent.server);
  for (const name of [run.run ?? "", `${NOBODY}/1`])
    stage.message("state-replica-3", {
      kind: "shadowVerdict",
      ...{ run: name, verdict: PASS, resultDigest: changeOf(run) },
      ...{ executionServer: innocent.server, ticketDigest: digestTicket(hasher, run.ticket.body) },
    });
  const told = misbehaviours(stage).filter(({ server }) => server === innocent.server);
  expect(told).toMatchObject([{ act: "fabricated-reply", reporters: ["state-replica-3"], confirmed: false }]);
});

describe("a member whose list in a settlement is impossible", () => {
  it("is told to people as the masters say, and no server that is no member", () => {
    const stage = new Stage();
    for (const member of ["state-replica-2", "state-replica-2", "state-replica-9"])
      stage.message("state-master-1", { kind: "memberMisbehaved", member, epoch: 7, reason: "broken chain" });
    expect(misbehaviours(stage)).toMatchObject([
      { server: "state-replica-2", component: "state-replica", act: "impossible-list", confirmed: true },
    ]);
  });
});

it("a member whose checksum is not the masters' is told to people as one with a corrupt copy", () => {
  const stage = new Stage();
  const told = { kind: "memberMisbehaved", member: "state-replica-1", epoch: 0, act: "corrupt-copy" } as const;
  stage.message("state-master-1", { ...told, reason: "1 of its checksums differ, the first that of account/7" });
  expect(misbehaviours(stage)).toMatchObject([{ server: "state-replica-1", act: "corrupt-copy", confirmed: true }]);
});

describe("words nobody asked for", () => {
  it("an execution server's about a request that was never dispatched", () => {
    const stage = new Stage();
    stage.message("execution-server-1", {
      kind: "executionFailed",
      requestId: NOBODY,
      attempt: 1,
      reason: "crash",
      detail: "",
      alsoInside: [],
    });
    expect(misbehaviours(stage)).toMatchObject([
      { server: "execution-server-1", act: "fabricated-reply", confirmed: true },
    ]);
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: "execution-server-1", check: "fabricated-reply" }]);
  });

  it("and all that it says after it was discarded is dropped, about genuine requests too (R49)", () => {
    const stage = new Stage();
    const genuine = stage.dispatch("alice", { object: "a" });
    const invented = { ...genuine, requestId: NOBODY };
    stage.executionFailed(invented, "crash");
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: genuine.server, check: "fabricated-reply" }]);
    const again = stage.dispatches.at(-1) as Dispatched;
    expect(again).toMatchObject({ requestId: genuine.requestId, attempt: 2 });
    const [facts, sent, journal] = [stage.facts.length, stage.sent.length, stage.journal.length];
    for (let count = 0; count < 100; count++)
      for (const about of [invented, genuine, { ...again, server: genuine.server }])
        stage.executionFailed(about, "crash");
    expect([stage.facts.length, stage.sent.length, stage.journal.length]).toEqual([facts, sent, journal]);
    stage.answerAll(again);
    expect(stage.status(genuine.exchange)).toBe(200);
  });

  it("a result of a run that was never ordered: t+1 testers that show it end its server, one does not (R49)", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    const run = `${request.requestId}/${request.attempt}`;
    const tell = (member: string, result: Dispatched): void =>
      stage.message(member, {
        kind: "shadowVerdict",
        run,
        verdict: PASS,
        resultDigest: changeOf(result),
        executionServer: result.server,
        ticketDigest: changeOf(result),
      });
    tell("state-replica-1", request);
    tell("state-replica-1", request);
    expect(stage.factsOf("discardServer")).toEqual([]);
    tell("state-replica-2", request);
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: request.server, check: "fabricated-reply" }]);
  });

  it("the same told by one member and one acceptance test server ends nobody: both may be the ones that lie", () => {
    const stage = new Stage({ profile: "basic" });
    const request = stage.dispatch("alice", { object: "a" });
    const tell = (witness: string): void =>
      stage.message(witness, {
        kind: "shadowVerdict",
        run: `${request.requestId}/${request.attempt}`,
        verdict: PASS,
        resultDigest: changeOf(request),
        executionServer: request.server,
        ticketDigest: changeOf(request),
      });
    tell(MEMBERS[0] as string);
    tell(TESTERS[0] as string);
    expect(stage.factsOf("discardServer")).toEqual([]);
    tell(TESTERS[1] as string);
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: request.server, check: "fabricated-reply" }]);
  });

  it("far more failures than a server can have: it is ended, and nobody else is", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    const flooder = SERVERS.find((server) => server !== request.server) as string;
    for (let count = 0; count < 1_100; count++)
      stage.executionFailed({ ...request, server: flooder, attempt: 9 }, "crash");
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: flooder, check: "flood" }]);
    stage.answerAll(request);
    expect(stage.status(request.exchange)).toBe(200);
  });

  it("a verdict of an acceptance test server that was not designated (R48), and the client gets one reply", () => {
    const stage = new Stage({ profile: "basic" });
    const request = stage.dispatch("alice", { object: "a" });
    const other = TESTERS.find((tester) => !request.ticket.body.testers.includes(tester)) ?? "";
    for (const member of MEMBERS) stage.answer(member, request);
    const { replyDigest } = stage.verified(request) as Extract<ReturnType<Stage["verified"]>, { kind: "verified" }>;
    const acceptance = {
      kind: "acceptance",
      requestId: request.requestId,
      attempt: request.attempt,
      changeDigest: changeOf(request),
      verdict: PASS,
      replyDigest,
      reply: '{"body":{"done":true},"status":200}',
    } as const;
    stage.message(other, acceptance);
    expect(stage.status(request.exchange)).toBeUndefined();
    expect(misbehaviours(stage)).toMatchObject([{ server: other, act: "duplicate-reply" }]);
    stage.message(request.ticket.body.testers[0] as string, acceptance);
    expect(stage.status(request.exchange)).toBe(200);
  });
});

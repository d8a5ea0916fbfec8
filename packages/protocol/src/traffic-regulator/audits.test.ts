import type { RegulatorConfigurationMessage, ServerName, Verdict } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { changeOf, fails, MEMBERS, PASS, Stage } from "./stage.test-support.ts";

const SERVERS = [1, 2, 3, 4, 5].map((number) => `acceptance-test-server-${number}`);
const REPLY = '{"body":{"done":true},"status":200}';

const wrongVerdicts = (stage: Stage) =>
  stage.facts.flatMap((fact) =>
    fact.kind === "misbehaviour" && "act" in fact && fact.act === "false-verdict" ? [fact] : [],
  );

/** A request of the basic profile that members hold and nobody has judged. */
function held(wanted: Partial<RegulatorConfigurationMessage>, key = "k") {
  const stage = new Stage({ profile: "basic", acceptanceTestServers: SERVERS, ...wanted });
  return { stage, ...next(stage, key) };
}

function next(stage: Stage, key: string) {
  const request = stage.dispatch("alice", { object: "a", key });
  for (const member of MEMBERS) stage.answer(member, request);
  const decision = stage.verified(request);
  const replyDigest = decision.kind === "verified" ? decision.replyDigest : undefined;
  if (!replyDigest) throw new Error("no reply digest");
  const say = (server: ServerName, verdict: Verdict): void =>
    stage.message(server, {
      kind: "acceptance",
      requestId: request.requestId,
      attempt: request.attempt,
      changeDigest: changeOf(request),
      verdict,
      replyDigest,
      reply: REPLY,
    });
  const asked = (): string[] => [
    ...new Set(
      stage
        .sentOf("redesignate")
        .map(({ message }) => (message as { acceptanceTestServer: string }).acceptanceTestServer),
    ),
  ];
  const { testers } = request.ticket.body;
  return { request, say, asked, testers, others: SERVERS.filter((server) => !testers.includes(server)) };
}

describe("a change the masters do not decide although its reply has left", () => {
  it("is shown to one acceptance test server after the other, however many members ask", () => {
    const { stage, request, say, testers } = held({ auditPercent: 0 });
    say(testers[0] as string, PASS);
    expect(stage.status(request.exchange)).toBe(200);
    const named: string[] = [];
    for (let turn = 0; turn < SERVERS.length; turn++) {
      const before = stage.sentOf("redesignate").length;
      for (const member of MEMBERS)
        stage.message(member, { kind: "askTester", requestId: request.requestId, attempt: request.attempt });
      const sent = stage.sentOf("redesignate").slice(before);
      expect(sent.map(({ to }) => to)).toEqual(MEMBERS);
      for (const { message } of sent) if (message.kind === "redesignate") named.push(message.acceptanceTestServer);
      stage.pass(500);
    }
    expect([...new Set(named)].sort()).toEqual(SERVERS);
  });

  it("is asked about by members only, with ids that can be ids, and by each for a share of 256 at a time", () => {
    const { stage, request, say, testers } = held({ auditPercent: 0 });
    say(testers[0] as string, PASS);
    const before = stage.sentOf("redesignate").length;
    const asked = () => (stage.sentOf("redesignate").length - before) / MEMBERS.length;
    const { requestId, attempt } = request;
    stage.message("state-replica-9", { kind: "askTester", requestId, attempt });
    stage.message(MEMBERS[0] as string, { kind: "askTester", requestId: "no id" as never, attempt });
    expect(asked()).toBe(0);
    for (let count = 0; count < 300; count++) {
      const other = count.toString(16).padStart(requestId.length, "0") as typeof requestId;
      stage.message(MEMBERS[0] as string, { kind: "askTester", requestId: other, attempt });
    }
    expect(asked()).toBe(86);
    stage.message(MEMBERS[0] as string, { kind: "askTester", requestId, attempt });
    expect(asked()).toBe(86);
    stage.message(MEMBERS[1] as string, { kind: "askTester", requestId, attempt });
    expect(asked()).toBe(87);
    stage.pass(2_000);
    stage.message(MEMBERS[0] as string, { kind: "askTester", requestId, attempt });
    expect(asked()).toBe(88);
  });

  it("is shown although a faulty member asks for an attempt that there is not, as often as it likes", () => {
    const { stage, request, say, testers } = held({ auditPercent: 0 });
    say(testers[0] as string, PASS);
    const { requestId, attempt } = request;
    const ask = (member: number, number: number) =>
      stage.message(MEMBERS[member] as string, { kind: "askTester", requestId, attempt: number });
    const before = stage.sentOf("redesignate").length;
    for (let count = 0; count < 100; count++) {
      ask(0, attempt + 1);
      ask(0, Number.NaN);
      if (count % 50 === 0) ask(1, attempt);
      stage.pass(10);
    }
    const named = stage.sentOf("redesignate").slice(before);
    const right = named.filter(({ message }) => "attempt" in message && message.attempt === attempt);
    expect(right).toHaveLength(2 * MEMBERS.length);
  });

  it("is no accusation of whoever tests it, also while its reply has not left", () => {
    const stage = new Stage({ profile: "basic", acceptanceTestServers: SERVERS, auditPercent: 0 });
    const told = ["a", "b"].map((key) => {
      const { request, say, testers } = next(stage, key);
      const { requestId, attempt } = request;
      stage.message(MEMBERS[2] as string, { kind: "askTester", requestId, attempt });
      say(SERVERS[0] as string, PASS);
      expect(stage.status(request.exchange)).toBe(200);
      return testers;
    });
    expect(told.flat()).not.toEqual([SERVERS[0], SERVERS[0]]);
    expect(stage.factsOf("misbehaviour")).toEqual([]);
  });
});

describe("of 2a+1 designated acceptance test servers", () => {
  it("a+1 test at once, and a reply leaves on their equal word", () => {
    const { stage, request, say, testers, asked } = held({ acceptanceFaultsTolerated: 1, auditPercent: 0 });
    expect(testers).toHaveLength(3);
    say(testers[0] as string, PASS);
    expect(stage.status(request.exchange)).toBeUndefined();
    say(testers[1] as string, PASS);
    expect(stage.status(request.exchange)).toBe(200);
    expect(asked()).toEqual([]);
  });

  it("the last one tests as soon as two disagree; who is alone is told, and designated no more", () => {
    const { stage, request, say, testers, asked } = held({ acceptanceFaultsTolerated: 1, auditPercent: 0 });
    say(testers[0] as string, PASS);
    say(testers[1] as string, fails());
    expect(asked()).toEqual([testers[2]]);
    expect(stage.status(request.exchange)).toBeUndefined();
    say(testers[2] as string, PASS);
    expect(stage.status(request.exchange)).toBe(200);
    for (const server of SERVERS.filter((each) => !testers.includes(each))) say(server, PASS);
    expect(wrongVerdicts(stage)).toMatchObject([
      { server: testers[1], component: "acceptance-test-server", confirmed: true },
    ]);
    for (const key of ["x", "y", "z", "w"]) expect(next(stage, key).testers).not.toContain(testers[1]);
  });

  it("one that passes what a+1 fail is told too, and nothing leaves", () => {
    const { stage, request, say, testers } = held({ acceptanceFaultsTolerated: 1, auditPercent: 0 });
    say(testers[0] as string, PASS);
    say(testers[1] as string, fails());
    say(testers[2] as string, fails());
    expect(stage.status(request.exchange)).toBeUndefined();
    expect(wrongVerdicts(stage)).toMatchObject([{ server: testers[0], confirmed: true }]);
    expect(stage.facts).toContainEqual(expect.objectContaining({ kind: "discardServer" }));
  });

  it("a silent one is made up for by the next", () => {
    const { stage, request, say, testers, asked } = held({ acceptanceFaultsTolerated: 1, auditPercent: 0 });
    say(testers[0] as string, PASS);
    stage.pass(400);
    expect(asked()).toContain(testers[2]);
    say(testers[2] as string, PASS);
    expect(stage.status(request.exchange)).toBe(200);
  });
});

describe("re-audit of released replies", () => {
  it("has another server test again, after the reply has left; agreement ends it", () => {
    const { stage, request, say, testers, asked } = held({ auditPercent: 100 });
    say(testers[0] as string, PASS);
    expect(stage.status(request.exchange)).toBe(200);
    const [auditor] = asked();
    expect(auditor).not.toBe(testers[0]);
    expect(stage.sentOf("redesignate").every(({ message }) => "audit" in message && message.audit === true)).toBe(true);
    say(auditor as string, PASS);
    expect(asked()).toHaveLength(1);
    stage.pass(6_000);
    expect(asked()).toHaveLength(1);
    expect(wrongVerdicts(stage)).toEqual([]);
  });

  it("that contradicts asks all others, and the majority says who was wrong: the one that let a wrong reply out", () => {
    const { stage, say, testers, asked } = held({ auditPercent: 100 });
    say(testers[0] as string, PASS);
    say(asked()[0] as string, fails());
    expect(asked()).toHaveLength(4);
    expect(wrongVerdicts(stage)).toEqual([]);
    for (const server of asked().slice(1)) say(server, fails());
    expect(wrongVerdicts(stage)).toMatchObject([{ server: testers[0], confirmed: true, count: 1 }]);
  });

  it("or the auditor, that slanders", () => {
    const { stage, say, testers, asked } = held({ auditPercent: 100 });
    say(testers[0] as string, PASS);
    const [auditor] = asked();
    say(auditor as string, fails());
    for (const server of asked().slice(1)) say(server, PASS);
    expect(wrongVerdicts(stage)).toMatchObject([{ server: auditor, confirmed: true }]);
  });

  it("over a leak, which only those know who were shown the secret, convicts nobody", () => {
    const { stage, say, testers, asked } = held({ auditPercent: 100 });
    say(testers[0] as string, PASS);
    for (let index = 0; index < 4; index++) say(asked()[index] as string, fails("confidentiality"));
    expect(wrongVerdicts(stage)).toMatchObject([{ server: testers[0], confirmed: false }]);
    expect(next(stage, "again").testers.length).toBeGreaterThan(0);
  });

  it("is asked for again while nobody answers, and ends", () => {
    const { stage, say, testers } = held({ auditPercent: 100 });
    say(testers[0] as string, PASS);
    const first = stage.sentOf("redesignate").length;
    stage.pass(1_200);
    const repeated = stage.sentOf("redesignate").length;
    expect(repeated).toBeGreaterThan(first);
    stage.pass(6_000);
    const last = stage.sentOf("redesignate").length;
    stage.pass(6_000);
    expect(stage.sentOf("redesignate")).toHaveLength(last);
    expect(wrongVerdicts(stage)).toEqual([]);
  });

  it("nobody asked for is a verdict of an undesignated server, and none happens in the optimized profile", () => {
    const { stage, say, others, testers } = held({ auditPercent: 0 });
    say(testers[0] as string, PASS);
    say(others[0] as string, fails());
    expect(wrongVerdicts(stage)).toEqual([]);
    const optimized = new Stage({ auditPercent: 100 });
    const request = optimized.dispatch("alice", { object: "a" });
    optimized.answerAll(request, { verdict: PASS });
    expect(optimized.sentOf("redesignate")).toEqual([]);
  });
});

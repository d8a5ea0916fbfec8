import type { QuarantineOrderMessage } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { configurationOf, type Dispatched, fails, HOLD_MS, PASS, SERVERS, Stage } from "./stage.test-support.ts";

type Condemned = Dispatched & { readonly exchange: string };

const ADDRESS = "127.9.0.7";
const savesOf = (object: string) => ({ address: ADDRESS, key: `key-${object}`, operation: "save" });

/** A request of an operation that is held, condemned by a failed test and its shadow runs. */
function condemn(stage: Stage, client = "alice", object = "a", options: Record<string, unknown> = {}): Condemned {
  const request = stage.dispatch(client, { object }, { ...savesOf(object), ...options });
  stage.answerAll(request, { verdict: fails() });
  failRuns(stage);
  return request;
}

function failRuns(stage: Stage): void {
  for (let run = stage.shadowRuns.shift(); run; run = stage.shadowRuns.shift()) stage.shadowVerdicts(run, fails());
}

/** New processes of all execution servers: shadow runs need some that have not failed with the request. */
function freshServers(stage: Stage): void {
  const executionServers = SERVERS.map((server) => ({ server, incarnation: "2", publicKey: `key of ${server}` }));
  stage.message("configuration-manager-1", configurationOf({ version: 2, executionServers }));
}

const order = (stage: Stage, name: string, action: QuarantineOrderMessage["action"]): void =>
  stage.message("configuration-manager-1", { kind: "quarantineOrder", order: name, action });

const release = (stage: Stage, { requestId }: Dispatched, name = "o1", rerun = false): void =>
  order(stage, name, { kind: "release", requestId, rerun });

/** The masters have no outcome of it. */
const unknown = (stage: Stage, { requestId }: Dispatched): void =>
  stage.message("state-master-1", { kind: "outcomes", outcomes: [{ requestId, outcome: { kind: "unknown" } }] });

const closed = (stage: Stage, { requestId, ticket }: Dispatched): number =>
  stage.decide({ kind: "closed", requestId, home: ticket.body.home });

const repeat = (stage: Stage, client = "alice", object = "a"): number | undefined =>
  stage.status(stage.admit(client, { object }, savesOf(object)));

function look(stage: Stage, client: string, { requestId }: Dispatched): string {
  const exchange = `look-${stage.responses.size}`;
  stage.input({ kind: "lookUp", exchange, clientId: client, address: ADDRESS, requestId });
  return `${stage.status(exchange)} ${stage.responses.get(exchange)?.bodyText}`;
}

/** The attempts the request has had since then. */
const attemptsAfter = (stage: Stage, before: number): Dispatched[] => stage.dispatches.slice(before);

describe("a quarantined request of an operation that is held", () => {
  test("is answered 202 with the place to ask again, and no word about the rule", () => {
    const stage = new Stage();
    const request = condemn(stage);
    const answer = stage.responses.get(request.exchange);
    expect(answer).toMatchObject({
      status: 202,
      headers: { location: `/v1/requests/${request.requestId}`, "redoubt-request-id": request.requestId },
    });
    expect(JSON.parse(answer?.bodyText ?? "")).toEqual({
      requestId: request.requestId,
      operation: "save",
      state: "held",
      heldUntil: 1_700_000_000_000 + stage.now + HOLD_MS,
    });
  });

  test("is in L1, and the masters are not asked to close it", () => {
    const stage = new Stage();
    const request = condemn(stage);
    stage.pass(HOLD_MS / 2);
    expect(stage.core.describe(request.requestId)?.log).toBe("L1");
    expect(stage.sentOf("close")).toEqual([]);
  });

  test("blocks its sender and teaches its signature like any other (PROTOCOL §6)", () => {
    const stage = new Stage();
    condemn(stage);
    expect(stage.core.isBlocked({ principal: "alice", address: ADDRESS })).toBe(true);
    expect(stage.factsOf("signatureLearned")).toHaveLength(1);
    expect(stage.factsOf("quarantined")).toMatchObject([
      { state: "held", heldUntil: 1_700_000_000_000 + stage.now + HOLD_MS },
    ]);
    expect(repeat(stage, "alice", "other")).toBe(403);
  });

  test("gives a repeat of its key the same 202 though its sender is blocked, and runs nothing", () => {
    const stage = new Stage();
    const request = condemn(stage);
    const before = stage.dispatches.length;
    const again = stage.admit("alice", { object: "a" }, savesOf("a"));
    expect(stage.responses.get(again)).toMatchObject({ ...stage.responses.get(request.exchange), exchange: again });
    expect(stage.dispatches).toHaveLength(before);
  });

  test("gives its key with another body no 202", () => {
    const stage = new Stage();
    condemn(stage);
    expect(stage.status(stage.admit("alice", { object: "b" }, savesOf("a")))).toBe(403);
  });

  test("is shown to its owner only; anybody else gets 404 in the words of a request that never was", () => {
    const stage = new Stage();
    const request = condemn(stage);
    expect(look(stage, "alice", request)).toMatch(/^200 .*"state":"held","heldUntil":1/);
    stage.message("configuration-manager-1", {
      kind: "quarantineOrder",
      order: "unblock",
      action: { kind: "unblock", address: ADDRESS },
    });
    const nobodys = { ...request, requestId: "0".repeat(64) as typeof request.requestId };
    expect(look(stage, "bob", request)).toMatch(/^404/);
    expect(look(stage, "bob", request)).toBe(look(stage, "bob", nobodys));
  });

  test("is rejected as ever, after closing, where the operation says nothing of holding", () => {
    const stage = new Stage();
    const put = condemn(stage, "bob", "p", { operation: "put", address: "127.9.0.8" });
    expect(stage.status(put.exchange)).toBeUndefined();
    closed(stage, put);
    expect(stage.status(put.exchange)).toBe(403);
    expect(stage.factsOf("quarantined")).toMatchObject([{ state: "rejected" }]);
  });

  test("is held only with blame: what the masters had closed before is rejected", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" }, savesOf("a"));
    closed(stage, request);
    expect(stage.status(request.exchange)).toBe(403);
    expect(stage.core.isBlocked({ principal: "alice" })).toBe(false);
  });

  test("is held at the door too when a signature knows it, without being executed (R9, R15)", () => {
    const stage = new Stage();
    const first = condemn(stage);
    const before = stage.dispatches.length;
    const copy = stage.admit("bob", { object: "a" }, { ...savesOf("a"), address: "127.9.0.8" });
    expect(stage.status(copy)).toBe(202);
    expect(stage.dispatches).toHaveLength(before);
    expect(stage.core.isBlocked({ principal: "bob", address: "127.9.0.8" })).toBe(true);
    const requestId = stage.factsOf("quarantined").at(-1)?.requestId as typeof first.requestId;
    order(stage, "o2", { kind: "release", requestId, rerun: false });
    unknown(stage, { ...first, requestId });
    expect(attemptsAfter(stage, before)).toMatchObject([{ requestId, attempt: 1, disposable: true }]);
  });
});

describe("released by an administrator, a held request", () => {
  test("enters L3 again under its id, runs once more alone with all testers, and its reply is served", () => {
    const stage = new Stage();
    const request = condemn(stage);
    const before = stage.dispatches.length;
    release(stage, request);
    expect(stage.core.describe(request.requestId)).toEqual({ log: "L3", state: "checking" });
    expect(stage.core.isBlocked({ principal: "alice", address: ADDRESS })).toBe(false);
    unknown(stage, request);
    const [attempt, ...others] = attemptsAfter(stage, before);
    expect(others).toEqual([]);
    expect(attempt).toMatchObject({ requestId: request.requestId, disposable: true });
    expect(attempt?.attempt).toBeGreaterThan(request.attempt);
    expect(attempt?.ticket.body.now).toBe(request.ticket.body.now);
    expect(attempt?.ticket.body.seed).toBe(request.ticket.body.seed);
    expect(look(stage, "alice", request)).toContain('"state":"pending"');
    if (attempt) stage.answerAll(attempt, { verdict: PASS });
    expect(repeat(stage)).toBe(200);
    expect(look(stage, "alice", request)).toContain('"state":"verified","status":200');
    expect(stage.factsOf("quarantineChanged")).toMatchObject([{ state: "released", order: "o1" }]);
  });

  test("runs once however often that is ordered: a double click, two tabs, a repeated call, a re-run", () => {
    const stage = new Stage();
    const request = condemn(stage);
    const before = stage.dispatches.length;
    for (const name of ["o1", "o1", "o2"]) release(stage, request, name);
    unknown(stage, request);
    release(stage, request, "o3", true);
    const attempts = attemptsAfter(stage, before);
    expect(attempts).toHaveLength(1);
    if (attempts[0]) stage.answerAll(attempts[0], { verdict: PASS });
    for (const name of ["o4", "o5"]) release(stage, request, name, true);
    stage.pass(2_000);
    expect(attemptsAfter(stage, before)).toHaveLength(1);
  });

  test("is not dispatched when the masters have an outcome of it already", () => {
    const stage = new Stage();
    const request = condemn(stage);
    const before = stage.dispatches.length;
    release(stage, request);
    stage.message("state-master-1", {
      kind: "outcomes",
      outcomes: [{ requestId: request.requestId, outcome: { kind: "closed" } }],
    });
    expect(attemptsAfter(stage, before)).toEqual([]);
    expect(repeat(stage)).toBe(403);
  });

  test("is rejected for ever when it fails again, and its sender blocked again", () => {
    const stage = new Stage();
    const request = condemn(stage);
    freshServers(stage);
    const before = stage.dispatches.length;
    release(stage, request);
    unknown(stage, request);
    const attempt = attemptsAfter(stage, before)[0] as Dispatched;
    stage.answerAll(attempt, { verdict: fails() });
    failRuns(stage);
    expect(stage.sentOf("close").length).toBeGreaterThan(0);
    closed(stage, request);
    expect(repeat(stage)).toBe(403);
    expect(stage.core.isBlocked({ principal: "alice", address: ADDRESS })).toBe(true);
    expect(stage.factsOf("quarantined").map(({ state }) => state)).toEqual(["held", "rejected"]);
  });

  test("does not count against its client's quota a second time", () => {
    const stage = new Stage({}, { requestsPerClientPerWindowMax: 2 });
    const request = condemn(stage);
    release(stage, request);
    unknown(stage, request);
    expect(repeat(stage, "alice", "second")).toBeUndefined();
    expect(repeat(stage, "alice", "third")).toBe(429);
  });
});

describe("not released, a held request", () => {
  test("is rejected when its time is over: closed by the masters first, and never released after", () => {
    const stage = new Stage();
    const request = condemn(stage);
    stage.pass(HOLD_MS + 500);
    expect(stage.sentOf("close").length).toBeGreaterThan(0);
    expect(stage.factsOf("quarantineChanged")).toMatchObject([{ state: "expired" }]);
    expect(repeat(stage)).toBe(202);
    const before = stage.dispatches.length;
    release(stage, request, "late", true);
    expect(stage.core.describe(request.requestId)?.log).toBe("L1");
    closed(stage, request);
    expect(repeat(stage)).toBe(403);
    expect(attemptsAfter(stage, before)).toEqual([]);
    stage.pass(1_000);
    const asked = stage.sentOf("close").length;
    stage.pass(2_000);
    expect(stage.sentOf("close")).toHaveLength(asked);
  });

  test("is rejected at once when an administrator confirms it", () => {
    const stage = new Stage();
    const request = condemn(stage);
    order(stage, "o1", { kind: "confirm", requestId: request.requestId });
    expect(stage.sentOf("close").length).toBeGreaterThan(0);
    release(stage, request, "o2");
    closed(stage, request);
    expect(repeat(stage)).toBe(403);
    expect(stage.core.describe(request.requestId)?.log).toBe("L1");
    expect(stage.factsOf("quarantineChanged")[0]).toMatchObject({ state: "confirmed", order: "o1" });
  });

  test("keeps asking the masters until they have closed it, also when they answer that they had", () => {
    const stage = new Stage();
    const request = condemn(stage);
    order(stage, "o1", { kind: "confirm", requestId: request.requestId });
    const asked = stage.sentOf("close").length;
    stage.pass(1_000);
    expect(stage.sentOf("close").length).toBeGreaterThan(asked);
    stage.message("state-master-1", {
      kind: "outcomes",
      outcomes: [{ requestId: request.requestId, outcome: { kind: "closed" } }],
    });
    expect(repeat(stage)).toBe(403);
  });

  test("gets its reply all the same when the masters turn out to have verified it (I4)", () => {
    const stage = new Stage();
    const request = condemn(stage);
    const before = stage.dispatches.length;
    stage.pass(HOLD_MS + 500);
    stage.decide(stage.verified(request));
    stage.answer("state-replica-2", request);
    expect(attemptsAfter(stage, before)).toEqual([]);
    expect(look(stage, "alice", request)).not.toContain('"state":"held"');
    expect(stage.core.describe(request.requestId)?.log).toBe("L2");
  });
});

describe("after a restart of the regulator", () => {
  for (const from of ["its whole journal", "a checkpoint"] as const) {
    const restart = (stage: Stage): void => stage.restart(from === "a checkpoint" ? stage.checkpoint() : undefined);

    test(`from ${from} a held request is held, until the same time, and runs only when released`, () => {
      const stage = new Stage();
      const request = condemn(stage);
      const before = stage.dispatches.length;
      const told = look(stage, "alice", request);
      restart(stage);
      stage.pass(2_000);
      expect(look(stage, "alice", request)).toBe(told);
      expect(repeat(stage)).toBe(202);
      expect(attemptsAfter(stage, before)).toEqual([]);
      release(stage, request);
      unknown(stage, request);
      expect(attemptsAfter(stage, before)).toHaveLength(1);
      expect(attemptsAfter(stage, before)[0]?.attempt).toBeGreaterThan(request.attempt);
    });

    test(`from ${from} a released one goes on, once, with a number of its own, and the order is known`, () => {
      const stage = new Stage();
      const request = condemn(stage);
      release(stage, request);
      unknown(stage, request);
      const before = stage.dispatches.length;
      const used = Math.max(...stage.dispatches.map(({ attempt }) => attempt));
      restart(stage);
      release(stage, request);
      release(stage, request, "o2");
      unknown(stage, request);
      const attempts = attemptsAfter(stage, before);
      expect(attempts).toHaveLength(1);
      expect(attempts[0]?.attempt).toBeGreaterThan(used);
      expect(attempts[0]?.disposable).toBe(true);
      if (attempts[0]) stage.answerAll(attempts[0], { verdict: PASS });
      expect(repeat(stage)).toBe(200);
    });

    test(`from ${from} one that was to be rejected stays so: it is never released, and closed`, () => {
      const stage = new Stage();
      const request = condemn(stage);
      order(stage, "o1", { kind: "confirm", requestId: request.requestId });
      restart(stage);
      const asked = stage.sentOf("close").length;
      release(stage, request, "o2");
      stage.pass(1_000);
      expect(stage.sentOf("close").length).toBeGreaterThan(asked);
      closed(stage, request);
      restart(stage);
      expect(stage.core.describe(request.requestId)?.log).toBe("L1");
      expect(look(stage, "alice", request)).not.toContain("held");
    });

    test(`from ${from} one whose time passed meanwhile is rejected`, () => {
      const stage = new Stage();
      condemn(stage);
      const checkpoint = from === "a checkpoint" ? stage.checkpoint() : undefined;
      stage.now += HOLD_MS;
      stage.restart(checkpoint);
      stage.pass(1_000);
      expect(stage.factsOf("quarantineChanged")).toMatchObject([{ state: "expired" }]);
      expect(stage.sentOf("close").length).toBeGreaterThan(0);
    });
  }
});

describe("what is held is bounded", () => {
  test("in time: no longer than half the window after which its reply would be forgotten", () => {
    const stage = new Stage({}, { windowMs: HOLD_MS });
    condemn(stage);
    const [{ heldUntil } = { heldUntil: 0 }] = stage.factsOf("quarantined");
    expect(Number(heldUntil)).toBe(1_700_000_000_000 + stage.now + HOLD_MS / 2);
  });

  test("who does not fit is rejected as if the operation were not held", () => {
    const stage = new Stage({}, { windowMs: 1 });
    const request = condemn(stage);
    expect(stage.status(request.exchange)).toBeUndefined();
    closed(stage, request);
    expect(stage.status(request.exchange)).toBe(403);
  });
});

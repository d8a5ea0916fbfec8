import { describe, expect, test } from "vitest";
import { fails, MEMBERS, PASS, Stage } from "./stage.test-support.ts";

const typeOf = (stage: Stage, exchange: string): string =>
  (JSON.parse(stage.responses.get(exchange)?.bodyText ?? "{}") as { type?: string }).type?.split("/").at(-1) ?? "";

describe("screening", () => {
  test("a wrong or absent credential gets 401, is logged as unqualified, and reaches nobody (R14, R18)", () => {
    const stage = new Stage();
    const wrong = stage.admit("alice", { object: "a" }, { credentialDigest: "f".repeat(64) });
    const absent = stage.admit("alice", { object: "a" }, { credentialDigest: undefined });
    expect([stage.status(wrong), stage.status(absent)]).toEqual([401, 401]);
    expect(stage.transcript).toContain("L1 + unqualified 401 credential");
    expect(stage.dispatches).toHaveLength(0);
    expect(stage.core.logs).toMatchObject({ L1: 2, L3: 0 });
    expect(stage.core.isBlocked({ address: "127.9.0.1" })).toBe(false);
  });

  test("unknown operations and the internal one are 404, a missing role 403", () => {
    const stage = new Stage();
    for (const operation of ["nothing", "genesis", "__proto__", "constructor"])
      expect(stage.status(stage.admit("alice", { object: "a" }, { operation }))).toBe(404);
    const forbidden = stage.admit("alice", { object: "a" }, { operation: "forbidden" });
    expect([stage.status(forbidden), typeOf(stage, forbidden)]).toEqual([403, "forbidden"]);
  });

  test("an input that is not as the contract wants it is 400 and names field and expectation", () => {
    const stage = new Stage();
    const exchange = stage.admit("alice", { object: 7 });
    expect(JSON.parse(stage.responses.get(exchange)?.bodyText ?? "")).toMatchObject({
      type: "https://redoubt.dev/problems/malformed-request",
      status: 400,
      detail: "/object: expected text, got number",
      errors: [{ field: "/object", expected: "text", got: "number" }],
    });
  });

  test("what the driver found wrong with the text comes after authentication", () => {
    const stage = new Stage();
    const inputProblem = { status: 413 as const, detail: "too large", errors: [] };
    expect(stage.status(stage.admit("alice", {}, { inputText: "", inputProblem }))).toBe(413);
    expect(stage.status(stage.admit("nobody", {}, { inputText: "", inputProblem }))).toBe(401);
  });

  test("keys must be visible ASCII of bounded length", () => {
    const stage = new Stage();
    for (const key of ["", " ", "a b", "ä", "\u0001rerun/1", "k".repeat(257)])
      expect(stage.status(stage.admit("alice", { object: "a" }, { key }))).toBe(400);
  });
});

describe("repeats", () => {
  test("of a verified request get the same bytes again, marked, without a second execution (R21)", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" }, { key: "k" });
    stage.answerAll(request);
    const repeat = stage.admit("alice", { object: "a" }, { key: "k" });
    expect(stage.responses.get(repeat)?.bodyText).toBe(stage.responses.get(request.exchange)?.bodyText);
    expect(stage.responses.get(repeat)?.headers).toMatchObject({
      "idempotent-replayed": "true",
      "redoubt-request-id": request.requestId,
    });
    expect(stage.responses.get(request.exchange)?.headers).not.toHaveProperty("idempotent-replayed");
    expect(stage.dispatches).toHaveLength(1);
  });

  test("of a pending request wait with it", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" }, { key: "k" });
    const repeat = stage.admit("alice", { object: "a" }, { key: "k" });
    expect(stage.dispatches).toHaveLength(1);
    stage.answerAll(request);
    expect([stage.status(request.exchange), stage.status(repeat)]).toEqual([200, 200]);
  });

  test("of a key with another body, or for another operation, are 422", () => {
    const stage = new Stage();
    stage.dispatch("alice", { object: "a" }, { key: "k" });
    const other = stage.admit("alice", { object: "b" }, { key: "k" });
    const operation = stage.admit("alice", { object: "a" }, { key: "k", operation: "get" });
    expect([stage.status(other), stage.status(operation)]).toEqual([422, 422]);
    expect(typeOf(stage, other)).toBe("key-reused");
  });

  test("of a key for another operation are a request of their own once the key is forgotten (422 before)", () => {
    const stage = new Stage({}, { verifiedInMemoryMax: 1 });
    const first = stage.dispatch("alice", { object: "a" }, { key: "k1" });
    stage.answerAll(first);
    stage.answerAll(stage.dispatch("alice", { object: "b" }, { key: "k2" }));
    const other = stage.dispatch("alice", { object: "a" }, { key: "k1", operation: "get" });
    expect(other.requestId).not.toBe(first.requestId);
    expect(other.ticket.body.operation).toBe("get");
  });

  test("with the same key by another client are another request (U17)", () => {
    const stage = new Stage();
    const first = stage.dispatch("alice", { object: "a" }, { key: "k" });
    expect(stage.dispatch("bob", { object: "a" }, { key: "k" }).requestId).not.toBe(first.requestId);
  });

  test("of a reply no longer in memory are asked of the masters and fetched from the members", () => {
    const stage = new Stage({}, { verifiedInMemoryMax: 1 });
    const first = stage.dispatch("alice", { object: "a" }, { key: "k1" });
    stage.answerAll(first);
    stage.answerAll(stage.dispatch("alice", { object: "b" }, { key: "k2" }));
    const repeat = stage.admit("alice", { object: "a" }, { key: "k1" });
    expect(stage.dispatches).toHaveLength(2);
    const verified = stage.verified(first);
    if (verified.kind !== "verified") throw new Error("unreachable");
    const { change, replyDigest } = verified;
    const outcome = { kind: "verified" as const, change, replyDigest };
    stage.message("state-master-1", { kind: "outcomes", outcomes: [{ requestId: first.requestId, outcome }] });
    stage.answer("state-replica-2", first, { reply: '{"body":"forged","status":200}' });
    expect(stage.status(repeat)).toBeUndefined();
    stage.answer("state-replica-2", first);
    expect(stage.responses.get(repeat)?.bodyText).toBe('{"done":true}');
  });
});

describe("limits", () => {
  test("429 for one client, 503 for all, each with Retry-After", () => {
    const stage = new Stage({}, { pendingRequestsPerClientMax: 2, pendingRequestsMax: 3 });
    for (const object of ["a", "b"]) stage.dispatch("alice", { object });
    const tooMany = stage.admit("alice", { object: "c" });
    stage.dispatch("bob", { object: "d" });
    const overload = stage.admit("carol", { object: "e" });
    expect([stage.status(tooMany), stage.status(overload)]).toEqual([429, 503]);
    for (const exchange of [tooMany, overload])
      expect(stage.responses.get(exchange)?.headers).toHaveProperty("retry-after");
  });

  test("a client that waited long enough gets 504 while its request goes on", () => {
    const stage = new Stage({}, { clientDeadlineMs: 300 });
    const request = stage.dispatch("alice", { object: "a" }, { key: "k" });
    stage.pass(350);
    expect([stage.status(request.exchange), typeOf(stage, request.exchange)]).toEqual([504, "outcome-unknown"]);
    stage.answerAll(request);
    expect(stage.status(stage.admit("alice", { object: "a" }, { key: "k" }))).toBe(200);
  });

  test("a client that has gone away is not answered, and its request goes on", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.input({ kind: "abandoned", exchange: request.exchange });
    stage.answerAll(request);
    expect(stage.status(request.exchange)).toBeUndefined();
    expect(stage.core.logs).toMatchObject({ L2: 1, L3: 0 });
  });

  test("before it is primary the regulator says 503", () => {
    const stage = new Stage();
    stage.mastersAnswer = false;
    stage.restart();
    expect(stage.status(stage.admit("alice", { object: "a" }))).toBe(503);
  });
});

/** A request of this client that ends in L1. */
function condemn(stage: Stage, client: string, object: string, address = "127.9.0.7") {
  const request = stage.dispatch(client, { object }, { address, key: `key-${object}` });
  stage.answerAll(request, { verdict: fails() });
  for (let run = stage.shadowRuns.shift(); run; run = stage.shadowRuns.shift()) stage.shadowVerdicts(run, fails());
  stage.decide({ kind: "closed", requestId: request.requestId, home: request.ticket.body.home });
  return request;
}

describe("what was learned", () => {
  test("the same request of another client is rejected at the door, and its sender treated like the first (R9, R15)", () => {
    const stage = new Stage();
    condemn(stage, "alice", "a");
    const dispatched = stage.dispatches.length;
    const copy = stage.admit("bob", { object: "a" }, { address: "127.9.0.8" });
    expect(stage.status(copy)).toBe(403);
    expect(stage.dispatches).toHaveLength(dispatched);
    expect(stage.factsOf("quarantined").at(-1)).toMatchObject({ reason: "signature", clientId: "bob" });
    expect(stage.core.isBlocked({ principal: "bob", address: "127.9.0.8" })).toBe(true);
  });

  test("the block of an exempt address is withheld, the principal's is not", () => {
    const stage = new Stage();
    condemn(stage, "alice", "a", "127.0.0.1");
    expect(stage.core.isBlocked({ address: "127.0.0.1" })).toBe(false);
    expect(stage.core.isBlocked({ principal: "alice" })).toBe(true);
    expect(stage.factsOf("blockWithheld")).toHaveLength(1);
  });

  test("everything learned survives a restart, and the rejected key stays rejected (I10)", () => {
    const stage = new Stage();
    const request = condemn(stage, "alice", "a");
    stage.restart();
    expect(stage.core.isBlocked({ principal: "alice", address: "127.9.0.7" })).toBe(true);
    expect(stage.core.describe(request.requestId)?.log).toBe("L1");
    const copy = stage.admit("bob", { object: "a" }, { address: "127.9.0.8" });
    expect(stage.status(copy)).toBe(403);
  });

  test("release takes back blocks and signatures, but the old key keeps its rejection", () => {
    const stage = new Stage();
    const request = condemn(stage, "alice", "a");
    const release = { kind: "release" as const, requestId: request.requestId, rerun: false };
    for (const order of ["o1", "o1"])
      stage.message("configuration-manager-1", { kind: "quarantineOrder", order, action: release });
    expect(stage.factsOf("quarantineChanged")).toEqual([
      { kind: "quarantineChanged", requestId: request.requestId, state: "released", order: "o1" },
    ]);
    expect(stage.core.isBlocked({ principal: "alice", address: "127.9.0.7" })).toBe(false);
    expect(stage.status(stage.admit("alice", { object: "a" }, { key: "key-a", address: "127.9.0.7" }))).toBe(403);
    expect(stage.dispatch("bob", { object: "a" }).attempt).toBe(1);
  });

  test("a re-run is a new request, alone in its worker, at most once", () => {
    const stage = new Stage();
    const request = condemn(stage, "alice", "a");
    const before = stage.dispatches.length;
    for (const order of ["o1", "o2"])
      stage.message("configuration-manager-1", {
        kind: "quarantineOrder",
        order,
        action: { kind: "release", requestId: request.requestId, rerun: true },
      });
    const reruns = stage.dispatches.slice(before);
    expect(reruns).toHaveLength(1);
    expect(reruns[0]).toMatchObject({ disposable: true });
    expect(reruns[0]?.requestId).not.toBe(request.requestId);
  });
});

describe("a request is looked up", () => {
  test("by its owner only", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    const look = (client: string): string => {
      const exchange = `look-${client}-${stage.responses.size}`;
      const { requestId } = request;
      stage.input({ kind: "lookUp", exchange, clientId: client, address: "127.9.0.1", requestId });
      return `${stage.status(exchange)} ${stage.responses.get(exchange)?.bodyText}`;
    };
    expect(look("alice")).toContain('"state":"pending"');
    stage.answerAll(request);
    expect(look("alice")).toContain('"state":"verified","status":200,"body":{"done":true}');
    expect(look("bob")).toMatch(/^404/);
  });
});

describe("persistence", () => {
  test("is asked for again every time something is missing: answers after 100 ms, closings until decided", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answer("state-replica-1", request, { verdict: PASS });
    stage.pass(150);
    const asked = new Set(stage.sentOf("answerAgain").map(({ to }) => to));
    expect(asked.size).toBeGreaterThan(0);
    for (const member of MEMBERS) expect(stage.sentOf("ticketKey").map(({ to }) => to)).toContain(member);
  });

  test("read-only with a member missing: the others are asked to escalate to the masters", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" }, { operation: "get" });
    stage.answer("state-replica-1", request, { verdict: PASS, durable: false });
    stage.answer("state-replica-2", request, { verdict: PASS, durable: false });
    const testers = request.ticket.body.testers;
    for (const tester of testers) stage.answer(tester, request, { verdict: PASS, durable: false });
    stage.pass(150);
    const escalated = stage
      .sentOf("answerAgain")
      .flatMap(({ message }) => (message.kind === "answerAgain" ? message.requests : []))
      .some(({ escalate }) => escalate);
    expect(escalated || stage.status(request.exchange) === 200).toBe(true);
  });

  test("a server that holds a request past its deadline is discarded when the rest is well", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    for (let waited = 0; waited < 1_200; waited += 200) {
      stage.heartbeat();
      stage.pass(200);
    }
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: request.server, detector: "deadline" }]);
  });

  test("with the masters silent nobody is blamed for a missed deadline", () => {
    const stage = new Stage();
    stage.mastersAnswer = false;
    stage.pass(1_000);
    stage.dispatch("alice", { object: "a" });
    stage.pass(3_000);
    expect(stage.factsOf("discardServer")).toHaveLength(0);
  });

  test("facts reach the manager again and again until acknowledged, also after a restart (R42)", () => {
    const stage = new Stage();
    condemn(stage, "alice", "a");
    let sends = stage.sentOf("regulatorFacts").length;
    stage.pass(600);
    expect(stage.sentOf("regulatorFacts").length).toBeGreaterThan(sends);
    sends = stage.sentOf("regulatorFacts").length;
    stage.restart();
    const repeated = stage
      .sentOf("regulatorFacts")
      .slice(sends)
      .flatMap(({ message }) => (message.kind === "regulatorFacts" ? message.facts : []));
    expect(repeated.some(({ fact }) => fact.kind === "quarantined")).toBe(true);
    const through = repeated.at(-1)?.number ?? 0;
    stage.message("configuration-manager-1", { kind: "factsAcknowledged", through });
    const quiet = stage.sentOf("regulatorFacts").length;
    stage.pass(2_000);
    expect(stage.sentOf("regulatorFacts").length).toBe(quiet);
  });
});

describe("logs", () => {
  test("pages show each log, and a request is in exactly one (R17)", () => {
    const stage = new Stage();
    const verified = stage.dispatch("bob", { object: "b" });
    stage.answerAll(verified);
    const malformed = condemn(stage, "alice", "a");
    const pending = stage.dispatch("carol", { object: "c" });
    const ids = (log: "L1" | "L2" | "L3"): unknown[] => {
      stage.message("configuration-manager-1", { kind: "readLog", query: log, log, limit: 10 });
      const page = stage.sentOf("logPage").at(-1)?.message;
      return page?.kind === "logPage" ? page.entries.map((entry) => entry.requestId) : [];
    };
    expect(ids("L1")).toEqual([malformed.requestId]);
    expect(ids("L2")).toEqual([verified.requestId]);
    expect(ids("L3")).toEqual([pending.requestId]);
  });
});

test("a server that has proved nothing gets a few requests at once, and one more with each that ends well", () => {
  const stage = new Stage();
  const before = stage.dispatches.length;
  for (let number = 0; number < 100; number++) stage.admit("alice", { object: `object-${number}` });
  const atOnce = stage.dispatches.length - before;
  expect(atOnce).toBe(16);
  for (const dispatched of stage.dispatches.slice(before)) stage.answerAll(dispatched);
  expect(stage.dispatches.length - before).toBe(3 * atOnce);
});

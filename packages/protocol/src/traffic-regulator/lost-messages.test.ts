import { describe, expect, test } from "vitest";
import { configurationOf, fails, PASS, SERVERS, Stage } from "./stage.test-support.ts";

describe("a lost message", () => {
  test("dispatch: it is sent again until a member has heard of the attempt, to the same process only", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.pass(350);
    expect(stage.dispatches.length).toBeGreaterThan(1);
    expect(new Set(stage.dispatches.map(({ server, attempt }) => `${server} ${attempt}`)).size).toBe(1);
    const sent = stage.dispatches.length;
    stage.answer("state-replica-1", request);
    stage.pass(150);
    expect(stage.dispatches).toHaveLength(sent);
  });

  test("ticketKey: a member that asks for it gets it again, of this regulator's epoch only (simulator seed 1665)", () => {
    const stage = new Stage();
    const [sent] = stage.sentOf("ticketKey");
    if (sent?.message.kind !== "ticketKey") throw new Error("no key was sent");
    const { regulatorEpoch } = sent.message;
    stage.pass(100);
    const ask = (server: string, epoch: number) => {
      const before = stage.sentOf("ticketKey").length;
      stage.message(server, { kind: "askTicketKey", regulatorEpoch: epoch });
      return stage.sentOf("ticketKey").slice(before);
    };
    expect(ask("state-replica-1", regulatorEpoch)).toEqual([sent]);
    expect(ask("state-replica-1", regulatorEpoch)).toEqual([]);
    expect(ask("state-replica-2", regulatorEpoch + 1)).toEqual([]);
    expect(ask("state-replica-9", regulatorEpoch)).toEqual([]);
  });

  test("shadowRun: it is sent again, so that silence of the network is no strike", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.answerAll(request, { verdict: fails() });
    expect(stage.shadowRuns).toHaveLength(1);
    stage.pass(450);
    expect(stage.shadowRuns.length).toBeGreaterThan(1);
    expect(new Set(stage.shadowRuns.map(({ run, server }) => `${run} ${server}`)).size).toBe(1);
  });

  test("requestEpoch: the old epoch ends even when a new process has taken its holder's name (simulator seed 983)", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.mastersAnswer = false;
    stage.message("configuration-manager-1", {
      kind: "serverGone",
      server: request.server,
      incarnation: "1",
      cause: "killed",
    });
    const executionServers = SERVERS.map((server) => ({ server, incarnation: "2", publicKey: `key of ${server}` }));
    stage.message("configuration-manager-1", configurationOf({ version: 2, executionServers }));
    const asked = stage.sentOf("requestEpoch").length;
    stage.mastersAnswer = true;
    stage.pass(400);
    expect(stage.sentOf("requestEpoch").length).toBeGreaterThan(asked);
    const [run] = stage.shadowRuns;
    if (run) stage.shadowVerdicts(run, PASS);
    const again = stage.dispatches.at(-1);
    expect(again?.attempt).toBeGreaterThan(1);
    if (again) stage.answerAll(again);
    expect(stage.status(request.exchange)).toBe(200);
  });
});

test("strikes of servers that were convicted do not count against the request afterwards (PROTOCOL §10)", () => {
  const stage = new Stage();
  const request = stage.dispatch("alice", { object: "a" });
  stage.answerAll(request, { verdict: fails() });
  const [first] = stage.shadowRuns;
  if (!first) throw new Error("no shadow run");
  stage.shadowVerdicts(first, fails());
  const second = stage.shadowRuns.at(-1);
  if (!second || second.run === first.run) throw new Error("no second shadow run");
  stage.shadowVerdicts(second, PASS);
  expect(stage.factsOf("serverConvicted")).toHaveLength(2);
  // Those that were convicted come back as new processes.
  const executionServers = SERVERS.map((server) => {
    const incarnation = server === second.server ? "1" : "2";
    return { server, incarnation, publicKey: `key of ${server}` };
  });
  stage.message("configuration-manager-1", configurationOf({ version: 2, executionServers }));
  const again = stage.dispatches.at(-1);
  if (!again) throw new Error("not dispatched again");
  stage.answerAll(again, { verdict: fails() });
  const third = stage.shadowRuns.at(-1);
  if (!third || third.run === second.run) throw new Error("no third shadow run");
  stage.shadowVerdicts(third, fails());
  const fourth = stage.shadowRuns.at(-1);
  if (!fourth || fourth.run === third.run) throw new Error("no fourth shadow run");
  stage.shadowVerdicts(fourth, PASS);
  const last = stage.dispatches.at(-1);
  if (!last) throw new Error("not dispatched a third time");
  stage.answerAll(last);
  expect(stage.status(request.exchange)).toBe(200);
  expect(stage.core.isBlocked({ principal: "alice" })).toBe(false);
});

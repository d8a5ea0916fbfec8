import { leakForeignSecret, type SeededAdversaryFactory, wrongReplyRightState } from "@redoubt/adversary";
import type { ContractJson } from "@redoubt/application";
import { describe, expect, test } from "vitest";
import type { ExecutionServerSeams } from "../components/execution-server.ts";
import { adversarySeams } from "./adversary-seams.ts";
import { Beginning } from "./beginning.ts";

type ExecuteEffect = Parameters<ExecutionServerSeams["finished"]>[0];
type Finished = Parameters<ExecutionServerSeams["finished"]>[1];

const application = { hash: "", directory: "", contract: { operations: {} } as ContractJson };

function seamsOf(factory: SeededAdversaryFactory, acts: string[] = []): ExecutionServerSeams & { begin: () => void } {
  const beginning = new Beginning();
  const makeSeams = adversarySeams(factory, { beginning, acted: (id) => acts.push(id) });
  const seams = makeSeams({ application, sign: () => "", send: () => {}, sendFrame: () => {} });
  return { ...seams, begin: () => beginning.begin() };
}

function misbehaving(factory: SeededAdversaryFactory): ExecutionServerSeams {
  const seams = seamsOf(factory);
  seams.begin();
  return seams;
}

const effect = (operation: string, object: string, holder: string): ExecuteEffect => ({
  kind: "execute",
  execution: "1",
  applicationVersion: "1",
  operation,
  input: "{}",
  principal: "somebody",
  now: 0,
  seed: "",
  requestId: "" as ExecuteEffect["requestId"],
  provided: [{ object, bytes: JSON.stringify({ holder }) }],
  disposable: false,
  deadlineMs: 1_000,
});

const finished = (body: unknown, object: string): Finished => ({
  kind: "finished",
  execution: "1",
  reply: { status: 200, body: JSON.stringify(body) },
  reads: [object],
  writes: [],
});

describe("a behaviour in an execution server's seams", () => {
  test("bends what the worker computed and keeps the rest", () => {
    const seams = misbehaving(wrongReplyRightState);
    const bent = seams.finished(effect("balance", "account/1", "A"), finished({ checking: 5 }, "account/1"));
    expect(bent).toMatchObject({ kind: "finished", execution: "1", reads: ["account/1"] });
    expect(JSON.parse(bent.reply.body)).toEqual({ checking: 6 });
  });

  test("leaves the first state alone: it misbehaves from the first request of a client on", () => {
    const seams = misbehaving(wrongReplyRightState);
    const honest = finished({ checking: 5 }, "account/1");
    expect(seams.finished(effect("genesis", "account/1", "A"), honest).reply).toEqual(honest.reply);
  });

  test("steals from what passed through the process before", () => {
    const seams = misbehaving(leakForeignSecret);
    seams.provided(effect("statement", "account/1", "Ingrid Okafor"));
    const own = effect("statement", "account/2", "Hassan Moretti");
    seams.provided(own);
    const bent = seams.finished(own, finished({ customer: 2, text: "Statement" }, "account/2"));
    expect(JSON.parse(bent.reply.body)).toEqual({ customer: 2, text: "Statement Ingrid Okafor" });
  });

  test("passes messages on that the behaviour does not touch", () => {
    const message = { kind: "evidence", digests: [], signature: "" } as const;
    expect(
      misbehaving(wrongReplyRightState).sent({
        kind: "send",
        component: "state-replica",
        to: "state-replica-1",
        message,
      }),
    ).toEqual([message]);
  });

  test("is honest, and reports no act, until it is told to begin", () => {
    const acts: string[] = [];
    const seams = seamsOf(wrongReplyRightState, acts);
    const honest = finished({ checking: 5 }, "account/1");
    expect(seams.finished(effect("balance", "account/1", "A"), honest)).toEqual(honest);
    expect(acts).toEqual([]);
    seams.begin();
    expect(JSON.parse(seams.finished(effect("balance", "account/1", "A"), honest).reply.body)).toEqual({ checking: 6 });
    expect(acts).toEqual(["A1"]);
  });
});

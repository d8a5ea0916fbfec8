import { describe, expect, test } from "vitest";
import { GENESIS_REPLY } from "../application-port.ts";
import { planGenesis } from "./genesis.ts";
import { application, PASS, Stage } from "./stage.test-support.ts";

const OBJECTS = Array.from({ length: 300 }, (_, index) => `account/${index}`);
const withObjects = { ...application, genesisObjects: OBJECTS };

describe("the first objects", () => {
  test("are split into one request per object cluster, each object once", () => {
    const plan = planGenesis(withObjects);
    const objects = plan.flatMap(({ inputText }) => (JSON.parse(inputText) as { objects: string[] }).objects);
    expect([...objects].sort()).toEqual([...OBJECTS].sort());
    for (const { inputText } of plan) {
      const { objects: together } = JSON.parse(inputText) as { objects: string[] };
      expect(new Set(together.map((object) => withObjects.clusterOf(object))).size).toBe(1);
    }
    expect(new Set(plan.map(({ key }) => key)).size).toBe(plan.length);
  });

  test("are verified before anybody is admitted, and not made again after a restart", () => {
    const stage = new Stage({}, { application: withObjects });
    expect(stage.status(stage.admit("alice", { object: "a" }))).toBe(503);
    let answered = 0;
    for (; answered < stage.dispatches.length; answered++) {
      const dispatched = stage.dispatches[answered];
      if (!dispatched) break;
      expect(dispatched.ticket.body).toMatchObject({ operation: "genesis", principal: "genesis" });
      expect(stage.core.ready).toBe(false);
      stage.answerAll(dispatched, { verdict: PASS, reply: GENESIS_REPLY });
    }
    expect(answered).toBe(planGenesis(withObjects).length);
    expect(stage.core.ready).toBe(true);
    stage.restart();
    stage.pass(1_000);
    expect(stage.core.ready).toBe(true);
    expect(stage.dispatches).toHaveLength(answered);
  });

  test("go on where they stood when the regulator crashes among them", () => {
    const stage = new Stage({}, { application: withObjects });
    const first = stage.dispatches.slice(0, 10);
    for (const dispatched of first) stage.answerAll(dispatched, { verdict: PASS, reply: GENESIS_REPLY });
    const before = stage.dispatches.length;
    stage.restart();
    const done = new Set(first.map(({ requestId }) => requestId));
    const admitted = stage.journal.flatMap((record) => (record.kind === "admitted" ? [record.requestId] : []));
    const pending = admitted.filter((requestId) => !done.has(requestId));
    stage.message("state-master-1", {
      kind: "outcomes",
      outcomes: pending.map((requestId) => ({ requestId, outcome: { kind: "unknown" as const } })),
    });
    for (let index = before; index < stage.dispatches.length; index++) {
      const dispatched = stage.dispatches[index];
      if (!dispatched) break;
      expect(done.has(dispatched.requestId)).toBe(false);
      stage.answerAll(dispatched, { verdict: PASS, reply: GENESIS_REPLY });
    }
    expect(stage.core.ready).toBe(true);
  });
});

import { describe, expect, test } from "vitest";
import { objectClusterOf } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { Stage } from "./stage.test-support.ts";

const overload = { running: 4, sustainedMs: 200, requestsMin: 4 };
const ALL = { from: 0, to: 1023 };
const clusterOf = (object: string) => objectClusterOf(nodeHasher, object);

/** Four requests for unrelated objects at execution-server-1, for longer than it takes to be overloaded. */
function overloaded(): { stage: Stage; requests: ReturnType<Stage["dispatch"]>[]; epoch: number } {
  const stage = new Stage({}, { overload });
  const requests = ["a", "b", "c", "d"].map((object) => stage.dispatch("alice", { object }));
  stage.mastersAnswer = false;
  for (let round = 0; round < 4; round++) {
    stage.heartbeat();
    stage.pass(100);
  }
  return { stage, requests, epoch: stage.core.placement()[0]?.epoch ?? 0 };
}

const parts = (stage: Stage) =>
  stage
    .sentOf("requestEpoch")
    .flatMap(({ message }) => (message.kind === "requestEpoch" && message.part ? [message] : []));

/** The domain's new epoch before the cut, settled without survivors. */
function close(stage: Stage): number {
  const epoch = stage.open("execution-server-1");
  stage.decide({ kind: "settled", clusters: [ALL], epoch, survivors: [], voided: [] });
  return epoch;
}

const openPart = (stage: Stage, message: ReturnType<typeof parts>[number]) => {
  const { clusters, holder, members, faultsTolerated } = message;
  const epoch = stage.nextSlot;
  stage.decide({ kind: "epochOpened", clusters, epoch, holder, members, faultsTolerated, invalid: [] });
  return () => stage.decide({ kind: "settled", clusters, epoch, survivors: [], voided: [] });
};

describe("part of an overloaded domain goes to an idle server", () => {
  test("drained, after a settlement of the whole, and nothing is dispatched in between", () => {
    const { stage, epoch } = overloaded();
    const before = stage.dispatches.length;
    stage.admit("bob", { object: "e" });
    expect(stage.dispatches).toHaveLength(before);
    stage.pass(200);
    expect(stage.sentOf("requestEpoch").at(-1)?.message).toMatchObject({
      holder: "execution-server-1",
      epochMax: epoch,
    });
    expect(parts(stage)).toEqual([]);
    const closed = close(stage);
    expect(stage.dispatches).toHaveLength(before);
    const [asked] = parts(stage);
    if (!asked) throw new Error("no part was asked for");
    expect(asked).toMatchObject({ epochMax: closed, part: true });
    expect(["execution-server-2", "execution-server-3"]).toContain(asked.holder);
    const settle = openPart(stage, asked);
    const moved = (object: string) =>
      asked.clusters.some(({ from, to }) => clusterOf(object) >= from && clusterOf(object) <= to);
    const restarted = stage.dispatches.slice(before);
    expect(restarted.length).toBeGreaterThan(0);
    for (const { server, ticket } of restarted) {
      expect([server, ticket.body.clusters[0]?.epoch]).toEqual(["execution-server-1", closed]);
    }
    settle();
    const all = stage.dispatches.slice(before);
    expect(new Set(all.map(({ server }) => server))).toEqual(new Set(["execution-server-1", asked.holder]));
    expect(["a", "b", "c", "d"].filter(moved)).toHaveLength(2);
    expect(stage.core.placement()).toHaveLength(2);
  });

  test("does not happen while every request is connected with the others", () => {
    const stage = new Stage({}, { overload });
    for (const objects of [
      ["a", "b"],
      ["b", "c"],
      ["c", "d"],
      ["d", "a"],
    ])
      stage.dispatch("alice", { object: "x", objects });
    stage.mastersAnswer = false;
    for (let round = 0; round < 5; round++) {
      stage.heartbeat();
      stage.pass(100);
    }
    expect(
      stage.sentOf("requestEpoch").filter(({ message }) => message.kind === "requestEpoch" && message.epochMax > 2),
    ).toEqual([]);
  });

  test("is given up when the masters do not answer; nothing is dispatched in the epoch that was named until it is over", () => {
    const { stage } = overloaded();
    stage.pass(200);
    const closed = close(stage);
    const before = stage.dispatches.length;
    for (let round = 0; round < 20; round++) {
      stage.heartbeat();
      stage.pass(200);
    }
    expect(stage.dispatches).toHaveLength(before);
    expect(stage.sentOf("requestEpoch").at(-1)?.message).toMatchObject({
      epochMax: closed,
      holder: "execution-server-1",
    });
    expect(stage.sentOf("requestEpoch").at(-1)?.message).not.toHaveProperty("part");
    close(stage);
    expect(stage.dispatches.length).toBeGreaterThan(before);
  });

  test("ends when its domain gets another holder meanwhile", () => {
    const { stage } = overloaded();
    stage.pass(200);
    stage.settle("execution-server-2");
    stage.pass(300);
    expect(parts(stage)).toEqual([]);
    expect(stage.dispatches.at(-1)?.server).toBe("execution-server-2");
  });

  test("and comes together again for a request that needs both", () => {
    const { stage } = overloaded();
    stage.pass(200);
    close(stage);
    const [asked] = parts(stage);
    if (!asked) throw new Error("no part was asked for");
    openPart(stage, asked)();
    stage.admit("carol", { object: "x", objects: ["a", "b", "c", "d"] });
    stage.pass(50);
    expect(stage.sentOf("requestEpoch").at(-1)?.message).toMatchObject({ clusters: [ALL] });
  });
});

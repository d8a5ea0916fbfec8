import type { StoredVersion } from "@redoubt/shared";
import { ZERO_DIGEST } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { digestOf, genesisOrder, MEMBERS, order } from "../testing/toy.test-support.ts";

import { deposit, serverWith } from "./server.test-support.ts";

describe("an execution", () => {
  it("gets everything declared from the members, t+1 of them, and its change goes to every member", () => {
    const server = serverWith(1, 2);
    server.dispatch(order({ from: 1, to: 2, amount: 5 }));
    server.answerFetches([MEMBERS[0]]);
    expect(server.executions()).toEqual([]);
    server.answerFetches([MEMBERS[1]]);
    expect(server.executions()).toMatchObject([
      {
        operation: "transfer",
        provided: [
          { object: "account/1", bytes: "100" },
          { object: "account/2", bytes: "100" },
        ],
        deadlineMs: 1_000,
      },
    ]);
    server.finish(server.last(), { "account/1": 95, "account/2": 105 });
    expect(server.sent("state-replica", "change").map(({ to }) => to)).toEqual([...MEMBERS]);
    expect(server.changes()).toMatchObject([
      {
        serial: 1,
        reply: '{"body":null,"status":200}',
        links: [
          { cluster: 1, predecessorSerial: 0 },
          { cluster: 2, predecessorSerial: 0 },
        ],
        writes: [{ number: 2, epoch: 2, parent: { number: 1 }, bytes: "95" }, { bytes: "105" }],
      },
    ]);
  });

  it("uses the cache afterwards, links to the change before and counts serials", () => {
    const server = serverWith(1, 2);
    server.dispatch(order({ from: 1, to: 2, amount: 5 }));
    server.answerFetches();
    server.finish(server.last(), { "account/1": 95, "account/2": 105 });
    server.dispatch(deposit(1, "a"));
    expect(server.sent("state-replica", "fetch")).toEqual([]);
    server.finish(server.last(), { "account/1": 96 });
    const [first, second] = server.changes();
    expect(second).toMatchObject({
      serial: 2,
      links: [{ cluster: 1, predecessorSerial: 1, follows: first && digestOf(first) }],
      reads: [{ number: 2 }],
      writes: [{ number: 3 }],
    });
  });

  it("believes no single member, and no bytes that do not have their C1", () => {
    const server = serverWith(1);
    server.dispatch(deposit(1, "a"));
    const fetch = server.sent("state-replica", "fetch")[0]?.message.fetch ?? "";
    const right = server.objects.get("account/1") as StoredVersion;
    const forged = { ...right, bytes: "1000000" };
    const tips = [{ cluster: 1, epoch: 2, follows: ZERO_DIGEST }];
    for (const member of MEMBERS)
      server.receive(member, { kind: "fetched", fetch, objects: [{ object: "account/1", version: forged }], tips });
    expect(server.executions()).toEqual([]);
    server.receive(MEMBERS[0], { kind: "fetched", fetch, objects: [{ object: "account/1", version: null }], tips });
    server.receive(MEMBERS[1], { kind: "fetched", fetch, objects: [{ object: "account/1", version: right }], tips });
    server.receive("state-replica-9", {
      kind: "fetched",
      fetch,
      objects: [{ object: "account/1", version: right }],
      tips,
    });
    expect(server.executions()).toEqual([]);
    server.receive(MEMBERS[2], { kind: "fetched", fetch, objects: [{ object: "account/1", version: right }], tips });
    expect(server.executions()).toMatchObject([{ provided: [{ bytes: "100" }] }]);
  });

  it("asks members again every 100 ms, and gives up when nobody waits for it any more", () => {
    const server = serverWith(1);
    server.dispatch(deposit(1, "a"));
    server.wait(250);
    expect(server.sent("state-replica", "fetch")).toHaveLength(9);
    server.now = 1_000_001;
    server.wait(1);
    expect(server.failures()).toMatchObject([{ reason: "stale" }]);
  });

  it("that lost a conflict runs again, in line", () => {
    const server = serverWith(1);
    server.dispatch(deposit(1, "a"));
    server.answerFetches();
    const first = server.last();
    for (const key of ["b", "c", "d"]) server.dispatch(deposit(1, key));
    const others = server
      .executions()
      .slice(1)
      .map((effect) => effect.execution);
    expect(others).toHaveLength(3);
    server.finish(first, { "account/1": 101 });
    for (const execution of others) server.finish(execution, { "account/1": 101 });
    // One runs again at a time, on what the one before it wrote.
    expect(server.executions()).toHaveLength(5);
    for (const value of [102, 103, 104]) server.finish(server.last(), { "account/1": value });
    expect(server.executions()).toHaveLength(7);
    expect(server.changes().map((record) => record.writes[0]?.bytes)).toEqual(["101", "102", "103", "104"]);
    expect(server.changes().map((record) => record.serial)).toEqual([1, 2, 3, 4]);
  });

  it("ends without writes when it is refused by the application, and is journalled all the same", () => {
    const server = serverWith(1);
    server.dispatch(deposit(1, "a"));
    server.answerFetches();
    server.finish(server.last(), { "account/1": 0 }, ["account/1"], 422);
    expect(server.changes()).toMatchObject([
      { writes: [], reads: [{ object: "account/1" }], reply: '{"body":null,"status":422}' },
    ]);
  });

  it("of a read-only operation moves serials but not the chain", () => {
    const server = serverWith(1);
    server.dispatch(order({ of: 1 }, { operation: "balance" }));
    server.answerFetches();
    server.finish(server.last(), {}, ["account/1"]);
    server.dispatch(deposit(1, "a"));
    server.finish(server.last(), { "account/1": 101 });
    expect(server.changes()[1]).toMatchObject({ serial: 2, links: [{ predecessorSerial: 1, follows: ZERO_DIGEST }] });
  });

  it("of genesis needs no worker and creates what is absent", () => {
    const server = serverWith(1);
    server.dispatch(genesisOrder(["account/1", "account/7"]));
    server.answerFetches();
    expect(server.executions()).toEqual([]);
    expect(server.changes()).toMatchObject([
      { writes: [{ object: "account/7", number: 1, bytes: "100" }], reads: [{}, { number: 0 }] },
    ]);
  });

  it("that reads or writes what is not declared fails", () => {
    const server = serverWith(1);
    server.dispatch(deposit(1, "a"));
    server.answerFetches();
    const effects = server.step({ kind: "read", execution: server.last(), object: "account/2", now: 0, wall: 0 });
    expect(effects[0]).toMatchObject({ kind: "cancel" });
    server.dispatch(deposit(1, "b"));
    server.finish(server.last(), { "account/2": 5 });
    expect(server.failures()).toMatchObject([{ reason: "thrown" }, { reason: "thrown" }]);
    expect(server.changes()).toEqual([]);
  });

  it("too large fails as oversize", () => {
    const server = serverWith(1);
    server.dispatch(deposit(1, "a"));
    server.answerFetches();
    server.step({
      kind: "finished",
      execution: server.last(),
      reply: { status: 200, body: `"${"x".repeat(300_000)}"` },
      reads: [],
      writes: [],
      now: 0,
      wall: 0,
    });
    expect(server.failures()).toMatchObject([{ reason: "oversize" }]);
  });
});

describe("a dispatch", () => {
  it("that comes again changes nothing: one ticket, one change", () => {
    const server = serverWith(1);
    const request = deposit(1, "a");
    server.dispatch(request);
    server.dispatch(request);
    server.answerFetches();
    server.dispatch(request);
    expect(server.executions()).toHaveLength(1);
    server.finish(server.last(), { "account/1": 101 });
    server.dispatch(request);
    expect(server.changes()).toHaveLength(1);
    expect(server.sent("state-replica", "change")).toHaveLength(6);
  });

  it("that failed says so again when it comes again", () => {
    const server = serverWith(1);
    const request = deposit(1, "a");
    server.dispatch(request);
    server.answerFetches();
    const execution = server.last();
    server.step({ kind: "failed", execution, reason: "crash", detail: "died", alsoInside: [], now: 0, wall: 0 });
    server.dispatch(request);
    expect(server.failures()).toMatchObject([{ reason: "crash" }, { reason: "crash" }]);
  });

  it("is refused for another server, an old epoch, an expired ticket, another input", () => {
    const server = serverWith(1);
    server.dispatch(deposit(1, "a", { epoch: 4 }));
    server.dispatch(deposit(1, "b", { executionServer: "execution-server-2" }));
    server.dispatch(deposit(1, "c"));
    server.dispatch({ ...deposit(1, "d", { epoch: 4 }), input: '{"to":1,"amount":2}' });
    server.now = 20_000_000;
    server.dispatch(deposit(1, "e", { epoch: 4 }));
    expect(server.failures().map((failure) => failure.reason)).toEqual([
      "refused",
      "stale",
      "refused",
      "stale",
      "stale",
    ]);
  });

  it("is taken although the own clock is an hour ahead of the regulator's", () => {
    const server = serverWith(1);
    server.now = 1_000_000 + 3_600_000;
    server.dispatch(deposit(1, "a"));
    server.answerFetches();
    expect(server.failures()).toEqual([]);
    expect(server.executions()).toHaveLength(1);
  });

  it("of a newer epoch ends what was going on in the older one", () => {
    const server = serverWith(1);
    server.dispatch(deposit(1, "a"));
    server.answerFetches();
    const old = server.last();
    server.dispatch(deposit(1, "b", { epoch: 9 }));
    server.finish(old, { "account/1": 101 });
    expect(server.failures()).toMatchObject([{ reason: "stale" }]);
    server.answerFetches();
    server.finish(server.last(), { "account/1": 101 });
    expect(server.changes()).toMatchObject([{ serial: 1, links: [{ epoch: 9, predecessorSerial: 0 }] }]);
  });
});

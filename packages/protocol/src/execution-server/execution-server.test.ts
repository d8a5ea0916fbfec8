import type { ChangeRecord, MessagesTo, StoredVersion, ToExecutionServer } from "@redoubt/shared";
import { ZERO_DIGEST } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { computeC1, digestEvidence } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import {
  digestOf,
  EXECUTION_SERVER,
  genesisOrder,
  MEMBERS,
  type Order,
  order,
  REGULATOR,
  toyApplication,
} from "../testing/toy.test-support.ts";
import { createExecutionServer, type ExecutionServer } from "./execution-server.ts";
import type { ExecutionServerEffect, ExecutionServerInput } from "./types.ts";

type Execute = Extract<ExecutionServerEffect, { kind: "execute" }>;

class Server {
  now = 0;
  effects: ExecutionServerEffect[] = [];
  readonly core: ExecutionServer = createExecutionServer(
    { hasher: nodeHasher, application: toyApplication, random: () => 0.5, sign: (digest) => `signed ${digest}` },
    { self: EXECUTION_SERVER, trafficRegulator: REGULATOR },
  );
  /** What members answer to fetches. */
  readonly objects = new Map<string, StoredVersion>();

  constructor() {
    this.step({ kind: "start", durable: [], now: 0, wall: 0 });
  }

  step(input: ExecutionServerInput): ExecutionServerEffect[] {
    const effects = this.core.step(input);
    this.effects.push(...effects);
    return effects;
  }

  receive(from: string, message: ToExecutionServer): ExecutionServerEffect[] {
    const component = from === REGULATOR ? "traffic-regulator" : "state-replica";
    return this.step({ kind: "message", from: { component, server: from }, message, now: this.now, wall: this.now });
  }

  dispatch({ ticket, input }: Order): ExecutionServerEffect[] {
    return this.receive(REGULATOR, { kind: "dispatch", ticket, input, disposable: false });
  }

  sent<Receiver extends keyof MessagesTo, Kind extends MessagesTo[Receiver]["kind"]>(component: Receiver, kind: Kind) {
    return this.effects.flatMap((effect) =>
      effect.kind === "send" && effect.component === component && effect.message.kind === kind
        ? [{ to: effect.to, message: effect.message as Extract<MessagesTo[Receiver], { kind: Kind }> }]
        : [],
    );
  }

  executions(): Execute[] {
    return this.effects.filter((effect): effect is Execute => effect.kind === "execute");
  }

  last(): string {
    return this.executions().at(-1)?.execution ?? "";
  }

  /** Answers all open fetches from these members with what they store. */
  answerFetches(members: readonly string[] = MEMBERS): void {
    const fetches = this.sent("state-replica", "fetch").filter(({ to }) => members.includes(to));
    const isAnswered = (effect: ExecutionServerEffect) =>
      effect.kind === "send" && effect.message.kind === "fetch" && members.includes(effect.to);
    this.effects = this.effects.filter((effect) => !isAnswered(effect));
    for (const { to, message } of fetches) {
      const objects = message.objects.map((object) => ({ object, version: this.objects.get(object) ?? null }));
      const exact = message.at.map(({ object }) => ({ object, version: this.objects.get(object) ?? null }));
      const tips = message.ticket.body.clusters.map(({ cluster, epoch }) => ({ cluster, epoch, follows: ZERO_DIGEST }));
      this.receive(to, { kind: "fetched", fetch: message.fetch, objects: [...objects, ...exact], tips });
    }
  }

  finish(
    execution: string,
    writes: Record<string, number>,
    reads = Object.keys(writes),
    status = 200,
  ): ExecutionServerEffect[] {
    return this.step({
      kind: "finished",
      execution,
      reply: { status, body: "null" },
      reads,
      writes: Object.entries(writes).map(([object, value]) => ({ object, value: String(value) })),
      now: this.now,
      wall: this.now,
    });
  }

  wait(milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed++) {
      this.now++;
      this.step({ kind: "tick", now: this.now, wall: this.now });
    }
  }

  /** Each change once. */
  changes(): ChangeRecord[] {
    const changes = this.sent("state-replica", "change").map(({ message }) => message.record);
    return [...new Map(changes.map((record) => [digestOf(record), record])).values()];
  }

  failures() {
    return this.sent("traffic-regulator", "executionFailed").map(({ message }) => message);
  }
}

const storedVersion = (object: string, value: number): StoredVersion => {
  const version = {
    object,
    number: 1,
    epoch: 2,
    parent: { number: 0, epoch: 0, c1: ZERO_DIGEST },
    bytes: String(value),
  };
  const requestId = order({ to: 1, amount: 1 }, { operation: "deposit" }).ticket.body.requestId;
  return { ...version, requestId, c1: computeC1(nodeHasher, version, requestId) };
};

function serverWith(...numbers: number[]): Server {
  const server = new Server();
  for (const number of numbers) server.objects.set(`account/${number}`, storedVersion(`account/${number}`, 100));
  return server;
}

const deposit = (to: number, key: string, options = {}) =>
  order({ to, amount: 1 }, { operation: "deposit", key, ...options });

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

  it("asks members again every 100 ms, and gives up when its ticket expires", () => {
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
    server.now = 2_000_000;
    server.dispatch(deposit(1, "e", { epoch: 4 }));
    expect(server.failures().map((failure) => failure.reason)).toEqual([
      "refused",
      "stale",
      "refused",
      "stale",
      "stale",
    ]);
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

describe("a change", () => {
  function sentChange(): { server: Server; record: ChangeRecord; digest: ReturnType<typeof digestOf> } {
    const server = serverWith(1);
    server.dispatch(deposit(1, "a"));
    server.answerFetches();
    server.finish(server.last(), { "account/1": 101 });
    const record = server.changes()[0] as ChangeRecord;
    server.effects = [];
    return { server, record, digest: digestOf(record) };
  }

  it("is sent again to those that have not acknowledged it, until they have", () => {
    const { server, digest } = sentChange();
    server.receive(MEMBERS[0], { kind: "acknowledged", digests: [digest] });
    server.wait(250);
    expect(server.sent("state-replica", "change").map(({ to }) => to)).toEqual([MEMBERS[1], MEMBERS[2]]);
    for (const member of MEMBERS) server.receive(member, { kind: "acknowledged", digests: [digest] });
    expect(server.core.outgoingCount).toBe(0);
  });

  it("is sent again on demand, but no member can make a flood of it", () => {
    const { server } = sentChange();
    for (let count = 0; count < 100; count++) server.receive(MEMBERS[1], { kind: "resend", epoch: 2, fromSerial: 1 });
    expect(server.sent("state-replica", "change")).toHaveLength(1);
  });

  it("refused by one member is not given up; by t+1 it is, and the clusters are fetched again", () => {
    const { server, record } = sentChange();
    const { requestId } = record.ticket.body;
    const refusal = { kind: "refused", requestId, attempt: 1, reason: "obsolete-request" } as const;
    server.receive(MEMBERS[0], refusal);
    server.receive(MEMBERS[0], refusal);
    expect(server.failures()).toEqual([]);
    server.receive(MEMBERS[1], refusal);
    expect(server.failures()).toMatchObject([{ reason: "refused" }]);
    server.dispatch(deposit(1, "b"));
    server.answerFetches();
    server.finish(server.last(), { "account/1": 101 });
    expect(server.changes().at(-1)).toMatchObject({
      serial: 2,
      links: [{ predecessorSerial: 1, follows: ZERO_DIGEST }],
      writes: [{ number: 2 }],
    });
  });

  it("is signed for within 20 ms, once for all that were sent meanwhile", () => {
    const { server, digest } = sentChange();
    server.dispatch(deposit(1, "b"));
    server.finish(server.last(), { "account/1": 102 });
    server.wait(20);
    const evidence = server.sent("state-replica", "evidence");
    expect(evidence.map(({ to }) => to)).toEqual([...MEMBERS]);
    const digests = [digest, digestOf(server.changes()[0] as ChangeRecord)];
    expect(evidence[0]?.message).toMatchObject({ digests, signature: `signed ${digestEvidence(nodeHasher, digests)}` });
  });
});

describe("a shadow run", () => {
  it("starts from the versions named, goes to the home members, touches no cache, and is repeated when asked", () => {
    const server = serverWith(1);
    const { ticket, input } = deposit(1, "a");
    const { object, number, epoch, c1 } = server.objects.get("account/1") as StoredVersion;
    const run = { kind: "shadowRun", run: "r", ticket, input, reads: [{ object, number, epoch, c1 }] } as const;
    server.receive(REGULATOR, run);
    expect(server.sent("state-replica", "fetch")[0]?.message).toMatchObject({ objects: [], at: [{ object, c1 }] });
    server.answerFetches([MEMBERS[2]]);
    expect(server.executions()).toMatchObject([{ disposable: true, provided: [{ bytes: "100" }] }]);
    server.finish(server.last(), { "account/1": 101 });
    expect(server.sent("state-replica", "shadowResult").map(({ to }) => to)).toEqual([...MEMBERS]);
    server.receive(REGULATOR, run);
    expect(server.sent("state-replica", "shadowResult")).toHaveLength(6);
    expect(server.changes()).toEqual([]);
    server.dispatch(deposit(1, "b"));
    expect(server.sent("state-replica", "fetch")).not.toEqual([]);
  });

  it("that crashes tells the run's name", () => {
    const server = serverWith(1);
    const { ticket, input } = deposit(1, "a");
    server.receive(REGULATOR, { kind: "shadowRun", run: "r", ticket, input, reads: [] });
    server.answerFetches();
    const execution = server.last();
    server.step({ kind: "failed", execution, reason: "timeout", detail: "slow", alsoInside: [], now: 0, wall: 0 });
    expect(server.failures()).toMatchObject([{ run: "r", reason: "timeout" }]);
  });
});

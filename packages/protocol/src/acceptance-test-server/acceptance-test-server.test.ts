import type { ChangeRecord, MessagesTo, StoredVersion, ToAcceptanceTestServer } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { computeC1, digestChange, summarize } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import {
  digestOf,
  EXECUTION_SERVER,
  genesisOrder,
  MASTERS,
  MEMBERS,
  opened,
  order,
  primaryRegulator,
  REGULATOR,
  settled,
  slot,
  ToyHolder,
  toyApplication,
  verified,
} from "../testing/toy.test-support.ts";
import { createAcceptanceTestServer } from "./acceptance-test-server.ts";
import type { AcceptanceTestServerEffect, AcceptanceTestServerInput } from "./types.ts";

const SELF = "acceptance-test-server-1";
const basic = { profile: "basic", testers: [SELF] } as const;

class Server {
  now = 0;
  effects: AcceptanceTestServerEffect[] = [];
  readonly core = createAcceptanceTestServer(
    { hasher: nodeHasher, application: toyApplication },
    { self: SELF, masters: MASTERS, trafficRegulator: REGULATOR },
  );
  through = 0;

  constructor() {
    this.step({ kind: "start", durable: [], now: 0, wall: 0 });
    this.decide(slot(1, primaryRegulator), slot(2, opened(2)), slot(3, settled(2)));
    this.effects = [];
  }

  step(input: AcceptanceTestServerInput): void {
    this.effects.push(...this.core.step(input));
  }

  receive(from: string, message: ToAcceptanceTestServer): void {
    this.step({ kind: "message", from: { component: "state-replica", server: from }, message, now: this.now, wall: 0 });
  }

  decide(...slots: ReturnType<typeof slot>[]): void {
    const through = slots.at(-1)?.slot ?? 0;
    this.receive(MASTERS[0], { kind: "stream", after: this.through, through, slots, primary: MASTERS[0] });
    this.through = through;
  }

  vote(member: string, record: ChangeRecord): void {
    this.receive(member, {
      kind: "memberAnswer",
      summary: summarize(nodeHasher, record),
      changeDigest: digestOf(record),
    });
  }

  tested(test: string, kind: "pass" | "unable" = "pass"): void {
    const verdict = kind === "pass" ? { kind } : { kind, detail: "died" };
    this.step({ kind: "tested", test, verdict, now: this.now, wall: 0 });
  }

  wait(milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed++) this.step({ kind: "tick", now: ++this.now, wall: 0 });
  }

  sent<Receiver extends keyof MessagesTo, Kind extends MessagesTo[Receiver]["kind"]>(component: Receiver, kind: Kind) {
    return this.effects.flatMap((effect) =>
      effect.kind === "send" && effect.component === component && effect.message.kind === kind
        ? [{ to: effect.to, ...(effect.message as Extract<MessagesTo[Receiver], { kind: Kind }>) }]
        : [],
    );
  }

  tests() {
    return this.effects.filter((effect) => effect.kind === "test");
  }
}

/** A deposit on account 1, and the version it starts from. */
function deposit(key = "a"): { record: ChangeRecord; before: StoredVersion[] } {
  const holder = new ToyHolder();
  const genesis = holder.change(genesisOrder(["account/1"], basic), { "account/1": 100 });
  const record = holder.change(order({ to: 1, amount: 1 }, { operation: "deposit", key, ...basic }), {
    "account/1": 101,
  });
  const write = genesis.writes[0] as (typeof genesis.writes)[number];
  const { requestId } = genesis.ticket.body;
  return { record, before: [{ ...write, requestId, c1: computeC1(nodeHasher, write, requestId) }] };
}

describe("an acceptance test server", () => {
  it("tests what t+1 members name, on versions that prove right, and tells regulator and masters", () => {
    const server = new Server();
    const { record, before } = deposit();
    const digest = digestOf(record);
    server.vote(MEMBERS[0], record);
    server.vote(MEMBERS[0], record);
    expect(server.sent("state-replica", "fetchRecord")).toEqual([]);
    server.vote(MEMBERS[1], record);
    expect(server.sent("state-replica", "fetchRecord")).toEqual([{ to: MEMBERS[0], kind: "fetchRecord", digest }]);
    server.receive(MEMBERS[0], { kind: "record", digest, record, before });
    expect(server.tests()).toMatchObject([{ reads: [{ bytes: "100" }], writes: [{ before: "100", after: "101" }] }]);
    server.tested(digest);
    expect(server.sent("traffic-regulator", "acceptance")).toMatchObject([
      { to: REGULATOR, verdict: { kind: "pass" }, reply: record.reply },
    ]);
    expect(server.sent("state-master", "report").map(({ to }) => to)).toEqual([...MASTERS]);
    expect(server.sent("state-master", "report")[0]?.changes).toMatchObject([
      { digest, durable: false, verdict: { kind: "pass" } },
    ]);
  });

  it("gives the test what t+1 members say was fetched from them, and nothing that one says alone", () => {
    const server = new Server();
    const { record, before } = deposit();
    const digest = digestOf(record);
    const summary = summarize(nodeHasher, record);
    const vote = (member: string, ...objects: string[]) =>
      server.receive(member, {
        kind: "memberAnswer",
        summary,
        changeDigest: digest,
        accesses: objects.map((object) => ({ object, mode: "fetch", granted: object === "account/1" })),
      });
    vote(MEMBERS[2], "account/1", "account/9", "account/9");
    vote(MEMBERS[0], "account/1", "account/7");
    server.receive(MEMBERS[0], { kind: "record", digest, record, before });
    server.receive(MEMBERS[2], { kind: "record", digest, record, before });
    expect(server.tests()).toMatchObject([
      { accesses: [{ object: "account/1", mode: "fetch", granted: true }, { mode: "read" }, { mode: "write" }] },
    ]);
  });

  it("takes no forged record, input, or version, and asks the next member after 100 ms", () => {
    const server = new Server();
    const { record, before } = deposit();
    const digest = digestOf(record);
    for (const member of [MEMBERS[0], MEMBERS[1]]) server.vote(member, record);
    server.receive(MEMBERS[0], {
      kind: "record",
      digest,
      record: { ...record, reply: '{"body":"x","status":200}' },
      before,
    });
    server.receive(MEMBERS[0], { kind: "record", digest, record: { ...record, input: '{"to":1,"amount":9}' }, before });
    server.receive(MEMBERS[0], {
      kind: "record",
      digest,
      record,
      before: before.map((version) => ({ ...version, bytes: "5" })),
    });
    server.receive(MEMBERS[2], { kind: "record", digest, record, before });
    expect(server.tests()).toEqual([]);
    server.wait(100);
    expect(server.sent("state-replica", "fetchRecord").map(({ to }) => to)).toEqual([MEMBERS[0], MEMBERS[1]]);
    server.receive(MEMBERS[1], { kind: "record", digest, record, before });
    expect(server.tests()).toHaveLength(1);
  });

  it("believes the masters about who the members are, not a ticket", () => {
    const server = new Server();
    const { record } = deposit();
    const clusters = record.ticket.body.clusters.map((entry) => ({
      ...entry,
      members: ["state-replica-8", "state-replica-9"],
    }));
    const forged = {
      ...record,
      ticket: { ...record.ticket, body: { ...record.ticket.body, faultsTolerated: 0, clusters } },
    };
    server.vote("state-replica-8", forged);
    server.vote("state-replica-9", forged);
    server.vote(MEMBERS[2], forged);
    expect(server.sent("state-replica", "fetchRecord")).toEqual([]);
  });

  it("ignores a vote whose digest is not its summary's, and summaries that cannot be hashed", () => {
    const server = new Server();
    const { record } = deposit();
    const summary = summarize(nodeHasher, record);
    const changeDigest = digestChange(nodeHasher, summary);
    server.receive(MEMBERS[0], { kind: "memberAnswer", summary: { ...summary, serial: 99 }, changeDigest });
    server.receive(MEMBERS[0], { kind: "memberAnswer", summary: { ...summary, serial: -1 }, changeDigest });
    expect(server.core.candidateCount).toBe(0);
  });

  it("waits for the epoch a vote names", () => {
    const server = new Server();
    const holder = new ToyHolder();
    const record = holder.change(genesisOrder(["account/1"], { ...basic, epoch: 4 }), { "account/1": 100 });
    for (const member of [MEMBERS[0], MEMBERS[1]]) server.vote(member, record);
    expect(server.sent("state-replica", "fetchRecord")).toEqual([]);
    server.decide(slot(4, opened(4)));
    expect(server.sent("state-replica", "fetchRecord")).toHaveLength(1);
  });

  it("repeats its verdict a few times until the masters decide, and again when a member votes again", () => {
    const server = new Server();
    const { record, before } = deposit();
    const digest = digestOf(record);
    for (const member of [MEMBERS[0], MEMBERS[1]]) server.vote(member, record);
    server.receive(MEMBERS[0], { kind: "record", digest, record, before });
    server.tested(digest);
    server.wait(5_000);
    expect(server.sent("traffic-regulator", "acceptance")).toHaveLength(5);
    server.vote(MEMBERS[2], record);
    expect(server.sent("traffic-regulator", "acceptance")).toHaveLength(6);
    server.decide(slot(4, verified(record)));
    expect(server.core.candidateCount).toBe(0);
  });

  it("tests for an audit whatever the masters have decided, tells the regulator alone, and forgets it then", () => {
    const server = new Server();
    const { record, before } = deposit();
    const digest = digestOf(record);
    const vote = {
      kind: "memberAnswer",
      summary: summarize(nodeHasher, record),
      changeDigest: digest,
      audit: true,
    } as const;
    for (const member of [MEMBERS[0], MEMBERS[1]]) server.receive(member, vote);
    server.decide(slot(4, verified(record)), slot(5, opened(5)), slot(6, settled(5)));
    server.receive(MEMBERS[0], { kind: "record", digest, record, before });
    server.tested(digest);
    server.wait(5_000);
    expect(server.sent("traffic-regulator", "acceptance")).toHaveLength(5);
    expect(server.sent("state-master", "report")).toEqual([]);
    expect(server.core.candidateCount).toBe(0);
  });

  it("tells the masters, too, once members vote to it for another reason than the audit (simulator seed 574)", () => {
    const server = new Server();
    const { record, before } = deposit();
    const digest = digestOf(record);
    const vote = { kind: "memberAnswer", summary: summarize(nodeHasher, record), changeDigest: digest } as const;
    for (const member of [MEMBERS[0], MEMBERS[1]]) server.receive(member, { ...vote, audit: true });
    server.receive(MEMBERS[0], { kind: "record", digest, record, before });
    server.tested(digest);
    expect(server.sent("state-master", "report")).toEqual([]);
    server.wait(1_000);
    server.vote(MEMBERS[0], record);
    expect(server.sent("state-master", "report").length).toBeGreaterThan(0);
  });

  it("asks for an audited record only so often: one member's word begins an audit, and no decision ends it", () => {
    const server = new Server();
    const { record } = deposit();
    const vote = {
      kind: "memberAnswer",
      summary: summarize(nodeHasher, record),
      changeDigest: digestOf(record),
    } as const;
    server.vote(MEMBERS[0], record);
    server.receive(MEMBERS[1], { ...vote, audit: true });
    server.decide(slot(4, opened(4)), slot(5, settled(4)));
    expect(server.core.candidateCount).toBe(1);
    server.wait(10_000);
    expect(server.core.candidateCount).toBe(0);
    expect(server.sent("state-replica", "fetchRecord").length).toBeLessThanOrEqual(50);
  });

  it("keeps only so much of what one member names, whatever it votes for, and all that others do", () => {
    const server = new Server();
    const { record, before } = deposit();
    server.vote(MEMBERS[0], record);
    const access = { object: "account/1", mode: "fetch", granted: true } as const;
    const accesses = Array.from({ length: 1_024 }, () => access);
    const reads = Array.from({ length: 500 }, () => ({
      object: "account/1",
      number: 1,
      epoch: 2,
      c1: digestOf(record),
    }));
    const COUNT = 400;
    for (let serial = 1; serial <= COUNT; serial++) {
      const summary = { ...summarize(nodeHasher, record), reads, serial };
      server.receive(MEMBERS[2], {
        ...{ kind: "memberAnswer", summary, changeDigest: digestChange(nodeHasher, summary) },
        ...(serial % 2 === 0 ? { accesses } : {}),
      });
    }
    expect(server.core.candidateCount).toBeGreaterThan(80);
    expect(server.core.candidateCount).toBeLessThan(COUNT - 100);
    server.vote(MEMBERS[1], record);
    server.receive(MEMBERS[1], { kind: "record", digest: digestOf(record), record, before });
    expect(server.tests()).toHaveLength(1);
  });

  it("forgets what did not survive a settlement", () => {
    const server = new Server();
    const [one, two] = [deposit("a").record, deposit("b").record];
    for (const record of [one, two]) server.vote(MEMBERS[0], record);
    server.decide(slot(4, opened(4)), slot(5, settled(4, [two])));
    expect(server.core.candidateCount).toBe(1);
  });

  it("tests again when the test died, but not for ever", () => {
    const server = new Server();
    const { record, before } = deposit();
    const digest = digestOf(record);
    for (const member of [MEMBERS[0], MEMBERS[1]]) server.vote(member, record);
    for (let count = 0; count < 3; count++) {
      server.receive(MEMBERS[0], { kind: "record", digest, record, before });
      server.tested(digest, "unable");
    }
    expect(server.tests()).toHaveLength(3);
    expect(server.sent("traffic-regulator", "acceptance")).toMatchObject([{ verdict: { kind: "unable" } }]);
  });

  it("lets a faulty member push out only its own votes", () => {
    const server = new Server();
    const { record } = deposit("honest");
    server.vote(MEMBERS[0], record);
    for (let serial = 10; serial < 4_200; serial++) server.vote(MEMBERS[2], { ...record, serial });
    server.vote(MEMBERS[1], record);
    expect(server.sent("state-replica", "fetchRecord")).toHaveLength(1);
    expect(server.core.candidateCount).toBeLessThanOrEqual(4_097);
  });

  it("tests a shadow result on versions fetched from members, asking one after the other", () => {
    const server = new Server();
    const { record, before } = deposit();
    server.receive("execution-server-9", { kind: "shadowResult", run: "r", record });
    expect(server.sent("state-replica", "fetchRecord")).toEqual([]);
    server.receive(EXECUTION_SERVER, { kind: "shadowResult", run: "r", record });
    server.wait(100);
    expect(server.sent("state-replica", "fetchRecord").map(({ to }) => to)).toEqual([MEMBERS[0], MEMBERS[1]]);
    server.receive(MEMBERS[1], { kind: "record", digest: digestOf(record), record: null, before });
    const test = server.tests()[0];
    server.tested(test?.kind === "test" ? test.test : "");
    expect(server.sent("traffic-regulator", "shadowVerdict")).toMatchObject([
      { run: "r", verdict: { kind: "pass" }, resultDigest: digestOf(record) },
    ]);
  });
});

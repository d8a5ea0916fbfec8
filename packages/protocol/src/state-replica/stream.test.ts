import type { ChangeRecord } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import {
  digestOf,
  EXECUTION_SERVER,
  genesisOrder,
  MASTERS,
  MEMBERS,
  opened,
  order,
  requestIdOf,
  settled,
  slot,
  ToyHolder,
  verified,
} from "../testing/toy.test-support.ts";
import { Member, readyMember } from "./member.test-support.ts";

const deposit = (to: number, key: string, options = {}) =>
  order({ to, amount: 1 }, { operation: "deposit", key, ...options });
const genesis = (holder: ToyHolder, ...numbers: number[]): ChangeRecord =>
  holder.change(
    genesisOrder(numbers.map((number) => `account/${number}`)),
    Object.fromEntries(numbers.map((number) => [`account/${number}`, 100])),
  );
const everything = [{ from: 0, to: 1023 }];
const statuses = (member: Member, object: string) =>
  member.core.versionsOf(object).map(({ stored, status }) => `${stored.number}:${status}`);

describe("following the stream", () => {
  it("asks again after 300 ms of silence, from where it is", () => {
    const member = readyMember();
    member.wait(301);
    expect(member.sent("state-master", "follow")[0]).toEqual({ kind: "follow", after: 3, restarted: false });
  });

  it("asks at once when something is missing before what came, and takes nothing in out of order", () => {
    const member = new Member();
    member.clear();
    member.receive(MASTERS[1], {
      kind: "stream",
      after: 2,
      through: 3,
      slots: [slot(3, settled(2))],
      primary: MASTERS[0],
    });
    expect(member.core.appliedThrough).toBe(0);
    expect(member.sent("state-master", "follow")).toHaveLength(1);
  });

  it("takes a slot in once, however often it comes", () => {
    const member = readyMember();
    const record = genesis(new ToyHolder(), 1);
    member.change(record);
    const message = {
      kind: "stream",
      after: 3,
      through: 4,
      slots: [slot(4, verified(record))],
      primary: MASTERS[0],
    } as const;
    member.receive(MASTERS[0], message);
    member.receive(MASTERS[1], message);
    expect(member.core.cluster(1).verifiedHead).toBe(digestOf(record));
    expect(statuses(member, "account/1")).toEqual(["1:verified"]);
  });

  it("fetches a verified change it lacks, one member after the other, and waits meanwhile", () => {
    const member = readyMember();
    const holder = new ToyHolder();
    const first = genesis(holder, 1);
    const second = holder.change(deposit(1, "a"), { "account/1": 101 });
    member.decide(slot(4, verified(first)), slot(5, verified(second)));
    expect(member.core.appliedThrough).toBe(3);
    const asked = member.sent("state-replica", "fetchChanges");
    const requestIds = [first, second].map((record) => record.ticket.body.requestId);
    expect(asked).toEqual([{ kind: "fetchChanges", digests: [digestOf(first), digestOf(second)], requestIds }]);
    member.wait(101);
    expect(member.sent("state-replica", "fetchChanges")).toHaveLength(2);
    member.receive(MEMBERS[1], { kind: "changes", records: [second, { ...first, reply: "forged" }] });
    expect(member.core.appliedThrough).toBe(3);
    member.receive(MEMBERS[0], { kind: "changes", records: [first] });
    expect(member.core.appliedThrough).toBe(5);
    expect(statuses(member, "account/1")).toEqual(["1:verified", "2:verified"]);
  });

  it("takes no change from another member that it did not ask for, nor one with another input text", () => {
    const member = readyMember();
    const record = genesis(new ToyHolder(), 1);
    member.receive(MEMBERS[0], { kind: "changes", records: [record] });
    expect(member.journal.filter((entry) => entry.kind === "fetched")).toEqual([]);
    member.decide(slot(4, verified(record)));
    member.receive(MEMBERS[0], { kind: "changes", records: [{ ...record, input: '{"objects":["account/2"]}' }] });
    expect(member.core.appliedThrough).toBe(3);
  });

  it("uses a held change instead of fetching it, and goes on with the next", () => {
    const member = readyMember();
    const holder = new ToyHolder();
    const first = genesis(holder, 1);
    const second = holder.change(deposit(1, "a"), { "account/1": 101 });
    const third = holder.change(deposit(1, "b"), { "account/1": 102 });
    member.change(second);
    member.change(third);
    expect(member.core.heldCount).toBe(2);
    member.decide(slot(4, verified(first)), slot(5, verified(second)));
    expect(member.sent("state-replica", "fetchChanges")[0]?.digests).toEqual([digestOf(first)]);
    member.receive(MEMBERS[0], { kind: "changes", records: [first] });
    expect(member.accepted()).toEqual([second, third]);
    expect(statuses(member, "account/1")).toEqual(["1:verified", "2:verified", "3:pending"]);
  });

  it("does not wait for read-only changes that were verified", () => {
    const member = readyMember();
    const holder = new ToyHolder();
    member.decide(slot(4, verified(holder.change(order({ of: 1 }, { operation: "balance" }), {}))));
    expect(member.core.appliedThrough).toBe(4);
  });

  it("gives other members what they lack", () => {
    const member = readyMember();
    const record = genesis(new ToyHolder(), 1);
    member.change(record);
    const { requestId, seed } = record.ticket.body;
    const [digests, requestIds] = [
      [digestOf(record), seed],
      [requestId, requestId],
    ];
    member.receive(MEMBERS[0], { kind: "fetchChanges", digests, requestIds });
    expect(member.sent("state-replica", "changes")).toEqual([{ kind: "changes", records: [record] }]);
  });
});

describe("a verified change that conflicts with held ones", () => {
  it("replaces them and what follows them", () => {
    const member = readyMember();
    const holder = new ToyHolder();
    const base = genesis(holder, 1, 2);
    member.change(base);
    const rival = holder.change(deposit(1, "rival"), { "account/1": 500 }, undefined, true);
    const lost = holder.change(deposit(1, "lost"), { "account/1": 101 });
    const follower = holder.change(order({ from: 1, to: 2, amount: 1 }), { "account/1": 100, "account/2": 101 });
    member.change(lost);
    member.change(follower);
    member.decide(slot(4, verified(base), verified(rival)));
    member.receive(MEMBERS[0], { kind: "changes", records: [rival] });
    expect(statuses(member, "account/1")).toEqual(["1:verified", "2:verified", "3:invalid", "2:invalid"]);
    expect(statuses(member, "account/2")).toEqual(["1:verified", "2:invalid"]);
    expect(member.core.cluster(1).tip).toBe(digestOf(rival));
    expect(member.core.cluster(2).tip).toBe(digestOf(base));
    expect(member.core.undecidedCount).toBe(0);
  });
});

describe("promises", () => {
  it("list what is undecided in the order it was accepted, and end the older epoch durably", () => {
    const member = readyMember();
    const holder = new ToyHolder();
    const records = [genesis(holder, 1), holder.change(deposit(1, "a"), { "account/1": 101 })];
    for (const record of records) member.change(record);
    member.decide(slot(4, opened(4)));
    const effects = member.receive(MASTERS[0], { kind: "promise", epoch: 4, clusters: everything });
    expect(effects.map((effect) => effect.kind)).toEqual(["append", "send"]);
    const promised = member.sent("state-master", "promised")[0];
    expect(promised).toMatchObject({ epoch: 4, appliedThrough: 4 });
    expect(promised?.undecided.map((summary) => summary.ticket.requestId)).toEqual(records.map(requestIdOf));
    member.restart();
    member.key();
    member.change(holder.change(deposit(1, "b"), { "account/1": 102 }));
    expect(member.refusals()).toEqual(["stale-epoch"]);
  });

  it("wait for the slot of the epoch", () => {
    const member = readyMember();
    member.receive(MASTERS[0], { kind: "promise", epoch: 4, clusters: everything });
    expect(member.sent("state-master", "promised")).toEqual([]);
    member.decide(slot(4, opened(4)));
    expect(member.sent("state-master", "promised")).toHaveLength(1);
  });

  it("are not given for an epoch that is settled", () => {
    const member = readyMember();
    member.decide(slot(4, opened(4)), slot(5, settled(4)));
    member.receive(MASTERS[0], { kind: "promise", epoch: 4, clusters: everything });
    expect(member.sent("state-master", "promised")).toEqual([]);
  });

  it("given once more when asked again, without journalling again", () => {
    const member = readyMember();
    member.decide(slot(4, opened(4)));
    for (let count = 0; count < 3; count++)
      member.receive(MASTERS[0], { kind: "promise", epoch: 4, clusters: everything });
    expect(member.journal.filter((record) => record.kind === "promise")).toHaveLength(1);
    expect(member.sent("state-master", "promised")).toHaveLength(3);
  });
});

describe("settlement", () => {
  it("drops what does not survive, keeps and tests what does, starts serials anew", () => {
    const member = readyMember();
    const holder = new ToyHolder();
    const survivor = genesis(holder, 1);
    const lost = holder.change(deposit(1, "lost"), { "account/1": 101 });
    member.change(survivor);
    member.change(lost);
    member.decide(slot(4, opened(4, "execution-server-2")), slot(5, settled(4, [survivor])));
    expect(statuses(member, "account/1")).toEqual(["1:pending", "2:invalid"]);
    expect(member.core.cluster(1)).toMatchObject({ installedEpoch: 4, lastSerial: 0, tip: digestOf(survivor) });
    member.clear();
    member.wait(2);
    const report = member.sent("state-master", "report")[0]?.changes[0];
    expect(report).toMatchObject({ digest: digestOf(survivor), verdict: { kind: "pass" } });
  });

  it("fetches survivors it lacks before the epoch is installed", () => {
    const member = readyMember();
    const holder = new ToyHolder();
    const survivor = genesis(holder, 1);
    member.decide(slot(4, opened(4)), slot(5, settled(4, [survivor])));
    expect(member.core.cluster(1).installedEpoch).toBe(2);
    member.receive(MEMBERS[0], { kind: "changes", records: [survivor] });
    expect(member.core.cluster(1)).toMatchObject({ installedEpoch: 4, tip: digestOf(survivor) });
  });

  it("replaces a change by a survivor of the same place", () => {
    const member = readyMember();
    const holder = new ToyHolder();
    const survivor = holder.change(genesisOrder(["account/1"], { key: "one" }), { "account/1": 100 }, undefined, true);
    const mine = holder.change(genesisOrder(["account/1"], { key: "two" }), { "account/1": 100 });
    member.change(mine);
    member.decide(slot(4, opened(4)), slot(5, settled(4, [survivor])));
    member.receive(MEMBERS[0], { kind: "changes", records: [survivor] });
    expect(member.core.cluster(1).tip).toBe(digestOf(survivor));
    expect(statuses(member, "account/1")).toEqual(["1:pending", "1:invalid"]);
  });
});

describe("a list that fills several messages", () => {
  it("comes in pages of one listing, and again the same ones while nothing changes", () => {
    const member = readyMember(MEMBERS[2], true, { promisedBytesMax: 4_000 });
    const holder = new ToyHolder();
    const records = [genesis(holder, 1)];
    for (const key of ["a", "b", "c", "d"])
      records.push(holder.change(deposit(1, key), { "account/1": 100 + records.length }));
    for (const record of records) member.change(record);
    member.decide(slot(4, opened(4)));
    member.clear();
    for (let times = 0; times < 2; times++)
      member.receive(MASTERS[0], { kind: "promise", epoch: 4, clusters: everything });
    const pages = member.sent("state-master", "promised");
    const [listing] = pages.map(({ page }) => page?.listing);
    expect(pages.slice(0, 3).map(({ page }) => page)).toEqual([0, 1, 2].map((index) => ({ listing, index, count: 3 })));
    expect(pages.slice(0, 3).flatMap(({ undecided }) => undecided.map(({ serial }) => serial))).toEqual([
      1, 2, 3, 4, 5,
    ]);
    expect(pages.slice(3)).toEqual(pages.slice(0, 3));
  });
});

describe("after a restart from the journal", () => {
  it("everything is as it was: chains, labels, known requests, survivors, fetched changes", () => {
    const member = readyMember();
    const holder = new ToyHolder();
    const first = genesis(holder, 1);
    const second = holder.change(deposit(1, "a"), { "account/1": 101 });
    const fetched = genesis(new ToyHolder(), 5);
    const third = holder.change(deposit(1, "b"), { "account/1": 102 });
    for (const record of [first, second, third]) member.change(record);
    member.decide(slot(4, verified(first), verified(fetched)));
    member.receive(MEMBERS[0], { kind: "changes", records: [fetched] });
    member.decide(slot(5, opened(5)), slot(6, settled(5, [second])));
    const before = [1, 5].map((cluster) => ({ ...member.core.cluster(cluster), lastSerial: 0 }));
    const versions = statuses(member, "account/1");
    member.restart();
    expect([1, 5].map((cluster) => member.core.cluster(cluster))).toEqual(before);
    expect(statuses(member, "account/1")).toEqual(versions);
    expect(member.sent("state-master", "follow")[0]).toEqual({ kind: "follow", after: 6, restarted: true });
    member.receive("traffic-regulator-1", {
      kind: "answerAgain",
      requests: [{ requestId: requestIdOf(second), attempt: 1, test: false, reply: true, escalate: false }],
    });
    expect(member.answers()).toMatchObject([{ changeDigest: digestOf(second), reply: second.reply, known: false }]);
  });

  it("a request id that was accepted is still known", () => {
    const member = readyMember();
    const holder = new ToyHolder();
    const first = genesis(holder, 1);
    member.change(first);
    member.restart();
    member.key();
    const rival = holder.change({ ...genesisOrder(["account/1"], { attempt: 2 }) }, {});
    member.change({ ...rival, serial: 2, links: rival.links.map((link) => ({ ...link, predecessorSerial: 0 })) });
    expect(member.refusals()).toEqual(["obsolete-request"]);
  });

  it("no read-only request is confirmed before a newer epoch is installed", () => {
    const member = readyMember();
    member.restart();
    member.key();
    const balance = (key: string, epoch: number) => order({ of: 1 }, { operation: "balance", key, epoch });
    const holder = new ToyHolder();
    member.change(holder.change(balance("a", 2), {}));
    expect(member.answers()).toEqual([]);
    expect(member.refusals()).toEqual([]);
    member.decide(slot(4, opened(4)), slot(5, settled(4)));
    holder.newEpoch();
    member.change(holder.change(balance("b", 4), {}));
    expect(member.answers()).toHaveLength(1);
  });

  it("says `restarted` again although the primary is never silent: the first word may be lost (simulator seed 19)", () => {
    const member = readyMember();
    member.restart();
    member.clear();
    for (let passed = 0; passed < 2_500; passed += 100) {
      const stream = { kind: "stream", after: 3, through: 3, slots: [], primary: MASTERS[0] } as const;
      member.receive(MASTERS[0], stream);
      member.wait(100);
    }
    expect(member.sent("state-master", "follow").some((message) => message.restarted)).toBe(true);
  });

  it("says `restarted` until the primary answers, and again while reads stay unconfirmed", () => {
    const member = readyMember();
    member.restart();
    member.wait(301);
    expect(member.sent("state-master", "follow").every((message) => message.restarted)).toBe(true);
    member.clear();
    member.receive(MASTERS[0], { kind: "stream", after: 3, through: 3, slots: [], primary: MASTERS[0] });
    member.wait(1_000);
    expect(member.sent("state-master", "follow").some((message) => message.restarted)).toBe(false);
    member.clear();
    member.wait(2_000);
    expect(member.sent("state-master", "follow").some((message) => message.restarted)).toBe(true);
  });

  it("a fence still holds", () => {
    const member = readyMember();
    const record = genesis(new ToyHolder(), 1);
    const fence = { kind: "fence", requestId: requestIdOf(record), home: 1 } as const;
    const effects = member.receive(MASTERS[0], fence);
    expect(effects.map((effect) => effect.kind)).toEqual(["append", "send"]);
    expect(member.sent("state-master", "fenced")).toMatchObject([{ hasRecord: false }]);
    member.restart();
    member.key();
    member.change(record);
    expect(member.refusals()).toEqual(["fenced"]);
    member.receive(MASTERS[0], fence);
    expect(member.sent("state-master", "fenced")).toMatchObject([{ hasRecord: false }]);
    expect(member.journal.filter((entry) => entry.kind === "fence")).toHaveLength(1);
  });
});

it("a fence tells of a record that is there", () => {
  const member = readyMember();
  const record = genesis(new ToyHolder(), 1);
  member.change(record);
  member.receive(MASTERS[0], { kind: "fence", requestId: requestIdOf(record), home: 1 });
  expect(member.sent("state-master", "fenced")).toMatchObject([{ hasRecord: true }]);
});

it("a change without a decision is reported again after 500 ms, to all masters, and no more once verified", () => {
  const member = readyMember();
  const record = genesis(new ToyHolder(), 1);
  member.change(record, EXECUTION_SERVER);
  member.wait(3);
  expect(member.sent("state-master", "report")).toHaveLength(1);
  member.wait(500);
  expect(member.sent("state-master", "report")).toHaveLength(4);
  member.decide(slot(4, verified(record)));
  member.clear();
  member.wait(2_000);
  expect(member.sent("state-master", "report")).toEqual([]);
});

it("a verdict lost with a tester's process is brought again by a new test, by the other home members if need be", () => {
  const record = (() => {
    const holder = new ToyHolder();
    genesis(holder, 1);
    return [genesis(new ToyHolder(), 1), holder.change(deposit(1, "a"), { "account/1": 101 })] as const;
  })();
  for (const [name, milliseconds] of [
    [MEMBERS[0], 502],
    [MEMBERS[2], 1_002],
  ] as const) {
    const member = readyMember(name);
    for (const change of record) member.change(change);
    member.restart();
    member.wait(milliseconds);
    expect(member.tests()).toMatchObject([{ test: digestOf(record[1]) }]);
    member.tested(digestOf(record[1]));
    member.wait(3);
    const reports = member.sent("state-master", "report").flatMap((message) => message.changes);
    expect(reports.at(-1)).toMatchObject({ digest: digestOf(record[1]), verdict: { kind: "pass" } });
  }
});

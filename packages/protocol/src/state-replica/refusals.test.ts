import type { ChangeRecord, MisbehaviourAct } from "@redoubt/shared";
import { FORGED_TICKETS_ALARM } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { digestChange, digestTicket, summarize } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { digestOf, EXECUTION_SERVER, genesisOrder, order, ToyHolder } from "../testing/toy.test-support.ts";
import { type Member, readyMember } from "./member.test-support.ts";

const OTHER = "execution-server-2";
const deposit = (to: number, key = "k", options = {}) =>
  order({ to, amount: 1 }, { operation: "deposit", key, ...options });

function withAccounts(member: Member): ToyHolder {
  const holder = new ToyHolder();
  member.change(holder.change(genesisOrder(["account/1", "account/2"]), { "account/1": 100, "account/2": 100 }));
  member.change(holder.change(deposit(1, "first"), { "account/1": 101 }));
  member.clear();
  return holder;
}

const reports = (member: Member) => member.sent("traffic-regulator", "refusalReport");

type Alter = (record: ChangeRecord) => ChangeRecord;
const eachWrite =
  (alter: (write: ChangeRecord["writes"][number]) => Partial<ChangeRecord["writes"][number]>): Alter =>
  (record) => ({ ...record, writes: record.writes.map((write) => ({ ...write, ...alter(write) })) });

describe("what no right execution server sends is refused and named to the regulator with its digests", () => {
  const cases: readonly [MisbehaviourAct, Alter][] = [
    ["version-jump", eachWrite(({ parent }) => ({ number: 8, parent: { ...parent, number: 7 } }))],
    ["version-jump", eachWrite(() => ({ number: 9 }))],
    ["rollback", (record) => ({ ...record, reads: record.reads.map((read) => ({ ...read, number: 1 })), writes: [] })],
    ["overwrite", eachWrite(({ parent }) => ({ number: 2, parent: { ...parent, number: 1 } }))],
    ["write-outside-scope", eachWrite(() => ({ object: "account/2" }))],
    [
      "read-outside-scope",
      (record) => ({ ...record, reads: record.reads.map((read) => ({ ...read, object: "account/2" })) }),
    ],
    ["malformed", (record) => ({ ...record, input: '{"to":1,"amount":9}' })],
  ];
  for (const [act, alter] of cases) {
    it(act, () => {
      const member = readyMember();
      const record = alter(withAccounts(member).change(deposit(1), { "account/1": 102 }));
      member.change(record);
      expect(member.accepted()).toHaveLength(2);
      const [report] = reports(member);
      const ticketDigest = digestTicket(nodeHasher, record.ticket.body);
      const changeDigest = digestChange(nodeHasher, summarize(nodeHasher, record));
      expect(report).toMatchObject({ act, executionServer: EXECUTION_SERVER, ticketDigest, changeDigest });
    });
  }

  it("the ticket of another server", () => {
    const member = readyMember();
    member.change(withAccounts(member).change(deposit(1), { "account/1": 102 }), OTHER);
    expect(reports(member)).toMatchObject([{ act: "foreign-ticket", reason: "sender", executionServer: OTHER }]);
  });

  it("a change under a genuine ticket by a server that does not hold the lease (a shadow run's)", () => {
    const member = readyMember();
    const record = withAccounts(member).change(deposit(1, "k", { executionServer: OTHER }), { "account/1": 102 });
    member.change(record, OTHER);
    expect(member.refusals()).toEqual(["lease"]);
    expect(reports(member)).toMatchObject([{ act: "foreign-lease", executionServer: OTHER }]);
  });
});

describe("what convicts a server", () => {
  it("is reported however much else of it is refused at the same time", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    const served = holder.change(deposit(1, "served"), { "account/1": 102 });
    member.change(served);
    const again = { ...served, reply: '{"body":{},"status":200}' };
    for (let count = 0; count < 200; count++) member.change({ ...again, serial: again.serial + count });
    const outside = eachWrite(() => ({ object: "account/2" }));
    member.change(outside(holder.change(deposit(1), { "account/1": 103 })));
    expect(reports(member).length).toBeGreaterThan(60);
    expect(reports(member).length).toBeLessThan(80);
    expect(reports(member).at(-1)).toMatchObject({ reason: "scope", act: "write-outside-scope" });
  });
});

describe("messages without a genuine ticket", () => {
  const forged = (record: ChangeRecord): ChangeRecord => ({
    ...record,
    ticket: { ...record.ticket, mastersEntry: "0".repeat(64) as never },
  });

  it("raise an alarm only when there are many, and one per so many", () => {
    const member = readyMember();
    const record = forged(withAccounts(member).change(deposit(1), { "account/1": 102 }));
    for (let count = 1; count < FORGED_TICKETS_ALARM; count++) member.change(record);
    expect(reports(member)).toEqual([]);
    for (let count = 0; count <= FORGED_TICKETS_ALARM; count++) member.change(record);
    expect(reports(member)).toMatchObject([
      { act: "forged-ticket", reason: "ticket" },
      { act: "forged-ticket", reason: "ticket" },
    ]);
  });

  it("count as results of shadow runs, too", () => {
    const member = readyMember();
    const record = forged(withAccounts(member).change(deposit(1), { "account/1": 102 }));
    const { executionServer } = record.ticket.body;
    for (let count = 0; count < FORGED_TICKETS_ALARM; count++)
      member.receive(executionServer, { kind: "shadowResult", run: "any", record });
    expect(reports(member)).toMatchObject([{ act: "forged-ticket", reason: "ticket" }]);
  });

  it("count too when they name a regulator epoch that nobody makes known", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    for (let count = 0; count < FORGED_TICKETS_ALARM; count++)
      member.change(holder.change(deposit(1, `k${count}`, { regulatorEpoch: 77 }), { "account/1": 102 }));
    expect(reports(member)).toEqual([]);
    member.wait(1_001);
    expect(reports(member)).toMatchObject([{ act: "forged-ticket", reason: "unknown-key" }]);
  });

  it("do not count when their regulator epoch is there and only this member's key of it is missing", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    member.restart();
    for (let count = 0; count < FORGED_TICKETS_ALARM; count++)
      member.change(holder.change(deposit(1, `k${count}`), { "account/1": 102 }));
    member.wait(1_001);
    expect(member.core.heldCount).toBe(0);
    expect(reports(member)).toEqual([]);
  });
});

describe("two changes for one ticket", () => {
  const faces = (member: Member) => {
    const holder = withAccounts(member);
    const ticket = deposit(1, "two faces");
    const other = holder.change(ticket, { "account/1": 999 }, undefined, true);
    return { one: holder.change(ticket, { "account/1": 102 }), other };
  };
  const sign = (member: Member, ...records: ChangeRecord[]) =>
    member.receive(EXECUTION_SERVER, { kind: "evidence", digests: records.map(digestOf), signature: "signed" });

  it("are shown to the regulator with both signatures as soon as they are there", () => {
    const member = readyMember();
    const { one, other } = faces(member);
    member.change(one);
    member.change(other);
    expect(reports(member)).toMatchObject([{ act: "equivocation", changeDigest: digestOf(other) }]);
    sign(member, one);
    expect(member.sent("traffic-regulator", "evidenceReport")).toEqual([]);
    sign(member, other);
    sign(member, other);
    expect(member.sent("traffic-regulator", "evidenceReport")).toMatchObject([
      { changeDigest: digestOf(one), summary: summarize(nodeHasher, one) },
      { changeDigest: digestOf(other), summary: summarize(nodeHasher, other) },
    ]);
  });

  it("are shown when the signatures came first", () => {
    const member = readyMember();
    const { one, other } = faces(member);
    member.change(one);
    sign(member, one, other);
    member.change(other);
    expect(member.sent("traffic-regulator", "evidenceReport")).toHaveLength(2);
  });

  it("of another attempt of the request are no equivocation", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    member.change(holder.change(deposit(1, "same"), { "account/1": 102 }));
    member.change(holder.change(deposit(1, "same", { attempt: 2 }), { "account/1": 103 }));
    expect(reports(member)).toMatchObject([{ act: "replayed-request" }]);
  });
});

import type { ChangeRecord } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import {
  digestOf,
  EXECUTION_SERVER,
  genesisOrder,
  MASTERS,
  opened,
  order,
  settled,
  slot,
  ToyHolder,
  verified,
} from "../testing/toy.test-support.ts";
import { Member, readyMember } from "./member.test-support.ts";

const deposit = (to: number, key = "k", options = {}) =>
  order({ to, amount: 1 }, { operation: "deposit", key, ...options });

/** A holder with account 1 and 2 created at the member. */
function withAccounts(member: Member): ToyHolder {
  const holder = new ToyHolder();
  member.change(holder.change(genesisOrder(["account/1", "account/2"]), { "account/1": 100, "account/2": 100 }));
  expect(member.accepted()).toHaveLength(1);
  member.clear();
  return holder;
}

describe("a member accepts", () => {
  it("a well-formed change in its turn: journals it, answers and reports it, and acknowledges it when the masters know (R73)", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    const record = holder.change(order({ from: 1, to: 2, amount: 5 }), { "account/1": 95, "account/2": 105 });
    const effects = member.change(record);
    expect(effects.map((effect) => effect.kind)).toEqual(["append", "send"]);
    expect(effects[0]).toMatchObject({ durability: "synced", record: { kind: "accepted" } });
    expect(member.answers()).toMatchObject([{ changeDigest: digestOf(record), durable: true, known: false }]);
    expect(member.answers()[0]).not.toHaveProperty("reply");
    expect(member.answers()[0]?.follows).toEqual([digestOf(member.accepted()[0] as ChangeRecord)]);
    member.wait(2);
    expect(
      member
        .sent("state-master", "report")
        .at(-1)
        ?.changes.map((change) => change.digest),
    ).toContain(digestOf(record));
    const acknowledged = () => member.sent("execution-server", "acknowledged").flatMap(({ digests }) => digests);
    member.wait(50);
    expect(acknowledged()).toEqual([]);
    member.receive(MASTERS[0], { kind: "reported", digests: [digestOf(record)] });
    member.wait(2);
    expect(acknowledged()).toEqual([digestOf(record)]);
    member.change(record);
    member.wait(2);
    expect(acknowledged()).toEqual([digestOf(record), digestOf(record)]);
  });

  it("a change that the masters decided before their answer to its report came, and acknowledges it then", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    const record = holder.change(deposit(1), { "account/1": 101 });
    member.change(record);
    member.decide(slot(4, verified(member.accepted()[0] as ChangeRecord)), slot(5, verified(record)));
    member.wait(2);
    expect(member.sent("execution-server", "acknowledged").at(-1)?.digests).toContain(digestOf(record));
  });

  it("the same change again without journalling it twice, and answers again", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    const record = holder.change(deposit(1), { "account/1": 101 });
    member.change(record);
    member.change(record);
    expect(member.accepted()).toHaveLength(2);
    expect(member.answers()).toHaveLength(2);
    expect(member.refusals()).toEqual([]);
  });

  it("a read-only change without journalling it", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    member.change(holder.change(order({ of: 1 }, { operation: "balance" }), {}));
    expect(member.accepted()).toHaveLength(1);
    expect(member.answers()).toMatchObject([{ durable: false }]);
    member.change(holder.change(deposit(1), { "account/1": 101 }));
    expect(member.accepted()).toHaveLength(2);
  });

  it("a business refusal (no writes) as a journalled change with the request record", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    member.change(holder.change(deposit(1), {}, '{"body":"no","status":422}'));
    expect(member.accepted()).toHaveLength(2);
    member.change(holder.change(deposit(1, "k2"), { "account/1": 101 }));
    expect(member.accepted()).toHaveLength(3);
  });
});

describe("a member holds", () => {
  it("a change whose predecessor is missing, asks for it at once, and accepts both in order", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    const first = holder.change(deposit(1, "a"), { "account/1": 101 });
    const second = holder.change(deposit(1, "b"), { "account/1": 102 });
    member.change(second);
    expect(member.answers()).toEqual([]);
    expect(member.sent("execution-server", "resend")).toEqual([{ kind: "resend", epoch: 2, fromSerial: 2 }]);
    member.change(first);
    expect(member.accepted().slice(1)).toEqual([first, second]);
  });

  it("a change behind a gap, and tells the masters of the gap after 200 ms, not before", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    holder.change(deposit(1, "a"), { "account/1": 101 });
    member.change(holder.change(deposit(1, "b"), { "account/1": 102 }));
    member.wait(190);
    expect(member.sent("state-master", "gap")).toEqual([]);
    member.wait(70);
    expect(member.sent("state-master", "gap")[0]).toEqual({ kind: "gap", epoch: 2, cluster: 1, fromSerial: 2 });
  });

  it("a change of an epoch that is not installed yet, until it is", () => {
    const member = new Member();
    member.key();
    const holder = new ToyHolder();
    const record = holder.change(genesisOrder(["account/1"]), { "account/1": 100 });
    member.change(record);
    member.decide(slot(2, opened(2)));
    expect(member.accepted()).toEqual([]);
    member.decide(slot(3, settled(2)));
    expect(member.accepted()).toEqual([record]);
  });

  it("a change whose ticket key it does not know, until the regulator brings the key", () => {
    const member = readyMember();
    const record = new ToyHolder().change(genesisOrder(["account/1"], { regulatorEpoch: 7 }), { "account/1": 100 });
    member.change(record);
    expect(member.refusals()).toEqual([]);
    member.key(7);
    expect(member.accepted()).toEqual([record]);
  });

  it("nothing for longer than a second", () => {
    const member = readyMember();
    member.change(new ToyHolder().change(genesisOrder(["account/1"], { regulatorEpoch: 7 }), { "account/1": 100 }));
    expect(member.core.heldCount).toBe(1);
    member.wait(1_001);
    expect(member.core.heldCount).toBe(0);
  });

  it("at most two records for one ticket", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    const ticket = deposit(1, "a");
    const record = holder.change(ticket, { "account/1": 101 });
    for (let serial = 10; serial < 20; serial++)
      member.change({
        ...record,
        serial,
        links: record.links.map((link) => ({ ...link, predecessorSerial: serial - 1 })),
      });
    expect(member.core.heldCount).toBe(2);
  });
});

describe("a member refuses", () => {
  const cases: [string, string, (record: ChangeRecord) => ChangeRecord][] = [
    ["a wrong ticket entry", "ticket", (record) => ({ ...record, ticket: { ...record.ticket, entries: {} } })],
    [
      "a masters' entry that the regulator did not make",
      "ticket",
      (record) => ({ ...record, ticket: { ...record.ticket, mastersEntry: record.ticket.body.seed } }),
    ],
    [
      "a ticket body that was altered",
      "ticket",
      (record) => ({ ...record, ticket: { ...record.ticket, body: { ...record.ticket.body, attempt: 9 } } }),
    ],
    ["another input than the ticket's", "malformed", (record) => ({ ...record, input: '{"to":2,"amount":1}' })],
    [
      "a read outside the access templates",
      "scope",
      (record) => ({
        ...record,
        reads: [...record.reads, { ...(record.reads[0] as object), object: "account/2" } as never],
      }),
    ],
    [
      "a write outside the access templates",
      "scope",
      (record) => ({ ...record, writes: record.writes.map((write) => ({ ...write, object: "account/2" })) }),
    ],
    [
      "an unknown object",
      "scope",
      (record) => ({ ...record, writes: record.writes.map((write) => ({ ...write, object: "secret/2" })) }),
    ],
    [
      "a write in another epoch",
      "scope",
      (record) => ({ ...record, writes: record.writes.map((write) => ({ ...write, epoch: 3 })) }),
    ],
    [
      "the same object written twice",
      "malformed",
      (record) => ({ ...record, writes: [...record.writes, ...record.writes] }),
    ],
    ["the same object read twice", "malformed", (record) => ({ ...record, reads: [...record.reads, ...record.reads] })],
    ["more reads than allowed", "malformed", (record) => ({ ...record, reads: Array(513).fill(record.reads[0]) })],
    [
      "a reply nested so deeply that copying it exhausts the stack",
      "malformed",
      (record) => ({ ...record, reply: `{"body":${"[".repeat(60_000)}${"]".repeat(60_000)},"status":200}` }),
    ],
    ["a negative number", "malformed", (record) => ({ ...record, serial: -1 })],
    [
      "a fraction as version number",
      "malformed",
      (record) => ({ ...record, writes: record.writes.map((write) => ({ ...write, number: 1.5 })) }),
    ],
    [
      "a text that is no digest",
      "malformed",
      (record) => ({ ...record, links: record.links.map((link) => ({ ...link, follows: "zz" as never })) }),
    ],
    ["too few links", "malformed", (record) => ({ ...record, links: [] })],
    [
      "links of other epochs than the ticket's",
      "malformed",
      (record) => ({ ...record, links: record.links.map((link) => ({ ...link, epoch: 9 })) }),
    ],
    ["a serial that does not grow", "malformed", (record) => ({ ...record, serial: 1 })],
    [
      "a serial that was used up",
      "order",
      (record) => ({ ...record, links: record.links.map((link) => ({ ...link, predecessorSerial: 0 })) }),
    ],
    [
      "an old version as read",
      "not-newest",
      (record) => ({ ...record, reads: record.reads.map((read) => ({ ...read, number: 0 })) }),
    ],
    [
      "a parent that is not the newest",
      "not-newest",
      (record) => ({
        ...record,
        writes: record.writes.map((write) => ({ ...write, parent: { ...write.parent, c1: record.ticket.body.seed } })),
      }),
    ],
    [
      "a version number that skips",
      "malformed",
      (record) => ({ ...record, writes: record.writes.map((write) => ({ ...write, number: 5 })) }),
    ],
    [
      "a value that is too large",
      "malformed",
      (record) => ({ ...record, writes: record.writes.map((write) => ({ ...write, bytes: "1".repeat(300_000) })) }),
    ],
  ];
  for (const [what, reason, alter] of cases) {
    it(what, () => {
      const member = readyMember();
      const holder = withAccounts(member);
      member.change(alter(holder.change(deposit(1), { "account/1": 101 })));
      expect(member.refusals()).toEqual([reason]);
      expect(member.accepted()).toHaveLength(1);
    });
  }

  it("another server's ticket", () => {
    const member = readyMember();
    const record = new ToyHolder().change(genesisOrder(["account/1"]), { "account/1": 100 });
    member.change(record, "execution-server-2");
    expect(member.refusals()).toEqual(["sender"]);
    expect(member.sent("traffic-regulator", "refusalReport")).toMatchObject([
      { executionServer: "execution-server-2" },
    ]);
    expect(member.accepted()).toEqual([]);
  });

  it("a write by a read-only operation", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    member.change(holder.change(order({ of: 1 }, { operation: "balance" }), { "account/1": 1 }));
    expect(member.refusals()).toEqual(["malformed"]);
  });

  it("creating an object that exists", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    member.change(holder.change(genesisOrder(["account/1"], { key: "again" }), { "account/1": 100 }));
    expect(member.refusals()).toEqual(["scope"]);
  });

  it("an epoch that is over", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    member.decide(slot(4, opened(4)));
    member.change(holder.change(deposit(1), { "account/1": 101 }));
    expect(member.refusals()).toEqual(["stale-epoch"]);
  });

  it("a second change for a known request, tells the regulator what it holds, and goes on with the next serial", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    const first = holder.change(deposit(1, "same"), { "account/1": 101 });
    member.change(first);
    member.clear();
    const second = deposit(1, "same", { attempt: 2 });
    const rival = holder.change(second, { "account/1": 102 }, undefined, true);
    member.change(rival);
    expect(member.refusals()).toEqual(["obsolete-request"]);
    expect(member.answers()).toMatchObject([
      { attempt: 1, known: true, changeDigest: digestOf(first), reply: first.reply },
    ]);
    const next = holder.change(deposit(1, "next"), { "account/1": 102 });
    const shifted = {
      ...next,
      serial: 9,
      links: next.links.map((link) => ({ ...link, predecessorSerial: rival.serial })),
    };
    member.change(shifted);
    expect(member.accepted().at(-1)).toEqual(shifted);
  });

  it("what follows a change it refused, at once", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    member.change(holder.change(deposit(1, "same"), { "account/1": 101 }));
    const rival = holder.change(deposit(1, "same", { attempt: 2 }), { "account/1": 102 });
    const follower = holder.change(deposit(1, "other"), { "account/1": 103 });
    member.change(rival);
    member.change(follower);
    expect(member.refusals()).toEqual(["obsolete-request", "not-newest"]);
  });

  it("both of two records for one ticket but the first (equivocation), and keeps the chain of the first", () => {
    const member = readyMember();
    const holder = withAccounts(member);
    const ticket = deposit(1, "two faces");
    const other = holder.change(ticket, { "account/1": 999 }, undefined, true);
    const one = holder.change(ticket, { "account/1": 101 });
    member.change(one);
    member.change(other);
    expect(member.accepted().slice(1)).toEqual([one]);
    expect(member.refusals()).toEqual(["order"]);
  });

  it("a replayed change of a server that lost the epoch", () => {
    const member = readyMember();
    const record = new ToyHolder().change(genesisOrder(["account/1"]), { "account/1": 100 });
    member.decide(slot(4, opened(4, "execution-server-2")), slot(5, settled(4)));
    member.change(record, EXECUTION_SERVER);
    expect(member.refusals()).toEqual(["stale-epoch"]);
  });

  it("without flooding the regulator with reports", () => {
    const member = readyMember();
    const record = new ToyHolder().change(genesisOrder(["account/1"]), { "account/1": 100 });
    for (let count = 0; count < 500; count++) member.change(record, "execution-server-2");
    expect(member.sent("traffic-regulator", "refusalReport").length).toBeLessThanOrEqual(64);
  });
});

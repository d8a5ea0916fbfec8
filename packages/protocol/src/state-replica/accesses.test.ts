import type { Digest, LoggedAccess } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { digestTicket } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { EXECUTION_SERVER, genesisOrder, MEMBERS, order, ToyHolder } from "../testing/toy.test-support.ts";
import { AccessLogs } from "./accesses.ts";
import { type Member, readyMember } from "./member.test-support.ts";

const deposit = (to: number, key = "k", options = {}) =>
  order({ to, amount: 1 }, { operation: "deposit", key, ...options });

function withAccounts(member: Member, options = {}): ToyHolder {
  const holder = new ToyHolder();
  const values = { "account/1": 100, "account/2": 100 };
  member.change(holder.change(genesisOrder(["account/1", "account/2"], options), values));
  member.clear();
  return holder;
}

const fetch = (member: Member, objects: readonly string[], order = deposit(1), from = EXECUTION_SERVER) =>
  member.receive(from, { kind: "fetch", fetch: "f", ...order, objects, at: [] });

const journalled = (member: Member) => member.journal.filter(({ kind }) => kind === "accesses");

describe("a fetch gives what the operation may touch with the ticket's input, nothing else (R43)", () => {
  it("of an object in the ticket's object clusters that the operation does not name is denied whole, and reported", () => {
    const member = readyMember();
    withAccounts(member);
    const transfer = order({ from: 1, to: 2, amount: 1 });
    fetch(member, ["account/1", "account/2"], transfer);
    expect(member.sent("execution-server", "fetched")[0]?.objects).toHaveLength(2);
    member.clear();
    fetch(member, ["account/1", "account/3"], transfer);
    expect(member.sent("execution-server", "fetched")).toEqual([]);
    expect(member.refusals()).toEqual(["scope"]);
    const ticketDigest = digestTicket(nodeHasher, transfer.ticket.body);
    expect(member.sent("traffic-regulator", "refusalReport")).toMatchObject([
      { act: "read-outside-scope", detail: "fetch of account/3", ticketDigest },
    ]);
  });

  it("of a version by its name is held to the same", () => {
    const member = readyMember();
    const at = [withAccounts(member).reference("account/2")];
    member.receive(EXECUTION_SERVER, { kind: "fetch", fetch: "f", ...deposit(1), objects: [], at });
    expect(member.refusals()).toEqual(["scope"]);
  });

  it("with an input that is not the ticket's shows nothing", () => {
    const member = readyMember();
    withAccounts(member);
    fetch(member, ["account/2"], { ...deposit(1), input: deposit(2).input });
    expect(member.refusals()).toEqual(["malformed"]);
    expect(member.sent("execution-server", "fetched")).toEqual([]);
  });
});

describe("the access log (R44, R45)", () => {
  it("is journalled with the change it belongs to, before it, and handed to the acceptance test", () => {
    const member = readyMember(MEMBERS[0]);
    const holder = withAccounts(member);
    fetch(member, ["account/1"]);
    member.change(holder.change(deposit(1), { "account/1": 101 }));
    const granted: LoggedAccess = { object: "account/1", mode: "fetch", granted: true };
    expect(member.journal.slice(-2)).toMatchObject([
      { kind: "accesses", accesses: [granted], omitted: 0 },
      { kind: "accepted" },
    ]);
    expect(member.tests()).toMatchObject([
      { accesses: [granted, { object: "account/1", mode: "read" }, { object: "account/1", mode: "write" }] },
    ]);
  });

  it("tells the test of a denied fetch, though the change itself is in order", () => {
    const member = readyMember(MEMBERS[0]);
    const holder = withAccounts(member);
    fetch(member, ["account/9"]);
    member.change(holder.change(deposit(1), { "account/1": 101 }));
    expect(member.tests()).toMatchObject([{ accesses: [{ object: "account/9", granted: false }, {}, {}] }]);
    expect(journalled(member)).toMatchObject([{ accesses: [{ object: "account/9", granted: false }] }]);
  });

  it("of a change served from its server's cache is the change, and takes no record of its own", () => {
    const member = readyMember(MEMBERS[0]);
    const holder = withAccounts(member);
    member.change(holder.change(deposit(1), { "account/1": 101 }));
    expect(journalled(member)).toEqual([]);
  });

  it("belongs to its ticket only: another request's or attempt's fetches are not in it", () => {
    const member = readyMember(MEMBERS[0]);
    const holder = withAccounts(member);
    fetch(member, ["account/9"], deposit(1, "other"));
    fetch(member, ["account/9"], deposit(1, "k", { attempt: 2 }));
    member.change(holder.change(deposit(1), { "account/1": 101 }));
    expect(member.tests()).toMatchObject([{ accesses: [{ mode: "read" }, { mode: "write" }] }]);
  });

  it("survives its loss: after a restart the change is tested without it", () => {
    const member = readyMember(MEMBERS[0]);
    const holder = withAccounts(member);
    fetch(member, ["account/9"]);
    member.change(holder.change(deposit(1), { "account/1": 101 }));
    member.restart();
    member.wait(600);
    expect(member.tests()).toMatchObject([{ accesses: [{ mode: "read" }, { mode: "write" }] }]);
  });

  it("goes to acceptance test servers with the member's vote", () => {
    const basic = { profile: "basic", testers: ["acceptance-test-server-1"] } as const;
    const member = readyMember(MEMBERS[0], false);
    const holder = withAccounts(member, basic);
    fetch(member, ["account/9"], deposit(1, "k", basic));
    member.change(holder.change(deposit(1, "k", basic), { "account/1": 101 }));
    expect(member.sent("acceptance-test-server", "memberAnswer").at(-1)?.accesses).toMatchObject([
      { object: "account/9", granted: false },
    ]);
  });
});

describe("the log of a ticket", () => {
  const { body } = deposit(1).ticket;
  const start = "ab".repeat(32) as Digest;
  const access = (object: string): LoggedAccess => ({ object, mode: "fetch", granted: true });
  const logOf = (...chunks: LoggedAccess[][]) => {
    const logs = new AccessLogs();
    for (const chunk of chunks) logs.add(nodeHasher, body, start, chunk);
    return logs.of(body);
  };

  it("is a hash chain: another order, object or outcome ends in another digest", () => {
    const heads = [
      logOf([access("a")], [access("b")]),
      logOf([access("b")], [access("a")]),
      logOf([access("a"), access("b")]),
      logOf([access("a")], [{ ...access("b"), granted: false }]),
      logOf([access("a")]),
    ].map((log) => log?.head);
    expect(new Set(heads).size).toBe(5);
  });

  it("has an access that is repeated once", () => {
    expect(logOf([access("a")], [access("a")])).toEqual(logOf([access("a")]));
  });

  it("is bounded: what does not fit is counted and chained, not listed", () => {
    const many = Array.from({ length: 1_500 }, (_, index) => access(`o${index}`));
    const log = logOf(many);
    expect(log?.accesses).toHaveLength(1_024);
    expect(log?.omitted).toBe(476);
    expect(logOf(many.slice(0, -1))?.head).not.toBe(log?.head);
  });

  it("of the oldest tickets goes when there are too many", () => {
    const logs = new AccessLogs();
    for (let attempt = 1; attempt <= 9_000; attempt++) logs.add(nodeHasher, { ...body, attempt }, start, [access("a")]);
    expect(logs.of({ ...body, attempt: 1 })).toBeUndefined();
    expect(logs.of({ ...body, attempt: 9_000 })).toBeDefined();
  });
});

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
import { isSameState } from "./checkpoint.ts";
import { type Member, readyMember } from "./member.test-support.ts";

/** Nothing verified stays in memory beyond the step. */
const NOTHING = { headBytesMax: 1, recordBytesMax: 1 };
const deposit = (to: number, key: string, options = {}) =>
  order({ to, amount: 1 }, { operation: "deposit", key, ...options });
const genesis = (holder: ToyHolder): ChangeRecord => holder.change(genesisOrder(["account/1"]), { "account/1": 100 });
const wanted = (record: ChangeRecord) => ({ digests: [digestOf(record)], requestIds: [requestIdOf(record)] });

/** A member whose account/1 has two verified versions, both on the disk only, and that answers no read by itself. */
function coldMember(name: string = MEMBERS[2]) {
  const member = readyMember(name, true, { memory: NOTHING });
  const holder = new ToyHolder();
  const first = genesis(holder);
  const second = holder.change(deposit(1, "a"), { "account/1": 101 });
  member.change(first);
  member.change(second);
  member.decide(slot(4, verified(first)), slot(5, verified(second)));
  member.answersReads = false;
  member.clear();
  return { member, holder, first, second };
}

/** Answers one round of reads after the other until there are none. */
function readAll(member: Member): void {
  for (let round = 0; round < 20; round++) {
    const reads = member.reads();
    member.effects = member.effects.filter((effect) => effect.kind !== "readRecord");
    if (reads.length === 0) return;
    member.read(reads);
  }
  throw new Error("reads without end");
}

describe("what is not in memory is read before it is judged or served", () => {
  it("changes that continue cold versions are judged without reading, and journalled with who wrote these", () => {
    const { member, holder, second } = coldMember();
    const third = holder.change(deposit(1, "b"), { "account/1": 102 });
    const fourth = holder.change(deposit(1, "c"), { "account/1": 103 });
    member.change(third);
    member.change(fourth);
    expect(member.reads()).toEqual([]);
    expect(member.journal.filter(({ kind }) => kind === "accepted").slice(2)).toMatchObject([
      { record: third, parents: [requestIdOf(second)] },
      { record: fourth, parents: [requestIdOf(third)] },
    ]);
  });

  it("a change that continues another version than the one on the disk is refused", () => {
    const { member, first } = coldMember();
    const other = new ToyHolder();
    other.change(genesisOrder(["account/1"]), { "account/1": 100 });
    const stale = other.change(deposit(1, "b"), { "account/1": 102 });
    const follows = digestOf(first);
    member.change({
      ...stale,
      serial: 3,
      links: stale.links.map((link) => ({ ...link, predecessorSerial: 2, follows })),
    });
    expect(member.refusals()).toEqual(["not-newest"]);
  });

  it("the same change again is acknowledged and answered when its record has been read", () => {
    const { member, second } = coldMember();
    member.change(second);
    expect(member.answers()).toEqual([]);
    readAll(member);
    member.wait(3);
    expect(member.answers()).toMatchObject([{ requestId: requestIdOf(second), known: false }]);
    expect(member.accepted()).toHaveLength(2);
  });

  it("another change of a request verified long ago is refused and answered with what is known", () => {
    const { member, second } = coldMember();
    const other = new ToyHolder();
    other.change(genesisOrder(["account/1"]), { "account/1": 100 });
    other.change(deposit(1, "other"), { "account/1": 7 });
    const again = other.change(deposit(1, "a", { attempt: 2 }), { "account/1": 8 });
    member.change(again);
    readAll(member);
    expect(member.refusals()).toEqual(["obsolete-request"]);
    expect(member.answers()).toMatchObject([{ requestId: requestIdOf(second), attempt: 1, known: true }]);
  });

  it("a fetch is answered with the newest version, and with an older one asked for by its identity", () => {
    const { member, first, second } = coldMember();
    const { ticket, input } = deposit(1, "fetch");
    const { object, number, epoch } = first.writes[0] as ChangeRecord["writes"][number];
    const c1 = second.writes[0]?.parent.c1 as string as never;
    const at = [{ object, number, epoch, c1 }];
    const fetch = { kind: "fetch", fetch: "f", ticket, input, objects: ["account/1"], at } as const;
    member.receive(EXECUTION_SERVER, fetch);
    expect(member.sent("execution-server", "fetched")).toEqual([]);
    readAll(member);
    const [fetched] = member.sent("execution-server", "fetched");
    expect(fetched?.objects.map(({ version }) => [version?.number, version?.bytes])).toEqual([
      [2, "101"],
      [1, "100"],
    ]);
  });

  it("a fetch whose epoch ends while the disk is read is refused", () => {
    const { member } = coldMember();
    const { ticket, input } = deposit(1, "fetch");
    member.receive(EXECUTION_SERVER, { kind: "fetch", fetch: "f", ticket, input, objects: ["account/1"], at: [] });
    member.decide(slot(6, opened(6)), slot(7, settled(6)));
    readAll(member);
    expect(member.sent("execution-server", "fetched")).toEqual([]);
    expect(member.refusals()).toEqual(["stale-epoch"]);
  });

  it("an acceptance test starts when the versions it is given have been read", () => {
    const { member, holder } = coldMember(MEMBERS[0]);
    const third = holder.change(deposit(1, "b"), { "account/1": 102 });
    member.change(third);
    expect(member.tests()).toEqual([]);
    readAll(member);
    expect(member.tests()).toMatchObject([{ writes: [{ object: "account/1", before: "101", after: "102" }] }]);
    member.tested(digestOf(third));
    expect(member.answers()).toMatchObject([{ verdict: { kind: "pass" } }]);
  });

  it("a verified change is answered again with its reply", () => {
    const { member, first } = coldMember();
    const asked = { requestId: requestIdOf(first), attempt: 1, test: false, reply: true, escalate: false };
    member.receive("traffic-regulator-1", { kind: "answerAgain", requests: [asked] });
    expect(member.answers()).toEqual([]);
    readAll(member);
    expect(member.answers()).toMatchObject([{ changeDigest: digestOf(first), reply: first.reply }]);
  });

  it("another member gets verified changes by their request ids", () => {
    const { member, first, second } = coldMember();
    const digests = [digestOf(first), digestOf(second)];
    const requestIds = [requestIdOf(first), requestIdOf(second)];
    member.receive(MEMBERS[0], { kind: "fetchChanges", digests, requestIds });
    expect(member.sent("state-replica", "changes")).toEqual([]);
    readAll(member);
    expect(member.sent("state-replica", "changes")).toEqual([{ kind: "changes", records: [first, second] }]);
    const [digest, another] = [digestOf(first), requestIdOf(second)];
    member.receive(MEMBERS[0], { kind: "fetchChanges", digests: [digest], requestIds: [another] });
    readAll(member);
    expect(member.sent("state-replica", "changes")).toHaveLength(1);
  });

  it("a fence says that there is a record; without one it is journalled, and holds when it is forgotten again", () => {
    const { member, holder, first } = coldMember();
    const fence = (requestId: ReturnType<typeof requestIdOf>) => ({ kind: "fence", requestId, home: 1 }) as const;
    member.receive(MASTERS[0], fence(requestIdOf(first)));
    expect(member.sent("state-master", "fenced")).toEqual([]);
    readAll(member);
    expect(member.sent("state-master", "fenced")).toMatchObject([{ hasRecord: true }]);
    const third = holder.change(deposit(1, "b"), { "account/1": 102 });
    member.receive(MASTERS[0], fence(requestIdOf(third)));
    const checkpoint = member.checkpoint();
    member.restartFrom(checkpoint);
    member.receive(MASTERS[0], fence(requestIdOf(third)));
    readAll(member);
    expect(member.sent("state-master", "fenced")).toMatchObject([{ hasRecord: false }]);
    expect(member.journal.filter(({ kind }) => kind === "fence")).toHaveLength(1);
  });

  it("an object's history is read from the disk, newest first, and told oldest first with C1 computed anew", () => {
    const { member, holder } = coldMember();
    const third = holder.change(deposit(1, "b"), { "account/1": 102 });
    member.change(third);
    readAll(member);
    member.clear();
    member.receive("configuration-manager-1", { kind: "describeObject", query: "q", object: "account/1" });
    expect(member.sent("configuration-manager", "objectDescription")).toEqual([]);
    expect(member.reads()).toMatchObject([{ fresh: true }]);
    readAll(member);
    const [description] = member.sent("configuration-manager", "objectDescription");
    expect(description?.versions.map(({ number, status }) => [number, status])).toEqual([
      [1, "verified"],
      [2, "verified"],
      [3, "pending"],
    ]);
    expect(description?.versions[1]?.c1).toBe(third.writes[0]?.parent.c1);
  });
});

describe("a record that cannot be read", () => {
  it("is given to nobody, and to whoever asks again once it was repaired", () => {
    const { member, second } = coldMember();
    const damaged = member.journal.findIndex((entry) => entry.kind === "accepted" && entry.record === second);
    member.damaged.add(damaged);
    const { ticket, input } = deposit(1, "fetch");
    const fetch = { kind: "fetch", fetch: "f", ticket, input, objects: ["account/1"], at: [] } as const;
    member.receive(EXECUTION_SERVER, fetch);
    member.receive(MEMBERS[0], { kind: "fetchChanges", ...wanted(second) });
    readAll(member);
    expect(member.sent("execution-server", "fetched")).toEqual([]);
    expect(member.sent("state-replica", "changes")).toEqual([]);
    member.damaged.clear();
    member.wait(1_001);
    member.receive(EXECUTION_SERVER, fetch);
    readAll(member);
    expect(member.sent("execution-server", "fetched")).toHaveLength(1);
  });

  it("delays nothing that continues its versions: these are judged by what is known of them", () => {
    const { member, holder, second } = coldMember();
    const damaged = member.journal.findIndex((entry) => entry.kind === "accepted" && entry.record === second);
    member.damaged.add(damaged);
    const third = holder.change(deposit(1, "b"), { "account/1": 102 });
    member.change(third);
    expect(member.reads()).toEqual([]);
    expect(member.journal.filter((entry) => entry.kind === "accepted").at(-1)).toMatchObject({
      record: third,
      parents: [requestIdOf(second)],
    });
  });

  it("does not stop the stream: a decided version that continues it is taken in at once", () => {
    const { member, holder, second } = coldMember();
    const damaged = member.journal.findIndex((entry) => entry.kind === "accepted" && entry.record === second);
    member.damaged.add(damaged);
    const third = holder.change(deposit(1, "b"), { "account/1": 102 });
    member.decide(slot(6, verified(third)));
    member.receive(MEMBERS[0], { kind: "changes", records: [third] });
    expect(member.core.appliedThrough).toBe(6);
    expect(member.journal.filter((entry) => entry.kind === "fetched")).toMatchObject([
      { record: third, parents: [requestIdOf(second)] },
    ]);
    const fetch = { kind: "fetch", fetch: "f", ...deposit(1, "fetch"), objects: ["account/1"], at: [] } as const;
    member.receive(EXECUTION_SERVER, fetch);
    readAll(member);
    expect(member.sent("execution-server", "fetched")[0]?.objects).toMatchObject([
      { version: { number: 3, bytes: "102" } },
    ]);
  });

  it("makes an acceptance test say that it was unable, so that it is run again when somebody asks", () => {
    const { member, holder, second } = coldMember(MEMBERS[0]);
    const third = holder.change(deposit(1, "b"), { "account/1": 102 });
    member.change(third);
    const [read] = member.reads();
    member.read([read as never]);
    member.clear();
    const damaged = member.journal.findIndex((entry) => entry.kind === "accepted" && entry.record === second);
    expect(read?.number).toBe(damaged);
    member.tested(digestOf(third), { kind: "unable", detail: "died" });
    expect(member.answers()).toMatchObject([{ verdict: { kind: "unable" } }]);
    member.damaged.add(damaged);
    const asked = { requestId: requestIdOf(third), attempt: 1, test: true, reply: false, escalate: false };
    member.receive("traffic-regulator-1", { kind: "answerAgain", requests: [asked] });
    readAll(member);
    expect(member.answers().at(-1)).toMatchObject({ verdict: { kind: "unable" } });
    member.damaged.clear();
    member.receive("traffic-regulator-1", { kind: "answerAgain", requests: [asked] });
    readAll(member);
    expect(member.tests()).toHaveLength(1);
  });
});

describe("limits of waiting work", () => {
  it("one execution server cannot have more than its share wait for the disk", () => {
    const { member } = coldMember();
    for (let count = 0; count < 3_000; count++) {
      // Each request has a budget of its own: a flood under one ticket would not come so far.
      const { ticket, input } = deposit(1, `r${count}`);
      const fetch = `f${count}`;
      member.receive(EXECUTION_SERVER, { kind: "fetch", fetch, ticket, input, objects: ["account/1"], at: [] });
    }
    expect(member.core.memory.waitingReads).toBe(1_024);
    expect(member.reads()).toHaveLength(1);
    readAll(member);
    expect(member.core.memory.waitingReads).toBe(0);
    expect(member.sent("execution-server", "fetched")).toHaveLength(1_024);
  });
});

describe("a checkpoint", () => {
  it("taken at any moment leads to the state that replaying the whole journal leads to", () => {
    const member = readyMember(MEMBERS[2], true, { memory: NOTHING });
    const holder = new ToyHolder();
    const checkpoints = [member.checkpoint()];
    const steps: (() => void)[] = [];
    const records = [genesis(holder)];
    for (const key of ["a", "b", "c", "d"])
      records.push(holder.change(deposit(1, key), { "account/1": records.length }));
    for (const record of records.slice(0, 3)) steps.push(() => member.change(record));
    steps.push(() => member.decide(slot(4, verified(records[0] as ChangeRecord))));
    steps.push(() =>
      member.receive(MASTERS[0], { kind: "fence", requestId: requestIdOf(records[4] as ChangeRecord), home: 1 }),
    );
    steps.push(() => member.decide(slot(5, opened(5)), slot(6, verified(records[1] as ChangeRecord))));
    steps.push(() => member.receive(MASTERS[0], { kind: "promise", epoch: 5, clusters: [{ from: 0, to: 1023 }] }));
    steps.push(() => member.decide(slot(7, settled(5, [records[2] as ChangeRecord]))));
    for (const step of steps) {
      step();
      checkpoints.push(member.checkpoint());
    }
    for (const checkpoint of checkpoints) {
      member.restart();
      const replayed = member.checkpoint();
      member.restartFrom(checkpoint);
      expect(isSameState(member.checkpoint(), replayed)).toBe(true);
      expect(member.core.undecidedCount).toBe(1);
      member.receive("configuration-manager-1", { kind: "describeObject", query: "q", object: "account/1" });
      const [description] = member.sent("configuration-manager", "objectDescription");
      expect(description?.versions.map(({ status }) => status)).toEqual(["verified", "verified", "pending"]);
    }
    expect(isSameState(checkpoints[0] as never, checkpoints[3] as never)).toBe(false);
  });

  it("holds nothing that the journal does not bear: neither hearsay of the regulator nor slots without decisions", () => {
    const member = readyMember();
    const before = member.checkpoint();
    member.receive("traffic-regulator-2", { kind: "ticketKey", regulatorEpoch: 99, key: "a".repeat(64) });
    const after = member.core.appliedThrough;
    member.receive(MASTERS[0], { kind: "stream", after, through: after + 7, slots: [], primary: MASTERS[0] });
    expect(member.core.appliedThrough).toBe(after + 7);
    expect(isSameState(member.checkpoint(), before)).toBe(true);
    member.restart();
    expect(isSameState(member.checkpoint(), before)).toBe(true);
  });

  it("of another version of the program is refused", () => {
    const member = readyMember();
    const { through, parts } = member.checkpoint();
    const [head, ...tables] = parts.map((part) => part.slice());
    (head as Uint8Array)[10] = 0;
    expect(() => member.restartFrom({ through, parts: [head as Uint8Array, ...tables] })).toThrow(
      "a checkpoint of this version",
    );
  });
});

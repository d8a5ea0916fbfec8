import type { Digest, RequestId } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { makeChain, type TestChange } from "./changes.test-support.ts";
import { ChecksumAudit } from "./checksum-audit.ts";
import { MasterContext } from "./context.ts";
import { HeadTable } from "./head-table.ts";
import { MASTERS, MasterCluster } from "./master-cluster.test-support.ts";
import { createMetadataState } from "./metadata-state.ts";
import { OutcomeTable } from "./outcome-table.ts";

const digest = (number: number): Digest & RequestId =>
  number.toString(16).padStart(8, "0").repeat(8) as string as Digest & RequestId;
const verified = (number: number) =>
  ({
    kind: "verified",
    change: { digest: digest(number + 1), requestId: digest(number), attempt: 2 },
    replyDigest: digest(number + 2),
  }) as const;

describe("outcomes of request ids", () => {
  test("are the same through growth and through a checkpoint", () => {
    const table = new OutcomeTable();
    const expected = (number: number) =>
      number % 3 === 0 ? ({ kind: "closed", admittedAt: 7 } as const) : { ...verified(number), admittedAt: number };
    for (let number = 0; number < 3000; number++) table.set(digest(number), expected(number));
    const other = new OutcomeTable();
    other.load(structuredClone(table.pack()));
    for (let number = 0; number < 3000; number++) {
      expect(table.get(digest(number))).toEqual(expected(number));
      expect(other.get(digest(number))).toEqual(expected(number));
    }
    expect(other.has(digest(3000))).toBe(false);
    expect(other.size).toBe(3000);
    expect([...other]).toEqual([...table]);
  });

  test("closed before anything was verified are not taken for old", () => {
    const table = new OutcomeTable();
    table.set(digest(1), { kind: "closed", admittedAt: 0 });
    table.set(digest(2), { ...verified(2), admittedAt: 1_700_000_000_000 });
    table.forget(1_600_000_000_000);
    expect(table.has(digest(1))).toBe(true);
  });

  test("are bounded in number", () => {
    const table = new OutcomeTable({ generationMs: 10_000, generationMax: 10, generationsMax: 3 });
    for (let number = 0; number < 200; number++) table.set(digest(number), { kind: "closed", admittedAt: 5 });
    expect(table.size).toBeLessThanOrEqual(30);
    expect(table.has(digest(199))).toBe(true);
  });

  test("of ids that are none are unknown", () => {
    const table = new OutcomeTable();
    table.set(digest(1), { kind: "closed" });
    expect(table.get("" as RequestId)).toBeUndefined();
    expect(table.get("zz" as RequestId)).toBeUndefined();
  });
});

test("a pass over objects that began before the state was restored says nothing of their number", () => {
  const context = new MasterContext(createMetadataState(nodeHasher), () => 0);
  const audit = new ChecksumAudit(context);
  const head = { number: 1, epoch: 1, slot: 9, c1: digest(1), c2: digest(2) };
  for (const object of ["a/1", "a/2"]) context.state.heads.set(object, head);
  context.applied = 10;
  audit.restored(10);
  const pass = (since: number, objects: readonly string[]) =>
    audit.take("state-replica-9", {
      ...{ kind: "checksums", identity: "joiner", pass: since, since },
      entries: objects.map((object) => ({ object, number: 1, c2: digest(2) })),
      end: { objects: objects.length, appliedThrough: 10 },
    });
  expect(pass(9, ["a/1"])).toBeUndefined();
  expect(pass(10, ["a/1"])).toBeUndefined();
  expect(pass(10, ["a/1", "a/2"])).toMatchObject({ identity: "joiner" });
});

test("heads are the same through growth and through a checkpoint", () => {
  const table = new HeadTable();
  const head = (number: number) => ({
    number,
    epoch: 7,
    slot: number * 2 ** 33,
    c1: digest(number),
    c2: digest(number + 1),
  });
  for (let number = 0; number < 500; number++) table.set(`account/${number}`, head(number));
  table.set("account/3", head(99));
  const other = new HeadTable();
  other.load(structuredClone(table.pack()));
  expect(other.get("account/3")).toEqual(head(99));
  expect(other.get("account/499")).toEqual(head(499));
  expect([...other]).toEqual([...table]);
  other.set("account/500", head(500));
  expect(other.get("account/500")).toEqual(head(500));
  expect(other.size).toBe(501);
});

describe("with small windows and databases", () => {
  const begin = () => {
    const cluster = new MasterCluster(31, {
      window: { keptSlotsMax: 8, truncateSlots: 4, markRecords: 4, streamSlotsMax: 6 },
    });
    expect(cluster.runUntil(() => cluster.primary() !== undefined)).toBe(true);
    return cluster;
  };
  const work = (cluster: MasterCluster, chain: readonly TestChange[]) => {
    for (const change of chain) {
      cluster.give([change]);
      cluster.run(30);
    }
    return cluster.runUntil(() => cluster.isVerifiedEverywhere(chain.at(-1) as TestChange), 8000);
  };

  test("a member that was away for longer than the stream's window gets the rest out of the database", () => {
    const cluster = begin();
    const chain = makeChain(
      Array.from({ length: 40 }, (_, number) => `r${number}`),
      cluster.openEpoch(),
    );
    cluster.member(2).isSilent = true;
    cluster.give([]);
    for (const change of chain) {
      cluster.give([change], [0, 1]);
      cluster.run(30);
    }
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(chain.at(-1) as TestChange))).toBe(true);
    cluster.member(2).isSilent = false;
    const count = () => cluster.member(2).decisions.filter(({ kind }) => kind === "verified").length;
    expect(cluster.runUntil(() => count() === chain.length, 8000)).toBe(true);
    expect(cluster.member(2).decisions).toEqual(cluster.member(0).decisions);
  });

  test("a wiped master and its wiped database are rebuilt from the peers, and count again", () => {
    const cluster = begin();
    const epoch = cluster.openEpoch();
    const chain = makeChain(
      Array.from({ length: 60 }, (_, number) => `r${number}`),
      epoch,
    );
    expect(work(cluster, chain.slice(0, 30))).toBe(true);
    const victim = MASTERS.find((name) => name !== cluster.primaryName()) as string;
    cluster.wipeMaster(victim);
    expect(work(cluster, chain.slice(30))).toBe(true);
    cluster.startMaster(victim);
    const isBack = () => cluster.core(victim)?.status().isVoter === true && cluster.hasConverged();
    expect(cluster.runUntil(isBack, 8000)).toBe(true);
    const rows = (name: string) => cluster.masters.get(name)?.database.map(({ slot }) => slot);
    expect(
      cluster.runUntil(() => JSON.stringify(rows(victim)) === JSON.stringify(rows(cluster.primaryName() ?? ""))),
    ).toBe(true);
    expect(cluster.core(victim)?.status()).toMatchObject({ identity: "journal 1" });
    expect(cluster.core(victim)?.status().snapshotBytes).toBeGreaterThan(0);
  });

  test("a database restored from an old backup is filled up by a peer before its master votes again", () => {
    const cluster = begin();
    const chain = makeChain(
      Array.from({ length: 30 }, (_, number) => `r${number}`),
      cluster.openEpoch(),
    );
    expect(work(cluster, chain)).toBe(true);
    cluster.run(500);
    const victim = MASTERS.find((name) => name !== cluster.primaryName()) as string;
    const host = cluster.masters.get(victim);
    cluster.restoreDatabase(victim, 5);
    expect(cluster.core(victim)?.status().isVoter).toBe(false);
    const complete = cluster.masters.get(cluster.primaryName() ?? "")?.database.length ?? 0;
    expect(
      cluster.runUntil(() => host?.database.length === complete && cluster.core(victim)?.status().isVoter === true),
    ).toBe(true);
  });

  test("masters without databases go on voting; what they decide waits", () => {
    const cluster = begin();
    const chain = makeChain(
      Array.from({ length: 20 }, (_, number) => `r${number}`),
      cluster.openEpoch(),
    );
    for (const name of MASTERS) cluster.stopDatabase(name);
    expect(work(cluster, chain)).toBe(true);
    expect(cluster.primary()?.status().truncatedThrough).toBeLessThan(10);
  });
});

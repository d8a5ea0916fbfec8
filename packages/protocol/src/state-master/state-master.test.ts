import { describe, expect, test } from "vitest";
import { begin, count, decisionsOf, verifiedOrder } from "./begun-cluster.test-support.ts";
import { MEMBERS, makeChain, makeChange, requestIdOf, type TestChange, writeOf } from "./changes.test-support.ts";
import { MASTERS, type MasterCluster } from "./master-cluster.test-support.ts";

describe("verification", () => {
  test("needs t+1 members and their passes, then reaches every master, member and Postgres in chain order", () => {
    const { cluster, epoch } = begin();
    const write = writeOf("account/1", 1, epoch);
    const first = makeChange({ request: "a", epoch, writes: [write] });
    const chain = [first, ...makeChain(["b", "c"], epoch, first.digest)];
    cluster.give([...chain].reverse());
    const last = chain.at(-1) as TestChange;
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(last) && cluster.hasConverged())).toBe(true);
    expect(verifiedOrder(cluster)).toEqual(chain.map(({ digest }) => digest));
    expect(cluster.primary()?.objectHead("account/1")).toMatchObject({ number: 1, c1: first.change.writes[0]?.c1 });
    for (const { applied } of cluster.masters.values()) {
      expect(applied.flatMap(({ rows }) => rows.versions)).toMatchObject([{ object: "account/1", previousSlot: 0 }]);
    }
    expect(cluster.runUntil(() => [0, 1, 2].every((index) => cluster.member(index).held.length === 0))).toBe(true);
    expect(cluster.member(0).acknowledged).toEqual(new Set(chain.map(({ digest }) => digest)));
  });

  test("works with one member missing", () => {
    const { cluster, epoch } = begin();
    cluster.member(2).isSilent = true;
    const [change] = makeChain(["a"], epoch) as [TestChange];
    cluster.give([change]);
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(change))).toBe(true);
  });

  test("does not come from one member alone, whatever it repeats", () => {
    const { cluster, epoch } = begin();
    const [change] = makeChain(["a"], epoch) as [TestChange];
    cluster.give([change], [0]);
    cluster.run(1500);
    expect(count(cluster, "verified")).toBe(0);
    cluster.give([change], [1]);
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(change))).toBe(true);
  });

  test("needs t+1 passes: copies without verdicts are not enough", () => {
    const { cluster, epoch } = begin();
    for (const index of [1, 2]) cluster.member(index).tests = false;
    const [change] = makeChain(["a"], epoch) as [TestChange];
    cluster.give([change]);
    cluster.run(1000);
    expect(count(cluster, "verified")).toBe(0);
    cluster.member(1).tests = true;
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(change))).toBe(true);
  });

  test("counts no reports of servers that are no members, and none whose digest is not the summary's", () => {
    const { cluster, epoch } = begin();
    const [change, other] = [makeChange({ request: "a", epoch }), makeChange({ request: "b", epoch })];
    cluster.give([change], [0]);
    const report = (server: string, digest: TestChange["digest"], { summary }: TestChange) => {
      const changes = [{ digest, summary, durable: true, verdict: { kind: "pass" } as const }];
      for (const master of MASTERS) {
        cluster.transmit({ component: "state-replica", server }, master, { kind: "report", changes });
      }
    };
    report("state-replica-7", change.digest, change);
    report("state-replica-8", change.digest, change);
    for (const member of MEMBERS) report(member, other.digest, makeChange({ request: "c", epoch }));
    cluster.run(500);
    expect(count(cluster, "verified")).toBe(0);
  });

  test("in the basic profile takes one acceptance test server's pass", () => {
    const { cluster, epoch } = begin();
    for (const index of [0, 1, 2]) cluster.member(index).tests = false;
    const change = makeChange({ request: "a", epoch, profile: "basic" });
    cluster.give([change]);
    cluster.run(300);
    expect(count(cluster, "verified")).toBe(0);
    const { digest, summary } = change;
    const changes = [{ digest, summary, durable: false, verdict: { kind: "pass" } as const }];
    const tester = { component: "acceptance-test-server", server: "acceptance-test-server-1" } as const;
    for (const master of MASTERS) cluster.transmit(tester, master, { kind: "report", changes });
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(change))).toBe(true);
    expect(decisionsOf(cluster).at(-1)).toMatchObject({ testers: ["acceptance-test-server-1"] });
  });

  test("and of 2a+1 that the ticket names a+1, whoever repeats itself", () => {
    const { cluster, epoch } = begin();
    for (const index of [0, 1, 2]) cluster.member(index).tests = false;
    const names = [1, 2, 3].map((number) => `acceptance-test-server-${number}`);
    const change = makeChange({ request: "a", epoch, profile: "basic", testers: names });
    cluster.give([change]);
    cluster.run(300);
    const { digest, summary } = change;
    const changes = [{ digest, summary, durable: false, verdict: { kind: "pass" } as const }];
    const report = (server: string): void => {
      for (const master of MASTERS)
        cluster.transmit({ component: "acceptance-test-server", server }, master, { kind: "report", changes });
      cluster.run(300);
    };
    report(names[0] as string);
    report(names[0] as string);
    expect(count(cluster, "verified")).toBe(0);
    report(names[2] as string);
    expect(cluster.isVerifiedEverywhere(change)).toBe(true);
  });

  test("of a read-only request that was escalated needs no durability", () => {
    const { cluster, epoch } = begin();
    const read = makeChange({ request: "r", epoch, readOnly: true });
    const { digest, summary } = read;
    const changes = [{ digest, summary, durable: false, verdict: { kind: "pass" } as const }];
    for (const server of MEMBERS.slice(0, 2)) {
      for (const master of MASTERS) {
        cluster.transmit({ component: "state-replica", server }, master, { kind: "report", changes });
      }
    }
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(read))).toBe(true);
  });

  test("of a thousand chained changes takes few slots", () => {
    const { cluster, epoch } = begin();
    const chain = makeChain(
      Array.from({ length: 1000 }, (_, number) => `r${number}`),
      epoch,
    );
    const before = cluster.primary()?.decidedThrough ?? 0;
    cluster.give(chain);
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(chain.at(-1) as TestChange))).toBe(true);
    expect((cluster.primary()?.decidedThrough ?? 0) - before).toBeLessThan(20);
  });
});

describe("settlement after the holder crashed", () => {
  const holder = "execution-server-2";

  test("keeps what t+1 members hold, ends what they lack, and goes on with the survivors", () => {
    const { cluster, epoch } = begin();
    for (const index of [0, 1, 2]) cluster.member(index).tests = false;
    const [kept, lost] = makeChain(["kept", "lost"], epoch) as [TestChange, TestChange];
    cluster.give([kept], [0, 1]);
    cluster.give([lost], [0]);
    cluster.run(100);
    const next = cluster.openEpoch({ holder });
    expect(decisionsOf(cluster).findLast(({ kind }) => kind === "settled")).toMatchObject({
      epoch: next,
      survivors: [{ digest: kept.digest }],
      voided: [{ digest: lost.digest }],
    });
    for (const index of [0, 1, 2]) cluster.member(index).tests = true;
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(kept))).toBe(true);
    const after = makeChange({ request: "after", epoch: next, follows: kept.digest });
    cluster.give([after]);
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(after))).toBe(true);
    expect(cluster.primary()?.outcome(lost.change.requestId)).toEqual({ kind: "unknown" });
  });

  test("waits for a third member when two disagree", () => {
    const { cluster, epoch } = begin();
    cluster.member(2).isSilent = true;
    for (const index of [0, 1, 2]) cluster.member(index).tests = false;
    const [change] = makeChain(["a"], epoch) as [TestChange];
    cluster.give([change], [0, 2]);
    expect(() => cluster.openEpoch({ holder })).toThrow("not settled");
    cluster.member(2).isSilent = false;
    expect(cluster.runUntil(() => cluster.settledEpoch() > epoch)).toBe(true);
    expect(decisionsOf(cluster).findLast(({ kind }) => kind === "settled")).toMatchObject({
      survivors: [{ digest: change.digest }],
    });
  });

  test("is not stopped by a member whose list is impossible", () => {
    const { cluster, epoch } = begin();
    for (const index of [0, 1, 2]) cluster.member(index).tests = false;
    const [change] = makeChain(["a"], epoch) as [TestChange];
    cluster.give([change], [0, 1]);
    cluster.give([makeChange({ request: "x", epoch }), makeChange({ request: "y", epoch })], [2]);
    cluster.openEpoch({ holder });
    expect(decisionsOf(cluster).findLast(({ kind }) => kind === "settled")).toMatchObject({
      survivors: [{ digest: change.digest }],
      voided: [],
    });
  });
});

describe("the primary crashes", () => {
  /** Crashes the primary at a moment, lets another take over, restarts it later. */
  function crashPrimaryAfter(cluster: MasterCluster, delayMs: number): void {
    cluster.run(delayMs);
    const primary = cluster.primaryName();
    if (primary === undefined) return;
    cluster.crashMaster(primary);
    cluster.run(1200);
    cluster.startMaster(primary);
  }
  const moments = Array.from({ length: 14 }, (_, index) => index * 2);

  test("while changes are verified: the new one continues, nothing is lost or verified twice", () => {
    for (const moment of moments) {
      const { cluster, epoch } = begin(100 + moment);
      const chain = makeChain(["a", "b", "c", "d", "e"], epoch);
      cluster.give(chain.slice(0, 3));
      crashPrimaryAfter(cluster, moment);
      cluster.give(chain.slice(3));
      const last = chain.at(-1) as TestChange;
      expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(last) && cluster.hasConverged())).toBe(true);
      expect(verifiedOrder(cluster)).toEqual(chain.map(({ digest }) => digest));
    }
  });

  test("while an epoch is settled: the new one asks the members again and settles it", () => {
    for (const moment of moments) {
      const { cluster, epoch } = begin(200 + moment);
      for (const index of [0, 1, 2]) cluster.member(index).tests = false;
      const [kept, lost] = makeChain(["kept", "lost"], epoch) as [TestChange, TestChange];
      cluster.give([kept], [0, 1]);
      cluster.give([lost], [1]);
      cluster.fromRegulator({
        kind: "requestEpoch",
        ...{ clusters: [{ from: 0, to: 1023 }], epochMax: epoch, holder: "execution-server-2" },
        ...{ members: MEMBERS, faultsTolerated: 1, invalid: [] },
      });
      crashPrimaryAfter(cluster, moment);
      if (cluster.settledEpoch() === epoch) cluster.openEpoch({ holder: "execution-server-2" });
      const settled = decisionsOf(cluster)
        .filter((decision) => decision.kind === "settled")
        .slice(1);
      expect(settled.at(-1)).toMatchObject({ survivors: [{ digest: kept.digest }] });
      for (const index of [0, 1, 2]) cluster.member(index).tests = true;
      expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(kept) && cluster.hasConverged())).toBe(true);
    }
  });

  test("while a request is closed: the regulator asks again and the new one closes it", () => {
    for (const moment of moments) {
      const { cluster } = begin(300 + moment);
      const requestId = requestIdOf("rejected");
      cluster.fromRegulator({ kind: "close", requestId, home: 5 });
      crashPrimaryAfter(cluster, moment);
      cluster.fromRegulator({ kind: "close", requestId, home: 5 });
      expect(cluster.runUntil(() => cluster.primary()?.outcome(requestId).kind === "closed")).toBe(true);
      expect(cluster.runUntil(() => cluster.hasConverged())).toBe(true);
      expect(count(cluster, "closed")).toBe(1);
    }
  });
});

describe("closed against verified", () => {
  test("exactly one of them happens, equally at all masters", () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const { cluster, epoch } = begin(1000 + seed);
      const [change] = makeChain(["contested"], epoch) as [TestChange];
      const { requestId } = change.change;
      cluster.fromRegulator({ kind: "close", requestId, home: 5 });
      cluster.run(Math.floor(cluster.random() * 12));
      cluster.give([change]);
      const outcome = () => cluster.primary()?.outcome(requestId).kind ?? "unknown";
      expect(cluster.runUntil(() => outcome() !== "unknown" && cluster.hasConverged())).toBe(true);
      seen.add(outcome());
      cluster.run(300);
      expect(count(cluster, "closed") + count(cluster, "verified")).toBe(1);
    }
    expect(seen).toEqual(new Set(["closed", "verified"]));
  });

  test("an undecided record that stays is decided by a new epoch, then the request is closed", () => {
    const { cluster, epoch } = begin();
    for (const index of [0, 1, 2]) cluster.member(index).tests = false;
    const [change] = makeChain(["stuck"], epoch) as [TestChange];
    cluster.give([change], [0]);
    cluster.member(1).fenced.add(change.change.requestId);
    cluster.member(2).isSilent = true;
    const { requestId } = change.change;
    cluster.fromRegulator({ kind: "close", requestId, home: 5 });
    expect(cluster.runUntil(() => count(cluster, "epochOpened") === 2)).toBe(true);
    cluster.member(2).isSilent = false;
    expect(cluster.runUntil(() => cluster.primary()?.outcome(requestId).kind === "closed")).toBe(true);
  });
});

import { describe, expect, test } from "vitest";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { begin, count, decisionsOf, verifiedOrder } from "./begun-cluster.test-support.ts";
import { MEMBERS, makeChain, makeChange, requestIdOf, type TestChange } from "./changes.test-support.ts";
import { createStateMaster } from "./index.ts";
import { MASTERS, type MasterCluster, REGULATOR } from "./master-cluster.test-support.ts";

describe("epochs of the primary's own accord", () => {
  const follow = (cluster: MasterCluster, after: number) => {
    const member = { component: "state-replica", server: MEMBERS[0] as string } as const;
    for (const master of MASTERS) cluster.transmit(member, master, { kind: "follow", after, restarted: true });
  };

  test("a member that restarted gets an epoch newer than what it had, once, however often it says so", () => {
    const { cluster, epoch } = begin();
    const after = cluster.member(0).appliedThrough;
    follow(cluster, after);
    follow(cluster, after);
    expect(cluster.runUntil(() => cluster.settledEpoch() > epoch)).toBe(true);
    follow(cluster, after);
    cluster.run(1500);
    expect(count(cluster, "epochOpened")).toBe(2);
    expect(decisionsOf(cluster).findLast(({ kind }) => kind === "epochOpened")).toMatchObject({
      holder: "execution-server-1",
      members: MEMBERS,
    });
  });

  test("a member that restarted before the newest epoch needs none", () => {
    const { cluster, epoch } = begin();
    follow(cluster, epoch - 1);
    cluster.run(1000);
    expect(count(cluster, "epochOpened")).toBe(1);
  });

  test("a restart is served by the next primary if this one dies first", () => {
    const { cluster, epoch } = begin();
    const after = cluster.member(0).appliedThrough;
    const primary = cluster.primaryName() as string;
    follow(cluster, after);
    cluster.run(6);
    cluster.crashMaster(primary);
    expect(cluster.runUntil(() => cluster.settledEpoch() > epoch)).toBe(true);
  });

  test("a reported gap opens an epoch, and a member that reports gaps all the time opens few", () => {
    const { cluster, epoch } = begin();
    const member = { component: "state-replica", server: MEMBERS[0] as string } as const;
    const gap = () => {
      for (const master of MASTERS) {
        const message = { kind: "gap", epoch: cluster.settledEpoch(), cluster: 5, fromSerial: 3 } as const;
        cluster.transmit(member, master, message);
      }
    };
    gap();
    expect(cluster.runUntil(() => cluster.settledEpoch() > epoch)).toBe(true);
    for (let time = 0; time < 400; time++) {
      gap();
      cluster.run(20);
    }
    expect(count(cluster, "epochOpened")).toBeLessThan(8);
  });
});

describe("a member whose list is no possible state", () => {
  test("is told to the regulator once, and the epoch is settled with the others' lists", () => {
    const { cluster, epoch } = begin();
    const member = { component: "state-replica", server: MEMBERS[0] as string } as const;
    const [first] = makeChain(["a"], epoch) as [TestChange];
    const rival = makeChange({ request: "a", epoch, reply: "another" });
    cluster.member(0).held.push(first, rival);
    for (const master of MASTERS) cluster.transmit(member, master, { kind: "follow", after: epoch, restarted: true });
    expect(cluster.runUntil(() => cluster.settledEpoch() > epoch)).toBe(true);
    const told = cluster.toRegulator.filter(({ kind }) => kind === "memberMisbehaved");
    expect(told).toEqual([
      {
        kind: "memberMisbehaved",
        member: MEMBERS[0],
        epoch: cluster.settledEpoch(),
        reason: "two contents for a request id",
      },
    ]);
  });
});

describe("the regulator", () => {
  test("is granted primacy once per nonce", () => {
    const { cluster } = begin();
    const claim = { kind: "claimPrimary", component: "traffic-regulator", nonce: "second", mastersKey: "" } as const;
    cluster.fromRegulator(claim);
    cluster.run(100);
    cluster.fromRegulator(claim);
    cluster.run(100);
    expect(count(cluster, "primary")).toBe(2);
  });

  test("without the lease cannot move leases", () => {
    const { cluster, epoch } = begin();
    const stranger = { component: "traffic-regulator", server: "traffic-regulator-2" } as const;
    for (const master of MASTERS) {
      cluster.transmit(stranger, master, {
        kind: "requestEpoch",
        ...{ clusters: [{ from: 0, to: 1023 }], epochMax: epoch, holder: "execution-server-9" },
        ...{ members: MEMBERS, faultsTolerated: 1, invalid: [] },
      });
    }
    cluster.run(500);
    expect(cluster.settledEpoch()).toBe(epoch);
  });

  test("learns outcomes of requests, verified ones with their reply digest", () => {
    const { cluster, epoch } = begin();
    const [change] = makeChain(["a"], epoch) as [TestChange];
    cluster.give([change]);
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(change))).toBe(true);
    cluster.fromRegulator({ kind: "outcomeOf", requests: [change.change.requestId, requestIdOf("never")] });
    cluster.run(50);
    const answers = cluster.toRegulator.filter(({ kind }) => kind === "outcomes");
    expect(answers).toHaveLength(1);
    expect(answers[0]).toMatchObject({
      outcomes: [
        { outcome: { kind: "verified", replyDigest: change.change.replyDigest } },
        { outcome: { kind: "unknown" } },
      ],
    });
  });
});

describe("the decision stream", () => {
  test("reaches a follower that starts late, in order, in bounded parts, without holes", () => {
    const { cluster, epoch } = begin();
    cluster.member(2).isSilent = true;
    const chain = makeChain(
      Array.from({ length: 700 }, (_, number) => `r${number}`),
      epoch,
    );
    for (const change of chain) {
      cluster.give([change], [0, 1]);
      cluster.run(2);
    }
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(chain.at(-1) as TestChange))).toBe(true);
    cluster.member(2).isSilent = false;
    const all = () => cluster.member(2).decisions.filter(({ kind }) => kind === "verified").length;
    expect(cluster.runUntil(() => all() === chain.length)).toBe(true);
    expect(cluster.member(2).decisions).toEqual(cluster.member(0).decisions);
    const parts = cluster.sent.flatMap((message) => (message.kind === "stream" ? [message.slots.length] : []));
    expect(Math.max(...parts)).toBeLessThanOrEqual(256);
  });

  test("is complete for members although messages are lost and primaries change", () => {
    const { cluster, epoch } = begin(77);
    cluster.lossRate = 0.1;
    const chain = makeChain(
      Array.from({ length: 40 }, (_, number) => `r${number}`),
      epoch,
    );
    for (const [index, change] of chain.entries()) {
      cluster.give([change]);
      cluster.run(60);
      const primary = cluster.primaryName();
      if (index % 10 === 5 && primary !== undefined) cluster.crashMaster(primary);
      if (index % 10 === 9) for (const master of MASTERS) cluster.startMaster(master);
    }
    cluster.lossRate = 0;
    const isComplete = () =>
      [0, 1, 2].every((index) => {
        const verified = cluster.member(index).decisions.filter(({ kind }) => kind === "verified");
        return verified.length === chain.length;
      });
    expect(cluster.runUntil(isComplete, 15_000)).toBe(true);
    expect(cluster.runUntil(() => cluster.hasConverged())).toBe(true);
    expect(verifiedOrder(cluster)).toEqual(chain.map(({ digest }) => digest));
  });

  test("shows life every 200 ms and names the primary", () => {
    const { cluster } = begin();
    const primary = cluster.primaryName();
    cluster.sent.length = 0;
    cluster.run(1000);
    const beats = cluster.sent.flatMap((message) => (message.kind === "stream" ? [message] : []));
    expect(beats.length).toBeGreaterThanOrEqual(4 * MEMBERS.length);
    expect(beats.length).toBeLessThanOrEqual(8 * MEMBERS.length);
    expect(beats.every((beat) => beat.primary === primary && beat.slots.length === 0)).toBe(true);
  });
});

describe("a restart", () => {
  test("replays the journal, or a checkpoint and what follows it, to the same metadata", () => {
    const { cluster, epoch } = begin();
    const chain = makeChain(["a", "b", "c"], epoch);
    cluster.give(chain);
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(chain.at(-1) as TestChange))).toBe(true);
    cluster.run(1000);
    const before = cluster.core(MASTERS[0] as string)?.metadataDigest();
    for (const master of MASTERS) cluster.crashMaster(master);
    for (const master of MASTERS) cluster.startMaster(master);
    expect(cluster.core(MASTERS[0] as string)?.metadataDigest()).toBe(before);
    const [self] = MASTERS as [string];
    const { durable = [] } = cluster.masters.get(self) ?? {};
    const create = () => createStateMaster({ hasher: nodeHasher, random: () => 0.5 }, { self, masters: MASTERS });
    const instant = { now: cluster.now, wall: cluster.now };
    for (let through = 0; through <= durable.length; through++) {
      const first = create();
      first.step({ kind: "replay", ...instant, first: 0, records: durable.slice(0, through) });
      first.step({ kind: "start", ...instant, durable: [] });
      const checkpoint = first.checkpoint();
      const second = create();
      if (!checkpoint) throw new Error("a started core makes checkpoints");
      expect(checkpoint.through).toBe(through);
      second.step({ kind: "restore", ...instant, checkpoint: checkpoint.parts, through });
      second.step({ kind: "replay", ...instant, first: through, records: durable.slice(through) });
      second.step({ kind: "start", ...instant, durable: [] });
      expect(second.metadataDigest(), `from record ${through}`).toBe(before);
    }
  });

  test("of everything loses no decision", () => {
    const { cluster, epoch } = begin();
    const chain = makeChain(["a", "b", "c"], epoch);
    cluster.give(chain);
    expect(cluster.runUntil(() => cluster.isVerifiedEverywhere(chain.at(-1) as TestChange))).toBe(true);
    for (const master of MASTERS) cluster.crashMaster(master);
    for (const master of MASTERS) cluster.startMaster(master);
    expect(cluster.runUntil(() => cluster.primary() !== undefined)).toBe(true);
    expect(
      cluster.isVerifiedEverywhere(chain.at(-1) as TestChange) || cluster.runUntil(() => cluster.hasConverged()),
    ).toBe(true);
    expect(cluster.primary()?.primaryLease(REGULATOR.component as "traffic-regulator")?.nonce).toBe("first");
  });
});

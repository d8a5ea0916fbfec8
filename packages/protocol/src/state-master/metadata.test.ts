import type { Decision, Digest, ObjectClusterNumber } from "@redoubt/shared";
import { LIMITS, ZERO_DIGEST } from "@redoubt/shared";
import { beforeEach, describe, expect, test } from "vitest";
import { extendC2, passDigest } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import {
  digestOf,
  HOLDER,
  MEMBERS,
  makeChain,
  makeChange,
  requestIdOf,
  type TestChange,
  writeOf,
} from "./changes.test-support.ts";
import type { MasterCommand, OpenEpochCommand } from "./commands.ts";
import { kinds, MetadataRun, opening, verify } from "./metadata.test-support.ts";
import { describePlacement, digestMetadata } from "./metadata.ts";
import { type Applied, MASTERS_KEYS_MAX } from "./metadata-state.ts";

let run: MetadataRun;
beforeEach(() => {
  run = new MetadataRun();
});

const verifiedDigests = ({ decisions }: Applied): Digest[] =>
  decisions.flatMap((decision) => (decision.kind === "verified" ? [decision.change.digest] : []));
const settledOf = ({ decisions }: Applied): Extract<Decision, { kind: "settled" }> | undefined =>
  decisions.find((decision) => decision.kind === "settled");
const headOf = (cluster: ObjectClusterNumber): Digest | undefined => run.state.clusters[cluster]?.head;

describe("opening an epoch", () => {
  test("takes all clusters the first time, whichever was named", () => {
    expect(run.apply(opening(0)).decisions).toEqual([
      {
        kind: "epochOpened",
        clusters: [{ from: 0, to: 1023 }],
        epoch: 1,
        holder: HOLDER,
        members: MEMBERS,
        faultsTolerated: 1,
        invalid: [],
      },
    ]);
    expect(describePlacement(run.state)).toMatchObject([{ epoch: 1, settledEpoch: 0, holder: HOLDER }]);
  });

  test("has no effect when a cluster has moved on", () => {
    run.begin();
    expect(kinds(run.apply(opening(0)))).toEqual([]);
    expect(kinds(run.apply(opening(1)))).toEqual(["epochOpened"]);
  });

  test("has no effect with a malformed request", () => {
    const wrong: Partial<OpenEpochCommand>[] = [
      { clusters: [] },
      { clusters: [{ from: 5, to: 2000 }] },
      { holder: "" },
      { members: [] },
      { members: ["state-replica-1"] },
      { members: ["state-replica-1", "state-replica-1"] },
      { faultsTolerated: -1 },
    ];
    for (const wish of wrong) expect(kinds(run.apply(opening(0, wish)))).toEqual([]);
  });

  test("twice in one run.slot happens once: the run.slot names the epoch", () => {
    expect(kinds(run.apply(opening(0), opening(9, { holder: "execution-server-2" })))).toEqual(["epochOpened"]);
  });

  test("a second opening of other clusters in one slot has no effect: its epoch would have two holders (simulator seed 1120)", () => {
    run.begin();
    const other = { epoch: 2, holder: "execution-server-2", members: MEMBERS, faultsTolerated: 1 };
    for (const record of run.state.clusters.slice(512)) Object.assign(record, { opened: other, settled: other });
    run.slot = 2;
    const both = run.apply(
      opening(2, { clusters: [{ from: 0, to: 511 }], holder: HOLDER }),
      opening(2, { clusters: [{ from: 512, to: 1023 }], holder: "execution-server-2" }),
    );
    expect(both.decisions).toMatchObject([
      { kind: "epochOpened", clusters: [{ from: 0, to: 511 }], epoch: 3, holder: HOLDER },
    ]);
    expect([...run.state.openEpochs.keys()]).toEqual([3]);
  });

  test("joins domains of different holders whose clusters get one holder", () => {
    run.begin();
    // Two domains cannot arise by openings alone; put one there.
    const other = { epoch: 2, holder: "execution-server-2", members: MEMBERS, faultsTolerated: 1 };
    for (const record of run.state.clusters.slice(512)) Object.assign(record, { opened: other, settled: other });
    run.slot = 2;
    const joined = run.apply(opening(2, { clusters: [{ from: 600, to: 600 }] }));
    expect(joined.decisions).toMatchObject([{ clusters: [{ from: 0, to: 1023 }], epoch: 3, holder: HOLDER }]);
  });

  test("leaves domains alone that neither lose nor gain clusters", () => {
    run.begin();
    const other = { epoch: 2, holder: "execution-server-2", members: MEMBERS, faultsTolerated: 1 };
    for (const record of run.state.clusters.slice(512)) Object.assign(record, { opened: other, settled: other });
    run.slot = 2;
    const moved = run.apply(opening(2, { clusters: [{ from: 600, to: 600 }], holder: "execution-server-3" }));
    expect(moved.decisions).toMatchObject([{ clusters: [{ from: 512, to: 1023 }], epoch: 3 }]);
  });

  test("supersedes an unsettled epoch and inherits its invalid changes", () => {
    const epoch = run.begin();
    const [wrong] = makeChain(["wrong"], epoch) as [TestChange];
    const { digest, requestId, attempt } = wrong.change;
    run.apply(opening(1, { invalid: [{ digest, requestId, attempt }] }));
    const second = run.apply(opening(3));
    expect(second.decisions).toMatchObject([{ epoch: 4, invalid: [{ digest }] }]);
    expect(kinds(run.apply(run.settle(3)))).toEqual([]);
    expect(settledOf(run.apply(run.settle(4, [wrong])))).toMatchObject({ survivors: [], voided: [{ digest }] });
  });
});

describe("verifying", () => {
  test("extends heads and C2 with the pass verdict and names the object's run.slot before", () => {
    const epoch = run.begin();
    const one = makeChange({ request: "a", epoch, writes: [writeOf("account/1", 1, epoch)] });
    const two = makeChange({ request: "b", epoch, follows: one.digest, writes: [writeOf("account/1", 2, epoch)] });
    const first = run.apply(verify(one));
    const second = run.apply(verify(two));
    const c2 = extendC2(nodeHasher, ZERO_DIGEST, writeOf("account/1", 1, epoch).c1, passDigest(nodeHasher, one.digest));
    expect(first.versions).toMatchObject([
      { object: "account/1", number: 1, c2, previousSlot: 0, executionServer: HOLDER },
    ]);
    expect(second.versions).toMatchObject([{ number: 2, previousSlot: 3, testers: MEMBERS.slice(0, 2) }]);
    expect(second.decisions).toEqual([
      {
        kind: "verified",
        change: { digest: two.digest, requestId: two.change.requestId, attempt: 1 },
        replyDigest: two.change.replyDigest,
        readOnly: false,
        clusters: [5],
        testers: MEMBERS.slice(0, 2),
      },
    ]);
    expect(headOf(5)).toBe(two.digest);
    expect(run.state.heads.get("account/1")).toMatchObject({ number: 2, slot: 4 });
  });

  test("in one command works along a chain, and only along it", () => {
    const epoch = run.begin();
    const [a, b, c] = makeChain(["a", "b", "c"], epoch) as [TestChange, TestChange, TestChange];
    expect(verifiedDigests(run.apply(verify(a, c, b)))).toEqual([a.digest, b.digest]);
  });

  test("needs every cluster's head", () => {
    const epoch = run.begin();
    const left = makeChange({ request: "left", epoch, clusters: [5] });
    const both = makeChange({ request: "both", epoch, clusters: [5, 6], follows: { 5: left.digest } });
    const stale = makeChange({ request: "stale", epoch, clusters: [5, 6] });
    expect(verifiedDigests(run.apply(verify(left), verify(stale), verify(both)))).toEqual([left.digest, both.digest]);
    expect([headOf(5), headOf(6)]).toEqual([both.digest, both.digest]);
  });

  test("happens once per request id (I4)", () => {
    const epoch = run.begin();
    const [a] = makeChain(["a"], epoch) as [TestChange];
    const second = makeChange({ request: "a", attempt: 2, epoch, follows: a.digest });
    expect(verifiedDigests(run.apply(verify(a, a, second)))).toEqual([a.digest]);
  });

  test("of a version that does not continue its object has no effect (I5)", () => {
    const epoch = run.begin();
    const skipping = makeChange({ request: "a", epoch, writes: [writeOf("account/1", 2, epoch)] });
    expect(kinds(run.apply(verify(skipping)))).toEqual([]);
    expect(run.state.heads.size).toBe(0);
  });

  test("of a read-only request takes its outcome and leaves the head", () => {
    const epoch = run.begin();
    const read = makeChange({ request: "r", epoch, readOnly: true });
    const [a] = makeChain(["a"], epoch) as [TestChange];
    expect(verifiedDigests(run.apply(verify(read, a)))).toEqual([read.digest, a.digest]);
    expect(headOf(5)).toBe(a.digest);
    const late = makeChange({ request: "late", epoch, readOnly: true });
    expect(kinds(run.apply(verify(late)))).toEqual([]);
  });

  test("goes on in the settled epoch while a newer one is unsettled, not in the newer one", () => {
    const epoch = run.begin();
    run.apply(opening(1));
    const [a] = makeChain(["a"], epoch) as [TestChange];
    const early = makeChange({ request: "early", epoch: 3, follows: a.digest });
    expect(verifiedDigests(run.apply(verify(a, early)))).toEqual([a.digest]);
  });

  test("of an invalid change has no effect", () => {
    const epoch = run.begin();
    const [a] = makeChain(["a"], epoch) as [TestChange];
    const { digest, requestId, attempt } = a.change;
    run.apply(opening(1, { invalid: [{ digest, requestId, attempt }] }));
    expect(kinds(run.apply(verify(a)))).toEqual([]);
  });
});

describe("settling", () => {
  test("ends everything that is not listed (I7)", () => {
    const epoch = run.begin();
    const [a, b] = makeChain(["a", "b"], epoch) as [TestChange, TestChange];
    run.apply(opening(1));
    expect(settledOf(run.apply(run.settle(3, [a], [b])))).toMatchObject({
      survivors: [{ digest: a.digest }],
      voided: [{ digest: b.digest }],
    });
    expect(verifiedDigests(run.apply(verify(a), verify(b)))).toEqual([a.digest]);
  });

  test("lets a survivor of several settlements be verified, and none that one of them left out", () => {
    const epoch = run.begin();
    const [a, b] = makeChain(["a", "b"], epoch) as [TestChange, TestChange];
    run.apply(opening(1));
    run.apply(run.settle(3, [a, b]));
    run.apply(opening(3));
    const second = run.apply(run.settle(5, [a]));
    expect(settledOf(second)?.voided).toMatchObject([{ digest: b.digest }]);
    expect(second.dead).toMatchObject([{ status: "voided", change: { digest: b.digest }, epoch: 5 }]);
    run.apply(opening(5));
    expect(settledOf(run.apply(run.settle(7, [a, b])))?.survivors).toMatchObject([{ digest: a.digest }]);
    expect(verifiedDigests(run.apply(verify(a, b)))).toEqual([a.digest]);
  });

  test("happens once, for the newest epoch only", () => {
    run.begin();
    run.apply(opening(1));
    expect(kinds(run.apply(run.settle(1)))).toEqual([]);
    expect(kinds(run.apply(run.settle(3)))).toEqual(["settled"]);
    expect(kinds(run.apply(run.settle(3)))).toEqual([]);
  });

  test("is ignored when something was verified there after the lists were classified", () => {
    const epoch = run.begin();
    const [a, b] = makeChain(["a", "b"], epoch) as [TestChange, TestChange];
    run.apply(opening(1));
    const outdated = run.settle(3, [], [a, b]);
    run.apply(verify(a));
    expect(kinds(run.apply(outdated))).toEqual([]);
    expect(settledOf(run.apply(run.settle(3, [b])))?.survivors).toMatchObject([{ digest: b.digest }]);
  });

  test("keeps of the survivors only those that continue the verified chain", () => {
    const epoch = run.begin();
    const [a, b, c] = makeChain(["a", "b", "c"], epoch) as [TestChange, TestChange, TestChange];
    const fork = makeChange({ request: "fork", epoch });
    run.apply(opening(1));
    expect(settledOf(run.apply(run.settle(3, [a, fork, c, b])))?.survivors).toMatchObject([
      { digest: a.digest },
      { digest: b.digest },
    ]);
  });

  test("drops survivors of closed requests and what follows them", () => {
    const epoch = run.begin();
    const [a, b] = makeChain(["a", "b"], epoch) as [TestChange, TestChange];
    run.apply(opening(1));
    run.apply({ kind: "close", requestId: a.change.requestId, home: 5 });
    expect(settledOf(run.apply(run.settle(3, [a, b])))?.survivors).toEqual([]);
  });

  test("new changes continue the last survivor", () => {
    const epoch = run.begin();
    const [a] = makeChain(["a"], epoch) as [TestChange];
    run.apply(opening(1));
    run.apply(run.settle(3, [a]));
    const next = makeChange({ request: "next", epoch: 3, follows: a.digest });
    expect(verifiedDigests(run.apply(verify(next)))).toEqual([]);
    expect(verifiedDigests(run.apply(verify(a, next)))).toEqual([a.digest, next.digest]);
  });
});

describe("closing", () => {
  test("prevents verification for ever, and verification prevents closing", () => {
    const epoch = run.begin();
    const [a, b] = makeChain(["a", "b"], epoch) as [TestChange, TestChange];
    const close = (request: string): MasterCommand => ({ kind: "close", requestId: requestIdOf(request), home: 5 });
    expect(run.apply(close("a")).decisions).toEqual([{ kind: "closed", requestId: requestIdOf("a"), home: 5 }]);
    expect(kinds(run.apply(verify(a)))).toEqual([]);
    const other = makeChange({ request: "b", epoch });
    expect(verifiedDigests(run.apply(verify(other)))).toEqual([other.digest]);
    expect(kinds(run.apply(close("b")))).toEqual([]);
    expect(b.change.requestId).toBe(other.change.requestId);
  });

  test("waits while a change of the request is an undecided survivor", () => {
    const epoch = run.begin();
    const [a] = makeChain(["a"], epoch) as [TestChange];
    run.apply(opening(1));
    run.apply(run.settle(3, [a]));
    expect(kinds(run.apply({ kind: "close", requestId: a.change.requestId, home: 5 }))).toEqual([]);
    const reopened = run.apply(opening(3));
    expect(kinds(reopened)).toEqual(["epochOpened"]);
    run.apply(run.settle(run.slot));
    expect(kinds(run.apply({ kind: "close", requestId: a.change.requestId, home: 5 }))).toEqual(["closed"]);
  });
});

describe("primary leases", () => {
  const claim = (nonce: string, server = "traffic-regulator-1"): MasterCommand => ({
    kind: "claimPrimary",
    component: "traffic-regulator",
    server,
    nonce,
    mastersKey: digestOf(nonce),
  });

  test("are granted once per nonce, with the run.slot as epoch, and remember the masters' key", () => {
    expect(run.apply(claim("one")).decisions).toMatchObject([{ kind: "primary", epoch: 1, nonce: "one" }]);
    expect(kinds(run.apply(claim("one")))).toEqual([]);
    expect(run.apply(claim("two", "traffic-regulator-2")).decisions).toMatchObject([{ epoch: 3 }]);
    expect(kinds(run.apply(claim("one")))).toEqual([]);
    expect(run.state.leases.get("traffic-regulator")).toMatchObject({ server: "traffic-regulator-2", epoch: 3 });
    expect(run.state.mastersKeys.get(1)).toBe(digestOf("one"));
  });

  test("two claims in one run.slot grant one", () => {
    expect(kinds(run.apply(claim("one"), claim("two")))).toEqual(["primary"]);
  });

  test("keys of the oldest regulator epochs are dropped", () => {
    for (let number = 0; number <= MASTERS_KEYS_MAX; number++) run.apply(claim(`nonce ${number}`));
    expect(run.state.mastersKeys.size).toBe(MASTERS_KEYS_MAX);
    expect(run.state.mastersKeys.has(1)).toBe(false);
  });
});

test("the metadata digest is the same for the same commands and differs otherwise", () => {
  const digestAfter = (names: readonly string[]): Digest => {
    const one = new MetadataRun();
    const epoch = one.begin();
    for (const change of makeChain(names, epoch)) one.apply(verify(change));
    return digestMetadata(one.state);
  };
  expect(digestAfter(["a", "b"])).toBe(digestAfter(["a", "b"]));
  expect(digestAfter(["a", "b"])).not.toBe(digestAfter(["a", "c"]));
});

describe("outcomes of request ids", () => {
  const windowsMs = LIMITS.idempotencyWindowMs * LIMITS.idempotencyWindowsKept;

  test("are kept for seven windows by the tickets' time of admission, and then forgotten, closed ones too", () => {
    const epoch = run.begin();
    const start = 1_700_000_000_000;
    const first = makeChange({ request: "first", epoch, admittedAt: start });
    run.apply(verify(first));
    expect(run.state.outcomes.get(first.change.requestId)).toMatchObject({ kind: "verified", admittedAt: start });
    run.apply({ kind: "close", requestId: requestIdOf("closed"), home: 5 });
    const second = makeChange({ request: "second", epoch, follows: first.digest, admittedAt: start + windowsMs });
    run.apply(verify(second));
    expect(run.state.outcomes.size).toBe(3);
    // They go a generation at a time: up to half a window later.
    const thirdAt = start + windowsMs + LIMITS.idempotencyWindowMs / 2 + 1;
    const third = makeChange({ request: "third", epoch, follows: second.digest, admittedAt: thirdAt });
    run.apply(verify(third));
    expect([...run.state.outcomes.keys()]).toEqual([second.change.requestId, third.change.requestId]);
  });

  test("of a change whose ticket is of an earlier time make nothing older", () => {
    const epoch = run.begin();
    const late = makeChange({ request: "late", epoch, admittedAt: windowsMs });
    const early = makeChange({ request: "early", epoch, follows: late.digest, admittedAt: 5 });
    run.apply(verify(late));
    run.apply(verify(early));
    expect(run.state.outcomes.size).toBe(2);
    expect(run.state.newestAdmission).toBe(windowsMs);
  });
});

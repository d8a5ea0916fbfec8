import type { ContractJson } from "@redoubt/application";
import type { Digest, RequestHop, RequestId, ServerName } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import type { StoredVersionEntry } from "../state-link.ts";
import { toComparison, toMastersStatus } from "./masters.ts";
import { mergeVersions } from "./object-versions.ts";
import { coincidence, versionsOfRequest } from "./quarantine-item.ts";
import { maskPayload } from "./quarantine-payload.ts";
import { toPlacementGroups } from "./state.ts";

const c1 = (letter: string): Digest => letter.repeat(64) as Digest;
const requestId = "1".repeat(64) as RequestId;
const stored = (number: number): StoredVersionEntry => ({
  object: "account/1",
  number,
  epoch: 2,
  parent: { number: number - 1, epoch: number === 1 ? 0 : 2, c1: c1("0") },
  c1: c1("a"),
  c2: c1("b"),
  requestId,
  attempt: 1,
  changeDigest: c1("c"),
  executionServer: "execution-server-1",
  testers: ["state-replica-1", "state-replica-2"],
  previousSlot: 0,
  at: 1_000,
  slot: number,
});
const held = (number: number, status: "pending" | "verified" | "invalid", digest = c1("a")) => ({
  number,
  epoch: 2,
  c1: digest,
  status,
  requestId,
  executionServer: "execution-server-1",
});

describe("versions of an object", () => {
  test("ascend, each with what every replica stores, and name their parents", () => {
    const versions = mergeVersions(
      [stored(2), stored(1)],
      ["state-replica-1", "state-replica-2"].map((server) => ({
        server,
        versions: [held(1, "verified"), held(2, "verified")],
      })),
    );
    expect(versions.map(({ number }) => number)).toEqual([1, 2]);
    expect(versions[0]?.parent).toBeNull();
    expect(versions[1]).toMatchObject({ parent: { number: 1, epoch: 2 }, status: "verified", c2: c1("b") });
    expect(versions[1]?.replicas.map(({ server }) => server)).toEqual(["state-replica-1", "state-replica-2"]);
  });

  test("that only replicas know yet are pending, with the verified one before them as parent and without C2", () => {
    const [, second] = mergeVersions([stored(1)], [{ server: "state-replica-1", versions: [held(2, "pending")] }]);
    expect(second).toMatchObject({ status: "pending", c2: null, parent: { number: 1, epoch: 2 } });
  });

  test("show what scrubs found: a corrupt copy, what lies behind it, and one that was repaired", () => {
    const described = [{ server: "state-replica-1", versions: [{ ...held(3, "verified"), record: 30 }] }];
    const marks = {
      of: (_: string, record: number | undefined) => (record === 30 ? ("repaired" as const) : undefined),
      corruptVersions: () => [2],
    };
    const versions = mergeVersions([stored(1), stored(2), stored(3)], described, marks);
    expect(versions.map(({ replicas }) => replicas)).toEqual([
      [{ server: "state-replica-1", c1: "", mark: "unread" }],
      [{ server: "state-replica-1", c1: "", mark: "corrupt" }],
      [{ server: "state-replica-1", c1: c1("a"), mark: "repaired" }],
    ]);
  });

  test("show the replica whose bytes differ", () => {
    const [version] = mergeVersions(
      [stored(1)],
      [
        { server: "state-replica-1", versions: [held(1, "verified")] },
        { server: "state-replica-2", versions: [held(1, "verified", c1("f"))] },
      ],
    );
    expect(version?.replicas).toEqual([
      { server: "state-replica-1", c1: c1("a") },
      { server: "state-replica-2", c1: c1("f") },
    ]);
  });
});

describe("the masters side by side", () => {
  const view = (server: string, state: "up" | "down", role: string, counters: Record<string, number>) => ({
    ...{ server: server as ServerName, node: "node-1", state, since: 0, health: { role, counters } },
  });
  const leader = view("state-master-1", "up", "primary", { decidedThrough: 90, appliedSlot: 90, databaseUp: 1 });
  const behind = view("state-master-2", "up", "backup", { decidedThrough: 88, appliedSlot: 40, databaseUp: 0 });
  const dead = view("state-master-3", "down", "backup", { decidedThrough: 95, appliedSlot: 95, databaseUp: 1 });

  test("say who leads, and how far its own database is behind what each knows to be decided", () => {
    const status = toMastersStatus([leader, behind, dead], []);
    expect(status).toMatchObject({ leader: "state-master-1", quorum: 2, live: 2, faultsToleratedNow: 0 });
    expect(status.decidedThrough).toBe(90);
    expect(status.masters[1]).toMatchObject({ role: "follower", lag: 48, databaseUp: false });
  });

  test("show no last words of a master that is not up as if they were true", () => {
    const [, , gone] = toMastersStatus([leader, behind, dead], []).masters;
    expect(gone).toMatchObject({ state: "down", role: "unknown", appliedSlot: null, lag: null, databaseUp: null });
    expect(toMastersStatus([dead], []).leader).toBeNull();
  });

  test("say how long they keep everything, and since when", () => {
    const reducedAt = Date.UTC(2026, 2, 1);
    const reducing = view("state-master-2", "up", "backup", { retentionMs: 9, reducedThrough: 63, reducedAt });
    const [older, whole, tidy] = toMastersStatus(
      [leader, view("state-master-3", "up", "backup", { retentionMs: 9, reducedThrough: 0, reducedAt: 0 }), reducing],
      [],
    ).masters;
    expect(older?.retention).toBeNull();
    expect(whole?.retention).toEqual({ windowMs: 9, reducedThrough: 0, keptFrom: null });
    expect(tidy?.retention).toEqual({ windowMs: 9, reducedThrough: 63, keptFrom: "2026-03-01T00:00:00.000Z" });
  });

  test("are equal only when they compare from the same slot on", () => {
    const answer = (server: string, comparedAfter: number) => ({
      server,
      answer: {
        appliedSlot: 90,
        comparedAfter,
        decidedThrough: 90,
        digest: "d",
        tables: { DecidedSlot: "d" },
        rows: {},
      },
    });
    const equal = toComparison([answer("state-master-1", 63), answer("state-master-2", 63)], true);
    expect(equal).toMatchObject({ equal: true, comparedAfter: 63, differences: [] });
    const apart = toComparison([answer("state-master-1", 63), answer("state-master-2", 127)], false);
    expect(apart).toMatchObject({ equal: false, comparedAfter: 127 });
    expect(apart.differences.join()).toMatch(/after slot 127/);
  });

  test("do not count a learner as a vote, and show what it has taken in", () => {
    const learner = view("state-master-3", "up", "learner", { snapshotDoneBytes: 5, snapshotTotalBytes: 20 });
    const status = toMastersStatus([leader, behind, learner], []);
    expect(status).toMatchObject({ quorum: 2, live: 2, faultsToleratedNow: 0 });
    expect(status.masters[2]).toMatchObject({ role: "learner", snapshot: { doneBytes: 5, totalBytes: 20 } });
  });

  test("stand beside the scrub of replicas, unknown where a replica says nothing of it", () => {
    const silent = view("state-replica-1", "up", "member", {});
    const busy = view("state-replica-2", "up", "member", {
      scrubPasses: 7,
      scrubLastPassMs: 90,
      scrubFound: 2,
      scrubRepaired: 1,
    });
    const { scrub } = toMastersStatus([leader], [silent, busy]);
    expect(scrub).toMatchObject([
      { passes: null, lastPassMs: null, found: null, repaired: null },
      { passes: 7, lastPassMs: 90, found: 2, repaired: 1 },
    ]);
  });
});

describe("placement", () => {
  const entry = {
    ...{ clusters: [{ from: 0, to: 9 }], epoch: 7, settledEpoch: 7, holder: "execution-server-1", faultsTolerated: 1 },
    ...{ members: ["r1", "r2", "r3"], joining: [] as string[], struckOff: [] as string[] },
    ...{ vacant: 0, openedAt: 5_000 as number | null },
  };
  const group = (part: Partial<typeof entry>, down: readonly string[] = []) =>
    toPlacementGroups([{ ...entry, ...part }], (server) => (down.includes(server) ? "down" : "up"))[0];

  test("tolerates what it was made for while all members are up", () => {
    expect(group({})).toMatchObject({ count: 10, faultsToleratedNow: 1, faultsTolerated: 1 });
    expect(group({})?.fullyReplicatedAt).toBe("1970-01-01T00:00:05.000Z");
    expect(group({ openedAt: null })?.fullyReplicatedAt).toBeNull();
  });

  test("counts a member that is down, was struck off, or has yet to take everything in, against t", () => {
    expect(group({}, ["r3"])?.faultsToleratedNow).toBe(0);
    expect(group({ members: ["r1", "r2"], struckOff: ["r3"] })?.faultsToleratedNow).toBe(0);
    expect(group({ members: ["r1", "r2"], vacant: 1 })).toMatchObject({
      faultsToleratedNow: 0,
      fullyReplicatedAt: null,
    });
    expect(group({ members: ["r1", "r2"], joining: ["r3"] })?.fullyReplicatedAt).toBeNull();
    const states = group({ members: ["r1", "r2"], struckOff: ["r3"], joining: ["r3", "r4"] })?.members;
    expect(states?.map(({ server, state }) => `${server} ${state}`)).toEqual([
      "r1 member",
      "r2 member",
      "r3 struck off",
      "r4 joining",
    ]);
  });
});

test("what a quarantined request left behind is told by version, with what each replica holds", () => {
  const left = { ...held(8, "invalid", c1("d")), requestId: "2".repeat(64) as RequestId };
  const described = ["state-replica-1", "state-replica-2"].map((server) => ({
    server: server as ServerName,
    versions: [held(7, "verified"), left],
  }));
  expect(versionsOfRequest(described, left.requestId)).toEqual([
    {
      ...{ number: 8, epoch: 2, status: "invalid" },
      c1: [
        { server: "state-replica-1", c1: c1("d") },
        { server: "state-replica-2", c1: c1("d") },
      ],
    },
  ]);
  expect(versionsOfRequest(described, "3".repeat(64))).toEqual([]);
});

describe("a quarantined payload", () => {
  const contract = {
    objects: { account: { confidential: [{ field: "holder", visibleTo: "naming-operations" }] } },
  } as unknown as ContractJson;
  const shown = (payload: { bytesBase64: string }): string =>
    Buffer.from(payload.bytesBase64, "base64").toString("utf8");

  test("shows no confidential field unless somebody said why", () => {
    const text = JSON.stringify({ from: 1, lines: [{ holder: "Ada", amount: 2 }] });
    const masked = maskPayload(contract, requestId, text, false);
    expect(shown(masked)).not.toContain("Ada");
    expect(masked.maskedFields).toEqual(["/lines/0/holder"]);
    expect(shown(maskPayload(contract, requestId, text, true))).toBe(text);
  });

  test("that is no JSON is not shown at all unless somebody said why", () => {
    const masked = maskPayload(contract, requestId, "holder=Ada", false);
    expect(shown(masked)).not.toContain("Ada");
    expect(masked.maskedFields).toEqual(["whole payload"]);
  });

  test("is cut at a limit and says so", () => {
    const payload = maskPayload(contract, requestId, JSON.stringify("x".repeat(300_000)), true);
    expect(payload.truncated).toBe(true);
    expect(shown(payload)).toHaveLength(256 * 1024);
  });
});

describe("coincidence", () => {
  const failed = (server: string): RequestHop => ({
    ...{ kind: "failed", ms: 1, attempt: 1, server, detector: "acceptance-test", check: "conserves", detail: "" },
  });
  const run = (server: string, judgement: "innocent" | "malformed"): RequestHop => ({
    ...{ kind: "shadowEnded", ms: 2, attempt: 2, server, judgement, detail: "" },
  });

  test("a request that failed on several servers and passed on none carries the fault", () => {
    expect(coincidence([failed("s1"), run("s2", "malformed"), run("s3", "malformed")], "s1", 1)).toEqual({
      acceptedElsewhere: false,
      sentence: "It failed on 3 different servers (s1, s2, s3): the request carries the fault.",
    });
  });

  test("one pass elsewhere, or a server that failed others too, speaks against the server", () => {
    expect(coincidence([failed("s1"), run("s2", "innocent")], "s1", 1).acceptedElsewhere).toBe(true);
    expect(coincidence([failed("s1")], "s1", 4)).toMatchObject({
      ...{ acceptedElsewhere: null, sentence: expect.stringContaining("discarded 4 times") },
    });
  });

  test("what was never executed, or of which nothing is known, is not explained", () => {
    expect(coincidence([], "", 0).sentence).toContain("never executed");
    expect(coincidence([], "s1", 1)).toMatchObject({
      acceptedElsewhere: null,
      sentence: expect.stringContaining("nothing is known"),
    });
  });
});

import type { Digest, Verdict } from "@redoubt/shared";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDiverged, judgeRelease, type ReleaseQuestion, type Vote, vouchedFollows } from "./release.ts";

const MEMBERS = ["m1", "m2", "m3"];
const digest = (letter: string): Digest => letter.repeat(64) as Digest;
const X = digest("a");
const Y = digest("b");
const REPLY = digest("c");
const ANCESTOR = digest("d");
const PASS: Verdict = { kind: "pass" };
const FAIL: Verdict = { kind: "fail", check: "conserves", detail: "does not" };
const UNABLE: Verdict = { kind: "unable", detail: "died" };

const vote = (verdict?: Verdict, changes: Partial<Vote> = {}): Vote => ({
  changeDigest: X,
  replyDigest: REPLY,
  follows: [],
  durable: true,
  ...(verdict ? { verdict } : {}),
  ...changes,
});

const question = (votes: Record<string, Vote>, changes: Partial<ReleaseQuestion> = {}): ReleaseQuestion => ({
  profile: "optimized",
  faultsTolerated: 1,
  readOnly: false,
  homeMembers: MEMBERS,
  members: MEMBERS,
  votes: new Map(Object.entries(votes)),
  acceptance: new Map(),
  isSettled: () => false,
  ...changes,
});

describe("a reply leaves when", () => {
  test("t+1 members passed one change and every member holds it", () => {
    expect(judgeRelease(question({ m1: vote(PASS), m2: vote(PASS), m3: vote() }))).toEqual({
      kind: "release",
      changeDigest: X,
      replyDigest: REPLY,
      by: "all-members",
    });
  });

  test("or the masters verified it, whoever is missing", () => {
    const verified = { digest: X, replyDigest: REPLY };
    expect(judgeRelease(question({}, { verified }))).toMatchObject({ kind: "release", by: "masters" });
  });
});

describe("a reply stays when", () => {
  test("only t members passed it", () => {
    expect(judgeRelease(question({ m1: vote(PASS), m2: vote(), m3: vote() })).kind).toBe("needVerdicts");
  });

  test("t+1 passes are over different changes, replies or predecessors", () => {
    for (const other of [{ changeDigest: Y }, { replyDigest: Y }, { follows: [ANCESTOR] }])
      expect(judgeRelease(question({ m1: vote(PASS), m2: vote(PASS, other), m3: vote(undefined, other) })).kind).toBe(
        "needVerdicts",
      );
  });

  test("a member has not answered, holds another change, or does not hold it durably", () => {
    const passed = { m1: vote(PASS), m2: vote(PASS) };
    const thirds: Record<string, Vote>[] = [
      {},
      { m3: vote(undefined, { changeDigest: Y }) },
      { m3: vote(undefined, { durable: false }) },
    ];
    for (const third of thirds)
      expect(judgeRelease(question({ ...passed, ...third }))).toMatchObject({ kind: "needMembers", missing: ["m3"] });
  });

  test("a member of another cluster of the request is missing", () => {
    const votes = { m1: vote(PASS), m2: vote(PASS), m3: vote() };
    expect(judgeRelease(question(votes, { members: [...MEMBERS, "m4"] }))).toMatchObject({ missing: ["m4"] });
  });

  test("passes come from members of other clusters than the home", () => {
    const votes = { m4: vote(PASS), m5: vote(PASS), m1: vote(), m2: vote(), m3: vote() };
    expect(judgeRelease(question(votes, { members: [...MEMBERS, "m4", "m5"] })).kind).toBe("needVerdicts");
  });

  test("an ancestor is neither released nor verified", () => {
    const follows = [ANCESTOR];
    const votes = { m1: vote(PASS, { follows }), m2: vote(PASS, { follows }), m3: vote(undefined, { follows }) };
    expect(judgeRelease(question(votes))).toMatchObject({ kind: "needAncestors", ancestors: follows });
    expect(judgeRelease(question(votes, { isSettled: (each) => each === ANCESTOR })).kind).toBe("release");
  });
});

describe("an attempt fails when", () => {
  test("t+1 members failed one change; one liar cannot make it fail", () => {
    expect(judgeRelease(question({ m1: vote(FAIL), m2: vote(PASS), m3: vote(PASS) })).kind).toBe("release");
    expect(judgeRelease(question({ m1: vote(FAIL), m2: vote(FAIL), m3: vote(PASS) }))).toMatchObject({
      kind: "fail",
      check: "conserves",
    });
  });

  test("the versions read count only when t+1 name the same ones", () => {
    const reads = [{ object: "a/1", number: 1, epoch: 1, c1: X }];
    const same = question({ m1: vote(FAIL, { reads }), m2: vote(FAIL, { reads }) });
    const differing = question({ m1: vote(FAIL, { reads }), m2: vote(FAIL, { reads: [] }) });
    expect(judgeRelease(same)).toMatchObject({ reads });
    expect(judgeRelease(differing)).toMatchObject({ reads: [] });
  });

  test("nobody is blamed when the acceptance test itself dies at t+1 members", () => {
    expect(judgeRelease(question({ m1: vote(UNABLE), m2: vote(UNABLE) })).kind).toBe("untestable");
  });
});

describe("basic profile", () => {
  const acceptance = (verdict: Verdict, changeDigest = X) =>
    new Map([["acceptance-test-server-1", { changeDigest, replyDigest: REPLY, verdict }]]);
  const held = { m1: vote(), m2: vote(), m3: vote() };

  test("the designated server's pass over what t+1 members hold is enough", () => {
    expect(judgeRelease(question(held, { profile: "basic", acceptance: acceptance(PASS) })).kind).toBe("release");
    expect(judgeRelease(question(held, { profile: "basic", acceptance: acceptance(PASS, Y) })).kind).toBe(
      "needVerdicts",
    );
    expect(judgeRelease(question(held, { profile: "basic", acceptance: acceptance(FAIL) })).kind).toBe("fail");
  });

  test("of 2a+1 servers a+1 must agree on one change: neither a faulty pass nor a faulty fail decides", () => {
    const heard = (...verdicts: Verdict[]) =>
      new Map(verdicts.map((verdict, index) => [`t${index}`, { changeDigest: X, replyDigest: REPLY, verdict }]));
    const judged = (...verdicts: Verdict[]) =>
      judgeRelease(question(held, { profile: "basic", verdictsNeeded: 2, acceptance: heard(...verdicts) })).kind;
    expect(judged(PASS)).toBe("needVerdicts");
    expect(judged(FAIL)).toBe("needVerdicts");
    expect(judged(PASS, FAIL)).toBe("needVerdicts");
    expect(judged(PASS, FAIL, PASS)).toBe("release");
    expect(judged(PASS, FAIL, FAIL)).toBe("fail");
    expect(judged(PASS, UNABLE)).toBe("needVerdicts");
  });

  test("no more than a of them can make a change untestable, whatever t is", () => {
    const unable = (count: number) =>
      new Map(
        Array.from({ length: count }, (_, at) => [`t${at}`, { changeDigest: X, replyDigest: REPLY, verdict: UNABLE }]),
      );
    const judged = (count: number, verdictsNeeded: number) =>
      judgeRelease(question(held, { profile: "basic", verdictsNeeded, acceptance: unable(count) })).kind;
    expect(judged(1, 1)).toBe("needVerdicts");
    expect(judged(2, 1)).toBe("untestable");
    expect(judged(2, 3)).toBe("needVerdicts");
    expect(judged(3, 3)).toBe("untestable");
  });

  test("members' own verdicts mean nothing there", () => {
    const votes = { m1: vote(PASS), m2: vote(PASS), m3: vote(PASS) };
    expect(judgeRelease(question(votes, { profile: "basic" })).kind).toBe("needVerdicts");
  });
});

test("whatever members say, nothing is released without t+1 equal passes, every member and settled ancestors (I2)", () => {
  const anyDigest = fc.constantFrom(X, Y);
  const anyVote = fc.record({
    changeDigest: anyDigest,
    replyDigest: anyDigest,
    follows: fc.subarray([ANCESTOR, digest("e")]),
    durable: fc.boolean(),
    verdict: fc.constantFrom(PASS, FAIL, UNABLE),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2),
      fc.array(fc.option(anyVote, { nil: undefined }), { minLength: 5, maxLength: 5 }),
      fc.subarray([ANCESTOR, digest("e")]),
      fc.boolean(),
      (faultsTolerated, given, settled, readOnly) => {
        const members = ["m1", "m2", "m3", "m4", "m5"].slice(0, 2 * faultsTolerated + 1);
        const votes = new Map<string, Vote>();
        for (const [index, member] of members.entries()) {
          const each = given[index];
          if (each) votes.set(member, each);
        }
        const isSettled = (each: Digest): boolean => settled.includes(each);
        const judgement = judgeRelease(
          question({}, { faultsTolerated, readOnly, homeMembers: members, members, votes, isSettled }),
        );
        if (judgement.kind !== "release") return;
        const equal = [...votes.values()].filter(
          (each) => each.changeDigest === judgement.changeDigest && each.replyDigest === judgement.replyDigest,
        );
        const passing = equal.filter((each) => each.verdict?.kind === "pass" && each.follows.every(isSettled));
        expect(passing.length).toBeGreaterThan(faultsTolerated);
        for (const member of members) {
          expect(votes.get(member)?.changeDigest).toBe(judgement.changeDigest);
          expect(readOnly || votes.get(member)?.durable).toBe(true);
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

test("divergence and vouched predecessors are seen through single liars", () => {
  const votes = new Map([
    ["m1", vote(undefined, { follows: [ANCESTOR] })],
    ["m2", vote(undefined, { follows: [ANCESTOR] })],
    ["m3", vote(undefined, { follows: [Y] })],
  ]);
  expect(isDiverged(votes)).toBe(false);
  expect(vouchedFollows(votes, X, 1)).toEqual([ANCESTOR]);
  votes.set("m3", vote(undefined, { changeDigest: Y }));
  expect(isDiverged(votes)).toBe(true);
  expect(vouchedFollows(votes, Y, 1)).toEqual([]);
});

import type { Digest, Verdict } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { judgeDeadline, judgeDivergence, judgeShadow, type ShadowQuestion } from "./attribution.ts";
import type { Vote } from "./release.ts";

const digest = (letter: string): Digest => letter.repeat(64) as Digest;
const PASS: Verdict = { kind: "pass" };
const FAIL: Verdict = { kind: "fail", check: "conserves", detail: "does not" };
const TESTERS = ["m1", "m2", "m3"];

const shadow = (
  votes: Record<string, [Verdict, string?]>,
  changes: Partial<ShadowQuestion> = {},
): ReturnType<typeof judgeShadow> =>
  judgeShadow({
    needed: 2,
    testers: TESTERS,
    votes: new Map(
      Object.entries(votes).map(([member, [verdict, result = "r"]]) => [
        member,
        { verdict, resultDigest: digest(result) },
      ]),
    ),
    timedOut: false,
    ...changes,
  });

describe("a shadow run", () => {
  test("exonerates the request when t+1 testers pass the same result", () => {
    expect(shadow({ m1: [PASS], m2: [PASS] })).toMatchObject({ kind: "innocent" });
    expect(shadow({ m1: [PASS] }).kind).toBe("pending");
    expect(shadow({ m1: [PASS, "a"], m2: [PASS, "b"] }).kind).toBe("pending");
  });

  test("condemns it when t+1 testers fail the same result; one liar decides nothing", () => {
    expect(shadow({ m1: [FAIL], m2: [FAIL] })).toMatchObject({ kind: "malformed", check: "conserves" });
    expect(shadow({ m1: [FAIL], m2: [PASS], m3: [PASS] }).kind).toBe("innocent");
  });

  test("condemns it when the run crashes or times out as well", () => {
    for (const failure of ["crash", "timeout", "cpu", "thrown", "oversize"] as const)
      expect(shadow({}, { failure })).toMatchObject({ kind: "malformed", check: failure });
  });

  test("says nothing when members refused it, testers disagree, or nobody answered", () => {
    expect(shadow({}, { failure: "stale" })).toMatchObject({ kind: "inconclusive", serverFailed: false });
    expect(shadow({ m1: [PASS, "a"], m2: [PASS, "b"], m3: [FAIL, "c"] })).toMatchObject({ serverFailed: true });
    expect(shadow({ m1: [PASS] }, { timedOut: true })).toMatchObject({ kind: "inconclusive", why: "timeout" });
  });

  test("blames nobody when the acceptance test dies on it", () => {
    const unable: Verdict = { kind: "unable", detail: "out of memory" };
    expect(shadow({ m1: [unable], m2: [unable] }).kind).toBe("untestable");
  });
});

const vote = (letter: string): Vote => ({
  changeDigest: digest(letter),
  replyDigest: digest("r"),
  follows: [],
  durable: true,
});

describe("a missed deadline", () => {
  const judge = (votes: Record<string, Vote>, heard: readonly string[], mastersHeard = true): string =>
    judgeDeadline({
      faultsTolerated: 1,
      homeMembers: TESTERS,
      votes: new Map(Object.entries(votes)),
      isHeard: (member) => heard.includes(member),
      mastersHeard,
    });

  test("is the server's when it held the request while the rest was well", () => {
    expect(judge({}, TESTERS)).toBe("held");
  });

  test("is nobody's when too few members or no masters are in hearing (U23)", () => {
    expect(judge({}, ["m1"])).toBe("infrastructure");
    expect(judge({}, TESTERS, false)).toBe("infrastructure");
  });

  test("is the server's when it sent its change to t members only (A5)", () => {
    expect(judge({ m1: vote("a") }, TESTERS)).toBe("incomplete");
  });

  test("is not the server's once t+1 members hold its change", () => {
    expect(judge({ m1: vote("a"), m2: vote("a") }, [])).toBe("delivered");
  });
});

describe("diverging answers", () => {
  const judge = (votes: Record<string, Vote>, signed: readonly string[]): string =>
    judgeDivergence(new Map(Object.entries(votes)), new Set(signed.map(digest)), 1).kind;
  const twoAgainstOne = { m1: vote("a"), m2: vote("a"), m3: vote("b") };

  test("convict the server that signed two changes for one ticket (U6)", () => {
    expect(judge(twoAgainstOne, ["a", "b"])).toBe("equivocated");
  });

  test("point at the member when t+1 others hold what was signed", () => {
    expect(judge(twoAgainstOne, ["a"])).toBe("memberSuspected");
  });

  test("stay unexplained when what was signed is held by the minority, or nothing was signed", () => {
    expect(judge(twoAgainstOne, ["b"])).toBe("unexplained");
    expect(judge(twoAgainstOne, [])).toBe("unexplained");
  });
});

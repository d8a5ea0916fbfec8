import { LIMITS } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { EXECUTION_SERVER, MEMBERS, order } from "../testing/toy.test-support.ts";
import { Budgets } from "./budgets.ts";
import type { Turn } from "./context.ts";
import { readyMember } from "./member.test-support.ts";

const turn = (now: number): Turn => ({ now, wall: now, effects: [] });
const body = (name: string) => ({
  requestId: name.padStart(64, "0") as never,
  attempt: 1,
  clusters: [{ cluster: 1, epoch: 1 as never, members: MEMBERS }],
});

/** Messages in one moment until something else than `pass` comes. */
function passedAtOnce(budgets: Budgets, name: string, now: number): number {
  for (let count = 0; ; count++) if (budgets.take(EXECUTION_SERVER, body(name), turn(now)) !== "pass") return count;
}

describe("what an execution server may send", () => {
  it("is a budget per genuine ticket, whatever is left for others", () => {
    const budgets = new Budgets();
    budgets.grant(EXECUTION_SERVER, body("a"), turn(0));
    budgets.grant(EXECUTION_SERVER, body("b"), turn(0));
    expect(passedAtOnce(budgets, "a", 0)).toBe(96);
    expect(passedAtOnce(budgets, "b", 0)).toBe(96);
  });

  it("without a genuine ticket, is what one certificate has, and then a few a second", () => {
    const budgets = new Budgets();
    expect(passedAtOnce(budgets, "forged", 0)).toBe(512);
    expect(passedAtOnce(budgets, "forged", 1_000)).toBe(200);
  });

  it("without a ticket, is hardly more for one that has served thousands of requests", () => {
    const budgets = new Budgets();
    for (let request = 0; request < 5_000; request++) {
      budgets.take(EXECUTION_SERVER, body(`${request}`), turn(request));
      budgets.grant(EXECUTION_SERVER, body(`${request}`), turn(request));
    }
    let passed = 0;
    while (budgets.take(EXECUTION_SERVER, undefined, turn(5_000)) === "pass") passed++;
    expect(passed).toBeLessThanOrEqual(1_024);
  });

  it("leaves room for one message of evidence over each change that comes after a long silence", () => {
    const budgets = new Budgets();
    const decisions = new Set<string>();
    for (let request = 0; request < 4_000; request++) {
      decisions.add(budgets.take(EXECUTION_SERVER, body(`${request}`), turn(0)));
      budgets.grant(EXECUTION_SERVER, body(`${request}`), turn(0));
      decisions.add(budgets.take(EXECUTION_SERVER, undefined, turn(0)));
    }
    expect([...decisions]).toEqual(["pass"]);
  });

  it("suffices an honest one whose every message was delivered at once after five seconds of silence", () => {
    const budgets = new Budgets();
    const decisions = new Set<string>();
    for (let round = 0; round < 50; round++)
      for (let request = 0; request < 512; request++) {
        decisions.add(budgets.take(EXECUTION_SERVER, body(`${request}`), turn(5_000)));
        budgets.grant(EXECUTION_SERVER, body(`${request}`), turn(5_000));
      }
    expect([...decisions]).toEqual(["pass"]);
  });

  it("is told once a second when it is far beyond, and of one sender it takes nothing from another", () => {
    const budgets = new Budgets();
    const told = Array.from({ length: 2_000 }, () => budgets.take(EXECUTION_SERVER, body("x"), turn(0)));
    expect(told.filter((decision) => decision === "tell")).toHaveLength(1);
    expect(budgets.take("execution-server-2", body("x"), turn(0))).toBe("pass");
    const again = Array.from({ length: 2_000 }, () => budgets.take(EXECUTION_SERVER, body("x"), turn(1_000)));
    expect(again.filter((decision) => decision === "tell")).toHaveLength(1);
  });
});

describe("a member", () => {
  it("drops what is beyond unread, and reports the flood to the regulator (R47)", () => {
    const member = readyMember(MEMBERS[0]);
    for (let count = 0; count < 700; count++)
      member.receive(EXECUTION_SERVER, { kind: "evidence", digests: [], signature: "" });
    const reports = member.sent("traffic-regulator", "refusalReport");
    expect(reports).toMatchObject([{ executionServer: EXECUTION_SERVER, reason: "flood", act: "flood" }]);
  });

  it("is flooded also by what it lacks the key for, and keeps only so much of that", () => {
    const member = readyMember(MEMBERS[0]);
    const { ticket } = order({ to: 1, amount: 1 }, { operation: "deposit", regulatorEpoch: 77 });
    const input = "x".repeat(LIMITS.inputBytesMax);
    const fetch = () =>
      member.receive(EXECUTION_SERVER, { kind: "fetch", fetch: "f", ticket, input, objects: ["account/1"], at: [] });
    for (let count = 0; count < 1_000; count++) fetch();
    expect(member.sent("traffic-regulator", "refusalReport")).toEqual([]);
    for (let count = 0; count < 20_000; count++) fetch();
    expect(member.sent("traffic-regulator", "refusalReport")).toMatchObject([{ reason: "flood" }]);
    member.clear();
    member.key(77);
    const answered = member.refusals().length;
    expect(answered).toBeGreaterThan(32);
    expect(answered * input.length).toBeLessThan(32 * 1024 * 1024);
  });
});

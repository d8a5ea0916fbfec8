import { type ClusterRange, type Digest, type RequestId, ZERO_DIGEST } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { digestOf, MASTERS_KEY, MEMBERS, makeChain, makeChange, type TestChange } from "./changes.test-support.ts";
import { classify, type Settlement, type SettlementQuestion } from "./settlement.ts";
import { checkList } from "./settlement-list.ts";

const [ONE, TWO, THREE] = MEMBERS as [string, string, string];
const EPOCH = 4;
const ALL: readonly ClusterRange[] = [{ from: 0, to: 9 }];

interface Setting {
  readonly lists: Readonly<Record<string, readonly TestChange[]>>;
  readonly head?: Digest;
  readonly faulty?: readonly string[];
  readonly struckOff?: readonly string[];
  readonly invalid?: readonly Digest[];
  readonly decided?: readonly RequestId[];
  readonly stale?: readonly Digest[];
  readonly members?: (cluster: number) => readonly string[];
}

function settle(setting: Setting): Settlement {
  const { head = ZERO_DIGEST, faulty = [], struckOff = [], invalid = [], decided = [], stale = [] } = setting;
  const question: SettlementQuestion = {
    clusters: ALL,
    clusterOf: (cluster) => ({
      members: setting.members?.(cluster) ?? MEMBERS,
      faultsTolerated: 1,
      struckOff: new Set(struckOff),
      head,
    }),
    lists: new Map(Object.entries(setting.lists).map(([member, list]) => [member, list.map(({ change }) => change)])),
    faulty: new Set(faulty),
    isInvalid: (digest) => invalid.includes(digest),
    isDecided: (requestId) => decided.includes(requestId),
    isCurrent: ({ digest }) => !stale.includes(digest),
  };
  return classify(question);
}

const survivorsOf = (settlement: Settlement): Digest[] =>
  settlement.kind === "settled" ? settlement.survivors.map(({ digest }) => digest) : [];
const voidedOf = (settlement: Settlement): Digest[] =>
  settlement.kind === "settled" ? settlement.voided.map(({ digest }) => digest) : [];

const [first, second, third] = makeChain(["a", "b", "c"], EPOCH) as [TestChange, TestChange, TestChange];

describe("promises", () => {
  test("fewer than t+1 settle nothing", () => {
    expect(settle({ lists: { [ONE]: [first] } })).toEqual({ kind: "wait", undecided: [] });
  });

  test("t+1 empty lists settle: what nobody of them shows is dead", () => {
    expect(settle({ lists: { [ONE]: [], [TWO]: [] } })).toEqual({ kind: "settled", survivors: [], voided: [] });
  });

  test("clusters that never had members need none", () => {
    expect(settle({ lists: {}, members: () => [] })).toEqual({ kind: "settled", survivors: [], voided: [] });
  });

  test("t+1 are needed in every cluster", () => {
    const others = ["state-replica-4", "state-replica-5", "state-replica-6"];
    const members = (cluster: number) => (cluster === 9 ? others : MEMBERS);
    expect(settle({ lists: { [ONE]: [], [TWO]: [] }, members }).kind).toBe("wait");
    const lists = { [ONE]: [], [TWO]: [], "state-replica-4": [], "state-replica-6": [] };
    expect(settle({ lists, members }).kind).toBe("settled");
  });
});

describe("one change", () => {
  test("with t+1 equal copies survives", () => {
    expect(survivorsOf(settle({ lists: { [ONE]: [first], [TWO]: [first] } }))).toEqual([first.digest]);
  });

  test("that t+1 promised members lack is void", () => {
    const settlement = settle({ lists: { [ONE]: [first], [TWO]: [], [THREE]: [] } });
    expect(survivorsOf(settlement)).toEqual([]);
    expect(voidedOf(settlement)).toEqual([first.digest]);
  });

  test("with one copy and one lack waits for the third member", () => {
    const lists = { [ONE]: [first], [TWO]: [] };
    expect(settle({ lists })).toEqual({ kind: "wait", undecided: [first.digest] });
    expect(survivorsOf(settle({ lists: { ...lists, [THREE]: [first] } }))).toEqual([first.digest]);
  });

  test("t−s+1 lacks are enough when the third member is struck off", () => {
    const settlement = settle({ lists: { [ONE]: [first], [TWO]: [] }, struckOff: [THREE] });
    expect(voidedOf(settlement)).toEqual([first.digest]);
  });

  test("a struck-off member that did promise counts like any other", () => {
    const lists = { [ONE]: [first], [TWO]: [], [THREE]: [first] };
    expect(survivorsOf(settle({ lists, struckOff: [THREE] }))).toEqual([first.digest]);
  });

  test("a member whose list was impossible counts as struck off", () => {
    expect(voidedOf(settle({ lists: { [ONE]: [first], [TWO]: [] }, faulty: [THREE] }))).toEqual([first.digest]);
  });

  test("found invalid is void however many hold it", () => {
    const settlement = settle({ lists: { [ONE]: [first], [TWO]: [first] }, invalid: [first.digest] });
    expect(voidedOf(settlement)).toEqual([first.digest]);
  });

  test("of an epoch settled without it is void (I7)", () => {
    const settlement = settle({ lists: { [ONE]: [first], [TWO]: [first] }, stale: [first.digest] });
    expect(voidedOf(settlement)).toEqual([first.digest]);
  });

  test("of a request decided already is neither survivor nor named void", () => {
    const decided = [first.change.requestId];
    expect(settle({ lists: { [ONE]: [first], [TWO]: [first] }, decided })).toEqual({
      kind: "settled",
      survivors: [],
      voided: [],
    });
  });

  test("on something that is neither head nor survivor is void", () => {
    const head = digestOf("other head");
    expect(voidedOf(settle({ lists: { [ONE]: [first], [TWO]: [first] }, head }))).toEqual([first.digest]);
  });

  test("outside the clusters of the epoch is void", () => {
    const outside = makeChange({ request: "x", epoch: EPOCH, clusters: [5, 77] });
    expect(voidedOf(settle({ lists: { [ONE]: [outside], [TWO]: [outside] } }))).toEqual([outside.digest]);
  });
});

describe("several clusters", () => {
  const others = [ONE, "state-replica-4", "state-replica-5"];
  const members = (cluster: number) => (cluster === 7 ? others : MEMBERS);
  const both = makeChange({ request: "both", epoch: EPOCH, clusters: [5, 7] });

  test("a change lacked in one of its clusters is void in all: void wins", () => {
    const lists = { [ONE]: [both], [TWO]: [both], "state-replica-4": [], "state-replica-5": [] };
    expect(voidedOf(settle({ lists, members }))).toEqual([both.digest]);
  });

  test("a change survives only with t+1 copies in each", () => {
    const lists = { [ONE]: [both], [TWO]: [both], "state-replica-4": [] };
    expect(settle({ lists, members })).toEqual({ kind: "wait", undecided: [both.digest] });
    const more = { ...lists, "state-replica-5": [both] };
    expect(survivorsOf(settle({ lists: more, members }))).toEqual([both.digest]);
  });
});

describe("chains", () => {
  test("survivors are listed in chain order, whatever the order of the lists", () => {
    const settlement = settle({ lists: { [ONE]: [third, first, second], [TWO]: [second, third, first] } });
    expect(survivorsOf(settlement)).toEqual([first.digest, second.digest, third.digest]);
  });

  test("what follows a void change is void, over any distance", () => {
    const lists = { [ONE]: [first, second, third], [TWO]: [first, second, third] };
    const settlement = settle({ lists, invalid: [first.digest] });
    expect(survivorsOf(settlement)).toEqual([]);
    expect(new Set(voidedOf(settlement))).toEqual(new Set([first.digest, second.digest, third.digest]));
  });

  test("what follows through another cluster is void too", () => {
    const left = makeChange({ request: "left", epoch: EPOCH, clusters: [1] });
    const joint = makeChange({ request: "joint", epoch: EPOCH, clusters: [1, 2], follows: { 1: left.digest } });
    const right = makeChange({ request: "right", epoch: EPOCH, clusters: [2], follows: joint.digest });
    const all = [left, joint, right];
    expect(survivorsOf(settle({ lists: { [ONE]: all, [TWO]: all } }))).toHaveLength(3);
    expect(survivorsOf(settle({ lists: { [ONE]: all, [TWO]: all }, invalid: [left.digest] }))).toEqual([]);
  });

  test("what follows a change that waits, waits with it", () => {
    const lists = { [ONE]: [first, second], [TWO]: [second] };
    expect(settle({ lists })).toEqual({ kind: "wait", undecided: [first.digest, second.digest] });
  });

  test("a verified predecessor needs no copies: its successor continues the verified head", () => {
    const lists = { [ONE]: [first, second], [TWO]: [second] };
    const settlement = settle({ lists, head: first.digest, decided: [first.change.requestId] });
    expect(survivorsOf(settlement)).toEqual([second.digest]);
  });

  test("of two successors of one change at most one survives", () => {
    const fork = makeChange({ request: "fork", epoch: EPOCH });
    const settlement = settle({ lists: { [ONE]: [first], [TWO]: [fork], [THREE]: [first] } });
    expect(survivorsOf(settlement)).toEqual([first.digest]);
    expect(voidedOf(settlement)).toEqual([fork.digest]);
  });
});

describe("a member's list", () => {
  const check = (changes: readonly TestChange[], key = MASTERS_KEY, isOwn = true) =>
    checkList(
      nodeHasher,
      (epoch) => (epoch === 1 ? key : undefined),
      () => isOwn,
      changes.map(({ summary }) => summary),
    );

  test("that is possible is taken, doubles once", () => {
    expect(check([first, second, first])).toEqual({ kind: "list", changes: [first.change, second.change] });
  });

  test("with two contents for a request id is impossible", () => {
    const again = makeChange({ request: "a", epoch: EPOCH, reply: "other", follows: first.digest });
    expect(check([first, again])).toEqual({ kind: "impossible", reason: "two contents for a request id" });
  });

  test("with two contents for a version is impossible", () => {
    const write = (text: string) => ({
      ...{ object: "account/1", number: 1, epoch: EPOCH, c1: digestOf(text) },
      parent: { number: 0, epoch: 0, c1: ZERO_DIGEST },
    });
    const left = makeChange({ request: "x", epoch: EPOCH, writes: [write("x")] });
    const right = makeChange({ request: "y", epoch: EPOCH, writes: [write("y")], follows: left.digest });
    expect(check([left, right])).toEqual({ kind: "impossible", reason: "two contents for a version" });
  });

  test("with two successors of one change is impossible, but only in the sender's own clusters", () => {
    const fork = makeChange({ request: "fork", epoch: EPOCH });
    expect(check([first, fork])).toEqual({ kind: "impossible", reason: "broken chain" });
    expect(check([first, fork], MASTERS_KEY, false).kind).toBe("list");
  });

  test("with a wrong masters' entry is impossible", () => {
    const forged = makeChange({ request: "z", epoch: EPOCH, mastersKey: "cd".repeat(32) });
    expect(check([forged])).toEqual({ kind: "impossible", reason: "masters' entry" });
  });

  test("with a ticket of a regulator epoch whose key is gone is taken", () => {
    const old = makeChange({ request: "z", epoch: EPOCH, regulatorEpoch: 2, mastersKey: "cd".repeat(32) });
    expect(check([old]).kind).toBe("list");
  });

  test("with a summary that breaks the shape is impossible", () => {
    const summary = { ...first.summary, links: [] };
    expect(
      checkList(
        nodeHasher,
        () => MASTERS_KEY,
        () => true,
        [summary],
      ),
    ).toEqual({
      kind: "impossible",
      reason: "malformed",
    });
  });

  test("of read-only requests is empty: they are not journalled", () => {
    expect(check([makeChange({ request: "r", epoch: EPOCH, readOnly: true })])).toEqual({ kind: "list", changes: [] });
  });
});

describe("exhaustively, one change and three members", () => {
  type Answer = "copy" | "lack" | "silent";
  const answers: readonly Answer[] = ["copy", "lack", "silent"];

  test("the result depends only on how many show it and how many lack it", () => {
    for (const one of answers) {
      for (const two of answers) {
        for (const three of answers) {
          const given = [one, two, three];
          const lists: Record<string, readonly TestChange[]> = {};
          for (const [index, answer] of given.entries()) {
            if (answer !== "silent") lists[MEMBERS[index] as string] = answer === "copy" ? [first] : [];
          }
          const copies = given.filter((answer) => answer === "copy").length;
          const lacks = given.filter((answer) => answer === "lack").length;
          const settlement = settle({ lists });
          if (copies + lacks < 2) expect(settlement.kind).toBe("wait");
          else if (lacks >= 2) expect(survivorsOf(settlement)).toEqual([]);
          else if (copies >= 2) expect(survivorsOf(settlement)).toEqual([first.digest]);
          else expect(settlement.kind).toBe("wait");
        }
      }
    }
  });
});

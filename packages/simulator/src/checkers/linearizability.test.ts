import { expect, test } from "vitest";
import { seededRandom } from "../random.ts";
import { healthyHistory, invariantsOf, lastOf, tampered } from "./history.test-support.ts";
import { checkLinearizability, isLinearizable, type Step } from "./linearizability.ts";

let nextId = 0;
const step = ([invokedAt, completedAt]: readonly [number, number], saw: string | undefined, left?: string): Step => ({
  id: ++nextId,
  invokedAt,
  completedAt,
  saw,
  left,
});
const NEVER = Number.POSITIVE_INFINITY;

test("a healthy history passes; one in which a reply shows an older value does not (I6)", () => {
  expect(checkLinearizability(healthyHistory())).toEqual([]);
  const history = tampered((draft) => {
    const last = lastOf(draft, "deposit");
    const account = `account/${last.input.account}`;
    last.replyText = JSON.stringify({
      seen: { [account]: { balance: 0, stamp: `genesis-${last.input.account}` } },
    });
  });
  expect(invariantsOf(checkLinearizability(history))).toEqual(["I6"]);
});

test("a write and reads beside it may come in any order that fits", () => {
  const write = step([10, 20], "0", "w");
  expect(isLinearizable([write, step([5, 15], "0"), step([12, 30], "w")], "0")).toBe(true);
  expect(isLinearizable([write, step([12, 13], "w"), step([14, 30], "w")], "0")).toBe(true);
});

test("a stale read, a value from the future and a lost update are impossible", () => {
  const write = step([10, 20], "0", "w");
  expect(isLinearizable([write, step([21, 30], "0")], "0")).toBe("impossible");
  expect(isLinearizable([write, step([1, 9], "w")], "0")).toBe("impossible");
  expect(isLinearizable([write, step([10, 20], "0", "v")], "0")).toBe("impossible");
});

test("two reads that see a write come and go are impossible", () => {
  const write = step([10, 90], "0", "w");
  expect(isLinearizable([write, step([20, 30], "w"), step([40, 50], "0")], "0")).toBe("impossible");
  expect(isLinearizable([write, step([20, 30], "0"), step([40, 50], "w")], "0")).toBe(true);
});

test("an unanswered write may take effect late, once, or never", () => {
  const lost = step([10, NEVER], undefined, "x");
  expect(isLinearizable([lost, step([50, 60], "0")], "0")).toBe(true);
  expect(isLinearizable([lost, step([50, 60], "x")], "0")).toBe(true);
  expect(isLinearizable([lost, step([20, 30], "0"), step([50, 60], "x")], "0")).toBe(true);
  expect(isLinearizable([lost, step([20, 30], "x"), step([40, 50], "x", "y"), step([60, 70], "x")], "0")).toBe(
    "impossible",
  );
});

test("what any serial run with overlapping calls shows is linearizable; with one value swapped it is not", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const steps: Step[] = [];
    let state = "0";
    for (let moment = 0; moment < 60; moment++) {
      const left = random.chance(0.5) ? `w${moment}` : undefined;
      const span = [moment * 10 - random.between(0, 30), moment * 10 + random.between(0, 30)] as const;
      steps.push(step(span, state, left));
      state = left ?? state;
    }
    expect(isLinearizable(steps, "0")).toBe(true);
    const writes = steps.filter(({ left }) => left !== undefined);
    const [first, last] = [writes[0], writes.at(-1)];
    if (!first || !last) throw new Error("there are writes");
    const swapped = steps.map((each) => (each === last ? { ...each, saw: first.saw } : each));
    expect(isLinearizable(swapped, "0")).toBe("impossible");
  }
});

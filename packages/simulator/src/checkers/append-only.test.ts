import { expect, test } from "vitest";
import { checkAppendOnly } from "./append-only.ts";
import { healthyHistory, invariantsOf, tampered } from "./history.test-support.ts";

test("a healthy history passes, and its journals grew while it was watched", () => {
  const { snapshots } = healthyHistory();
  const [first] = snapshots;
  const last = snapshots.findLast(({ server }) => server === first?.server);
  expect(last?.texts.length).toBeGreaterThan(first?.texts.length ?? 0);
  expect(checkAppendOnly(healthyHistory())).toEqual([]);
});

test("a record that is another one later is found (I1)", () => {
  const history = tampered(({ snapshots }) => {
    const last = snapshots.at(-1);
    if (last) last.texts[3] = `${last.texts[3]} `;
  });
  expect(invariantsOf(checkAppendOnly(history))).toEqual(["I1"]);
});

test("a record that is gone later is found (I1), whether at the end or in the middle", () => {
  const atTheEnd = tampered(({ snapshots }) => {
    const last = snapshots.at(-1);
    const before = snapshots.findLast(({ server }, index) => server === last?.server && index < snapshots.length - 1);
    if (last && before) last.texts.length = before.texts.length - 1;
  });
  const inTheMiddle = tampered(({ snapshots }) => {
    snapshots.at(-1)?.texts.splice(5, 1);
  });
  expect(invariantsOf(checkAppendOnly(atTheEnd))).toEqual(["I1"]);
  expect(invariantsOf(checkAppendOnly(inTheMiddle))).toEqual(["I1"]);
});

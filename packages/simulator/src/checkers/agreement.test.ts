import { expect, test } from "vitest";
import { checkAgreement } from "./agreement.ts";
import { healthyHistory, invariantsOf, tampered } from "./history.test-support.ts";

test("masters that decided the same pass", () => {
  expect(healthyHistory().decisions.size).toBe(3);
  expect(checkAgreement(healthyHistory())).toEqual([]);
});

test("two masters that decided differently for a slot are found (I8)", () => {
  const history = tampered(({ decisions }) => {
    const slot = decisions
      .get("state-master-2/1")
      ?.find((each) => each.decisions.some(({ kind }) => kind === "verified"));
    slot?.decisions.pop();
  });
  expect(invariantsOf(checkAgreement(history))).toEqual(["I8"]);
});

test("a master that decides otherwise after a restart than before is found (I8)", () => {
  const history = tampered(({ decisions }) => {
    const before = structuredClone(decisions.get("state-master-1/1") ?? []);
    before.at(-1)?.decisions.pop();
    decisions.set("state-master-1/0", before);
  });
  expect(invariantsOf(checkAgreement(history))).toEqual(["I8"]);
});

test("a slot that is applied twice or out of order is found (I8)", () => {
  const history = tampered(({ decisions }) => {
    const stream = decisions.get("state-master-3/1") ?? [];
    const last = stream.at(-1);
    if (last) stream.push(last);
  });
  expect(invariantsOf(checkAgreement(history))).toEqual(["I8"]);
});

import { expect, test } from "vitest";
import {
  eachVerified,
  healthyHistory,
  invariantsOf,
  lastOf,
  otherDigest,
  recordsOf,
  tampered,
} from "./history.test-support.ts";
import { checkOneEffect } from "./one-effect.ts";

test("a healthy history passes", () => {
  expect(checkOneEffect(healthyHistory())).toEqual([]);
});

test("one request with two effects is found (I4), under whatever request ids", () => {
  const history = tampered((draft) => {
    const { requestId, input } = lastOf(draft, "deposit");
    // Any earlier version of the account now bears the same stamp.
    for (const changes of draft.stored.values()) {
      const before = changes
        .filter(({ record }) => record.ticket.body.requestId !== requestId)
        .flatMap(({ record }) => record.writes)
        .find(({ object }) => object === `account/${input.account}`);
      if (before) before.bytes = JSON.stringify({ balance: 0, stamp: input.stamp });
    }
  });
  expect(checkOneEffect(history).some(({ detail }) => detail.includes("2 effects of one request"))).toBe(true);
});

test("a rejected request that left a trace is found (I4)", () => {
  for (const status of [403, 422]) {
    const history = tampered((draft) => {
      lastOf(draft, "deposit").status = status;
    });
    expect(invariantsOf(checkOneEffect(history))).toEqual(["I4"]);
  }
});

test("an answered request without its effect is found (I4)", () => {
  const history = tampered((draft) => {
    for (const { record } of recordsOf(draft, lastOf(draft, "transfer").requestId)) record.writes.pop();
  });
  expect(invariantsOf(checkOneEffect(history))).toEqual(["I4"]);
});

test("two masters that verified two changes of one request are found (I4)", () => {
  const history = tampered((draft) => {
    const { requestId } = lastOf(draft, "deposit");
    let times = 0;
    eachVerified(draft, (decision) => {
      if (decision.change.requestId === requestId && times++ === 1) decision.change.digest = otherDigest("d");
    });
  });
  expect(invariantsOf(checkOneEffect(history))).toContain("I4");
});

import { expect, test } from "vitest";
import { healthyHistory, invariantsOf, lastOf, recordsOf, tampered } from "./history.test-support.ts";
import { checkReplay } from "./replay.ts";

test("a healthy history passes", () => {
  expect(checkReplay(healthyHistory())).toEqual([]);
});

test("a verified change with a wrong value is found (I2)", () => {
  const history = tampered((draft) => {
    for (const { record } of recordsOf(draft, lastOf(draft, "transfer").requestId)) {
      const [write] = record.writes;
      if (!write) throw new Error("a transfer writes");
      write.bytes = write.bytes.replace(/"balance":\d/, '"balance":7');
    }
  });
  expect(invariantsOf(checkReplay(history))).toEqual(["I2"]);
});

test("a verified change that leaves a write out, or whose reply is wrong, is found (I2)", () => {
  const omitted = tampered((draft) => {
    for (const { record } of recordsOf(draft, lastOf(draft, "transfer").requestId)) record.writes.pop();
  });
  expect(invariantsOf(checkReplay(omitted))).toContain("I2");
  const told = tampered((draft) => {
    for (const { record } of recordsOf(draft, lastOf(draft, "deposit").requestId))
      record.reply = record.reply.replace(/"balance":\d/, '"balance":7');
  });
  expect(invariantsOf(checkReplay(told))).toEqual(["I2"]);
});

import { expect, test } from "vitest";
import { verifiedChanges } from "../observation.ts";
import { checkBankSum } from "./bank-sum.ts";
import { healthyHistory, invariantsOf, lastOf, recordsOf, tampered } from "./history.test-support.ts";

test("a healthy history passes", () => {
  expect(checkBankSum(healthyHistory())).toEqual([]);
});

test("missing money is found", () => {
  const history = tampered((draft) => {
    for (const { record } of recordsOf(draft, lastOf(draft, "transfer").requestId)) record.writes.pop();
  });
  expect(invariantsOf(checkBankSum(history))).toEqual(["I5"]);
});

test("money out of nowhere is found", () => {
  const last = verifiedChanges(healthyHistory())
    .filter(({ record }) => (record?.writes.length ?? 0) > 0)
    .at(-1);
  const history = tampered((draft) => {
    for (const { record } of recordsOf(draft, last?.requestId)) {
      for (const write of record.writes.slice(0, 1)) {
        const account = JSON.parse(write.bytes) as { balance: number };
        write.bytes = JSON.stringify({ ...account, balance: account.balance + 1 });
      }
    }
  });
  expect(invariantsOf(checkBankSum(history))).toEqual(["I5"]);
});

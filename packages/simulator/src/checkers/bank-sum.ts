/** The money is all there: final balances on every correct replica = opening balances + verified deposits. */
import { ACCOUNTS, type Account, type BankInput, isDeposit, OPENING_BALANCE } from "../bank.ts";
import { type Checker, verifiedChanges } from "../observation.ts";

export const checkBankSum: Checker = (observation) => {
  const balances = new Map<string, number>();
  let expected = 0;
  for (const { record } of verifiedChanges(observation)) {
    if (!record) continue;
    for (const write of record.writes) balances.set(write.object, (JSON.parse(write.bytes) as Account).balance);
    if (isDeposit(record.ticket.body.operation)) expected += (JSON.parse(record.input) as BankInput).amount ?? 0;
  }
  expected += ACCOUNTS * OPENING_BALANCE;
  const sum = [...balances.values()].reduce((total, balance) => total + balance, 0);
  return sum === expected ? [] : [{ invariant: "I5", detail: `balances add up to ${sum}, ${expected} expected` }];
};

/**
 * I2 and I6 for what was verified: the decided changes, run again one after the other by an honest worker, give exactly
 * the replies and the values on the disks. A reply that was accepted, but is wrong, shows here whoever accepted it.
 */
import { ACCOUNTS, type Account, accountName, type BankInput, canonical, execute, genesisAccount } from "../bank.ts";
import { type Checker, type Violation, verifiedChanges } from "../observation.ts";

export const checkReplay: Checker = (observation) => {
  const violations: Violation[] = [];
  const accounts = new Map<string, Account>();
  for (let account = 0; account < ACCOUNTS; account++) accounts.set(accountName(account), genesisAccount(account));
  for (const { record } of verifiedChanges(observation)) {
    const operation = record?.ticket.body.operation;
    if (!record || operation === "genesis" || operation === undefined) continue;
    // By the version that admitted it, whichever served when it was executed, tested or settled (REQUIREMENTS R38).
    const { applicationVersion } = record.ticket.body;
    const { reply, writes } = execute(operation, JSON.parse(record.input) as BankInput, accounts, applicationVersion);
    const about = `${operation} ${record.ticket.body.requestId}`;
    if (canonical(JSON.parse(record.reply)) !== canonical(reply))
      violations.push({ invariant: "I2", detail: `${about} was accepted with a wrong reply` });
    const expected = new Map(writes.map(({ object, value }) => [object, canonical(value)]));
    const isRight = record.writes.every(({ object, bytes }) => expected.get(object) === canonical(JSON.parse(bytes)));
    if (!isRight || record.writes.length !== expected.size)
      violations.push({ invariant: "I2", detail: `${about} was accepted with wrong values` });
    for (const { object, bytes } of record.writes) accounts.set(object, JSON.parse(bytes) as Account);
  }
  return violations;
};

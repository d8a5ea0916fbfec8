/**
 * The untrusted part of SmallBank. `import-statement` holds a vulnerability on purpose (statement-import.ts), to show what
 * the acceptance tests are for; everything else is as a careful developer would write it.
 */
import type { ExecutionContext, Transaction, ValueOf } from "@redoubt/application";
import { defineExecution } from "@redoubt/application";
import type contract from "./contract.ts";
import { bookStatement } from "./statement-import.ts";

type Bank = typeof contract;
export type Account = ValueOf<Bank, "account">;
type Refusing<Name extends string> = Pick<ExecutionContext<Name>, "refuse">;

export default defineExecution<Bank>({
  async balance(transaction, { customer }, context) {
    const { checking, savings } = await accountOf(transaction, customer, context);
    return { customer, checking, savings };
  },

  async deposit(transaction, { customer, account: side, amount }, context) {
    const account = await accountOf(transaction, customer, context);
    account[side] = increased(account[side], amount, context);
    transaction.set(`account/${customer}`, account);
    return { customer, account: side, amount, balance: account[side] };
  },

  async transfer(transaction, { from, to, amount }, context) {
    if (from === to) context.refuse("same-account");
    const source = await accountOf(transaction, from, context);
    const target = await accountOf(transaction, to, context);
    if (source.checking < amount) context.refuse("insufficient-funds");
    source.checking -= amount;
    target.checking = increased(target.checking, amount, context);
    transaction.set(`account/${from}`, source);
    transaction.set(`account/${to}`, target);
    return { from, to, amount, checking: source.checking };
  },

  async "write-check"(transaction, { customer, amount }, context) {
    const account = await accountOf(transaction, customer, context);
    const fromChecking = Math.min(account.checking, amount);
    if (account.savings < amount - fromChecking) context.refuse("insufficient-funds");
    account.checking -= fromChecking;
    account.savings -= amount - fromChecking;
    transaction.set(`account/${customer}`, account);
    return { customer, amount, checking: account.checking, savings: account.savings };
  },

  async amalgamate(transaction, { from, to }, context) {
    if (from === to) context.refuse("same-account");
    const source = await accountOf(transaction, from, context);
    const target = await accountOf(transaction, to, context);
    const amount = increased(source.checking, source.savings, context);
    target.checking = increased(target.checking, amount, context);
    transaction.set(`account/${from}`, { ...source, checking: 0, savings: 0 });
    transaction.set(`account/${to}`, target);
    return { from, to, amount };
  },

  async statement(transaction, { customer }, context) {
    const { holder, checking, savings } = await accountOf(transaction, customer, context);
    const day = new Date(context.now).toISOString().slice(0, 10);
    const text = `Statement of ${day} for ${holder}, customer ${customer}. Checking: ${checking} cents. Savings: ${savings} cents.`;
    return { customer, text };
  },

  async "import-statement"(transaction, { customer, lines }, context) {
    const account = await accountOf(transaction, customer, context);
    const { checking, savings, booked } = bookStatement(account, lines);
    if (checking < 0 || savings < 0) context.refuse("insufficient-funds");
    if (checking > Number.MAX_SAFE_INTEGER || savings > Number.MAX_SAFE_INTEGER) context.refuse("balance-limit");
    transaction.set(`account/${customer}`, { holder: account.holder, checking, savings });
    return { customer, lines: lines.length, booked, checking, savings };
  },
});

async function accountOf(
  transaction: Transaction<Bank>,
  customer: number,
  context: Refusing<"unknown-customer">,
): Promise<Account> {
  return (await transaction.get(`account/${customer}`)) ?? context.refuse("unknown-customer");
}

function increased(balance: number, amount: number, context: Refusing<"balance-limit">): number {
  if (balance > Number.MAX_SAFE_INTEGER - amount) context.refuse("balance-limit");
  return balance + amount;
}

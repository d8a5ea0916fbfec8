/**
 * When a change to SmallBank is right. Whatever happens in execution.ts: money is neither made nor lost except by deposit
 * and check, only the named balances change, replies say what was done, and a refusal is true.
 */
import type { AcceptanceView, ValueOf } from "@redoubt/application";
import { all, conserves, defineAcceptance, must, onlyChanges, plainText, unchanged } from "@redoubt/application";
import type contract from "./contract.ts";

type Bank = typeof contract;
type Account = ValueOf<Bank, "account">;
type View<Input = unknown, Output = unknown> = AcceptanceView<Bank, Input, Output>;

const LIMIT = BigInt(Number.MAX_SAFE_INTEGER);
const money = (account: Account): readonly number[] => [account.checking, account.savings];

const before = (view: View, customer: number): Account | null => view.before.get(`account/${customer}`);
const after = (view: View, customer: number): Account | null => view.after.get(`account/${customer}`);
const isUnknown = (view: View, ...customers: number[]): boolean =>
  customers.some((customer) => view.reads.has(`account/${customer}`) && before(view, customer) === null);

/** What the lines say is to be moved from checking to savings. */
const bookedBy = (lines: readonly { amount: number; metadata?: Record<string, unknown> | undefined }[]): number =>
  lines
    .filter(({ metadata }) => !(metadata && Object.hasOwn(metadata, "duplicate") && metadata.duplicate === true))
    .reduce((total, { amount }) => total + amount, 0);

export default defineAcceptance<Bank>({
  balance: {
    accept: all(
      unchanged(),
      must("reply-shows-balances", ({ input, reply, before }) => {
        const account = before.get(`account/${input.customer}`);
        const { customer, checking, savings } = reply.body;
        return customer === input.customer && checking === account?.checking && savings === account.savings;
      }),
    ),
    refusals: { "unknown-customer": (view) => isUnknown(view, view.input.customer) },
  },

  deposit: {
    accept: all(
      conserves("account", money, ({ input }) => input.amount),
      must("deposit-to-named-account", (view) => {
        const other = view.input.account === "checking" ? "savings" : "checking";
        const { customer } = view.input;
        return after(view, customer)?.[other] === before(view, customer)?.[other];
      }),
      onlyChanges({ "account/{customer}": ["checking", "savings"] }),
      must("reply-matches", (view) => {
        const { customer, account, amount, balance } = view.reply.body;
        const { input } = view;
        const named = customer === input.customer && account === input.account && amount === input.amount;
        return named && balance === after(view, customer)?.[account];
      }),
    ),
    refusals: {
      "unknown-customer": (view) => isUnknown(view, view.input.customer),
      "balance-limit": (view) => {
        const account = before(view, view.input.customer);
        return account !== null && BigInt(account[view.input.account]) + BigInt(view.input.amount) > LIMIT;
      },
    },
  },

  transfer: {
    accept: all(
      conserves("account", money),
      onlyChanges({ "account/{from}": ["checking"], "account/{to}": ["checking"] }),
      must("amount-moved", (view) => {
        const { from, to, amount } = view.input;
        const taken = (before(view, from)?.checking ?? 0) - (after(view, from)?.checking ?? 0);
        return from !== to && taken === amount;
      }),
      must("reply-matches", (view) => {
        const { from, to, amount, checking } = view.reply.body;
        const { input } = view;
        const named = from === input.from && to === input.to && amount === input.amount;
        return named && checking === after(view, from)?.checking;
      }),
    ),
    refusals: {
      "same-account": ({ input }) => input.from === input.to,
      "unknown-customer": (view) => isUnknown(view, view.input.from, view.input.to),
      "insufficient-funds": (view) => {
        const account = before(view, view.input.from);
        return account !== null && account.checking < view.input.amount;
      },
      "balance-limit": (view) => {
        const account = before(view, view.input.to);
        return account !== null && BigInt(account.checking) + BigInt(view.input.amount) > LIMIT;
      },
    },
  },

  "write-check": {
    accept: all(
      conserves("account", money, ({ input }) => -input.amount),
      onlyChanges({ "account/{customer}": ["checking", "savings"] }),
      must("checking-first", (view) => {
        const account = after(view, view.input.customer);
        return account?.savings === before(view, view.input.customer)?.savings || account?.checking === 0;
      }),
      // Without this everything in checking could be moved to savings on the occasion: no sum changes, and checking is 0.
      must("savings-only-taken", (view) => {
        const { customer } = view.input;
        return (after(view, customer)?.savings ?? 0) <= (before(view, customer)?.savings ?? 0);
      }),
      must("reply-matches", (view) => {
        const { customer, amount, checking, savings } = view.reply.body;
        const account = after(view, view.input.customer);
        const named = customer === view.input.customer && amount === view.input.amount;
        return named && checking === account?.checking && savings === account.savings;
      }),
    ),
    refusals: {
      "unknown-customer": (view) => isUnknown(view, view.input.customer),
      "insufficient-funds": (view) => {
        const account = before(view, view.input.customer);
        return account !== null && BigInt(account.checking) + BigInt(account.savings) < BigInt(view.input.amount);
      },
    },
  },

  amalgamate: {
    accept: all(
      conserves("account", money),
      onlyChanges({ "account/{from}": ["checking", "savings"], "account/{to}": ["checking"] }),
      must("everything-moved", (view) => {
        const account = after(view, view.input.from);
        return view.input.from !== view.input.to && account?.checking === 0 && account.savings === 0;
      }),
      must("reply-matches", (view) => {
        const { from, to, amount } = view.reply.body;
        const account = before(view, view.input.from);
        const named = from === view.input.from && to === view.input.to;
        return named && account !== null && amount === account.checking + account.savings;
      }),
    ),
    refusals: {
      "same-account": ({ input }) => input.from === input.to,
      "unknown-customer": (view) => isUnknown(view, view.input.from, view.input.to),
      "balance-limit": (view) => {
        const source = before(view, view.input.from);
        const target = before(view, view.input.to);
        if (source === null || target === null) return false;
        return BigInt(source.checking) + BigInt(source.savings) + BigInt(target.checking) > LIMIT;
      },
    },
  },

  statement: {
    accept: all(
      unchanged(),
      must("statement-shows-account", (view) => {
        const account = before(view, view.input.customer);
        const { customer, text } = view.reply.body;
        if (customer !== view.input.customer || account === null) return false;
        return [account.holder, `${account.checking} cents`, `${account.savings} cents`].every((part) =>
          text.includes(part),
        );
      }),
      plainText(),
    ),
    refusals: { "unknown-customer": (view) => isUnknown(view, view.input.customer) },
  },

  "import-statement": {
    accept: all(
      conserves("account", money),
      onlyChanges({ "account/{customer}": ["checking", "savings"] }),
      must("lines-booked", (view) => {
        const { customer, lines } = view.input;
        const moved = (after(view, customer)?.savings ?? 0) - (before(view, customer)?.savings ?? 0);
        return moved === bookedBy(lines);
      }),
      must("reply-matches", (view) => {
        const { customer, lines, booked, checking, savings } = view.reply.body;
        const account = after(view, view.input.customer);
        const named = customer === view.input.customer && lines === view.input.lines.length;
        return (
          named &&
          booked === bookedBy(view.input.lines) &&
          checking === account?.checking &&
          savings === account.savings
        );
      }),
    ),
    refusals: {
      "unknown-customer": (view) => isUnknown(view, view.input.customer),
      "insufficient-funds": (view) => {
        const account = before(view, view.input.customer);
        const booked = bookedBy(view.input.lines);
        return account !== null && (account.checking < booked || account.savings < -booked);
      },
      "balance-limit": (view) => {
        const account = before(view, view.input.customer);
        const booked = BigInt(bookedBy(view.input.lines));
        return (
          account !== null && (BigInt(account.savings) + booked > LIMIT || BigInt(account.checking) - booked > LIMIT)
        );
      },
    },
  },
});

/**
 * SmallBank: accounts with a checking and a savings balance in whole cents. Data only: schemas, what each operation may
 * touch, how it may refuse, and the first thousand customers.
 */
import { defineContract } from "@redoubt/application";
import { z } from "zod";
import { holderOf } from "./holders.ts";

const customer = z.int().min(1);
/** Cents: as much as a double holds exactly. */
const amount = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
const balance = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const unknownCustomer = {
  status: 404,
  title: "Unknown customer",
  detail: "No account exists for a customer named in the request.",
} as const;
const insufficientFunds = {
  status: 422,
  title: "Insufficient funds",
  detail: "The balance is smaller than the amount to be taken from it.",
} as const;
const balanceLimit = {
  status: 422,
  title: "Balance limit reached",
  detail: "The balance would become larger than an account can hold.",
} as const;
const sameAccount = {
  status: 422,
  title: "Same account",
  detail: "The request names the same customer twice.",
} as const;

const GENESIS_CUSTOMERS = 1000;
const GENESIS_BALANCE = 100_000;

export default defineContract({
  name: "bank",
  title: "SmallBank",
  version: 1,
  objects: {
    account: {
      title: "Account",
      key: "{customer}",
      correlation: "customer",
      schema: z.strictObject({ holder: z.string().min(1).max(100), checking: balance, savings: balance }),
      confidential: [{ field: "holder", visibleTo: "naming-operations" }],
    },
  },
  operations: {
    balance: {
      title: "Balance of customer {customer}",
      input: z.strictObject({ customer }),
      output: z.strictObject({ customer, checking: balance, savings: balance }),
      access: [{ object: "account/{customer}", mode: "read", complete: true }],
      readOnly: true,
      refusals: { "unknown-customer": unknownCustomer },
    },
    deposit: {
      title: "Deposit {amount} cents to the {account} account of customer {customer}",
      input: z.strictObject({ customer, account: z.enum(["checking", "savings"]), amount }),
      output: z.strictObject({ customer, account: z.enum(["checking", "savings"]), amount, balance }),
      access: [{ object: "account/{customer}", mode: "write", complete: true }],
      refusals: { "unknown-customer": unknownCustomer, "balance-limit": balanceLimit },
    },
    transfer: {
      title: "Transfer {amount} cents from customer {from} to customer {to}",
      input: z.strictObject({ from: customer, to: customer, amount }),
      output: z.strictObject({ from: customer, to: customer, amount, checking: balance }),
      access: [
        { object: "account/{from}", mode: "write", complete: true },
        { object: "account/{to}", mode: "write", complete: true },
      ],
      home: "account/{from}",
      refusals: {
        "same-account": sameAccount,
        "unknown-customer": unknownCustomer,
        "insufficient-funds": insufficientFunds,
        "balance-limit": balanceLimit,
      },
    },
    "write-check": {
      title: "Cash a check of {amount} cents of customer {customer}",
      description:
        "Takes the amount from checking, and what checking lacks from savings. Refused when both together lack it.",
      input: z.strictObject({ customer, amount }),
      output: z.strictObject({ customer, amount, checking: balance, savings: balance }),
      access: [{ object: "account/{customer}", mode: "write", complete: true }],
      refusals: { "unknown-customer": unknownCustomer, "insufficient-funds": insufficientFunds },
    },
    amalgamate: {
      title: "Move everything of customer {from} to customer {to}",
      description: "Moves checking and savings of one customer to the checking balance of another.",
      input: z.strictObject({ from: customer, to: customer }),
      output: z.strictObject({ from: customer, to: customer, amount: balance }),
      access: [
        { object: "account/{from}", mode: "write", complete: true },
        { object: "account/{to}", mode: "write", complete: true },
      ],
      home: "account/{from}",
      refusals: {
        "same-account": sameAccount,
        "unknown-customer": unknownCustomer,
        "balance-limit": balanceLimit,
      },
    },
    statement: {
      title: "Statement of customer {customer}",
      input: z.strictObject({ customer }),
      output: z.strictObject({ customer, text: z.string().max(2000) }),
      access: [{ object: "account/{customer}", mode: "read", complete: true }],
      readOnly: true,
      refusals: { "unknown-customer": unknownCustomer },
    },
    "import-statement": {
      title: "Import a statement of customer {customer}",
      description:
        "Books the lines of a savings statement: a positive amount moves cents from checking to savings, a negative one back. A line whose metadata says duplicate is not booked.",
      input: z.strictObject({
        customer,
        lines: z
          .array(
            z.strictObject({
              date: z.iso.date(),
              text: z.string().max(140),
              amount: z.int().min(-1_000_000_000).max(1_000_000_000),
              metadata: z.record(z.string(), z.unknown()).optional(),
            }),
          )
          .max(200),
      }),
      output: z.strictObject({ customer, lines: z.int().min(0), booked: z.int(), checking: balance, savings: balance }),
      access: [{ object: "account/{customer}", mode: "write", complete: true }],
      refusals: {
        "unknown-customer": unknownCustomer,
        "insufficient-funds": insufficientFunds,
        "balance-limit": balanceLimit,
      },
    },
  },
  genesis: () =>
    Array.from({ length: GENESIS_CUSTOMERS }, (_, index) => ({
      object: `account/${index + 1}`,
      value: { holder: holderOf(index + 1), checking: GENESIS_BALANCE, savings: GENESIS_BALANCE },
    })),
});

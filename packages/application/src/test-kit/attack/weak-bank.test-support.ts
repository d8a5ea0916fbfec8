/** The bank's acceptance tests with what a developer in a hurry leaves out, one thing for each operation. */
import type { AcceptanceView } from "../../acceptance/acceptance-view.ts";
import { all, conserves, must, onlyChanges } from "../../acceptance/combinators.ts";

interface Account {
  readonly checking: number;
  readonly savings: number;
}

const money = ({ checking, savings }: Account): readonly number[] => [checking, savings];
const field = (value: unknown, name: string): unknown => (value as Readonly<Record<string, unknown>> | null)?.[name];

type Routines = Readonly<Record<string, { readonly accept?: unknown; readonly refusals?: unknown }>>;

/** From the bank's own. */
export const weakened = (acceptance: Routines): Routines => ({
  ...acceptance,
  /** Looks at the reply only. */
  deposit: {
    ...acceptance.deposit,
    accept: must(
      "reply-matches",
      ({ input, reply }: AcceptanceView) => field(reply.body, "amount") === field(input, "amount"),
    ),
  },
  /** No sum: money may come from nowhere. */
  transfer: {
    ...acceptance.transfer,
    accept: onlyChanges({ "account/{from}": ["checking"], "account/{to}": ["checking"] }),
  },
  /** As the bank's was until it was attacked: everything in checking may be moved to savings. */
  "write-check": {
    ...acceptance["write-check"],
    accept: all(
      conserves<Account, AcceptanceView>("account", money, ({ input }) => -Number(field(input, "amount"))),
      onlyChanges({ "account/{customer}": ["checking", "savings"] }),
      must("checking-first", ({ input, before, after }: AcceptanceView) => {
        const object = `account/${String(field(input, "customer"))}` as const;
        const [earlier, later] = [before.get(object), after.get(object)];
        return field(later, "savings") === field(earlier, "savings") || field(later, "checking") === 0;
      }),
    ),
  },
  /** Believes every refusal. */
  amalgamate: {
    ...acceptance.amalgamate,
    refusals: {
      ...(acceptance.amalgamate?.refusals as object),
      "same-account": () => true,
      "balance-limit": () => true,
    },
  },
});

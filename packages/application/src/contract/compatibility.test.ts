import { expect, test } from "vitest";
import { z } from "zod";
import { compareContracts } from "./compatibility.ts";
import { compileContract } from "./compile-contract.ts";
import type { ContractJson } from "./contract-json.ts";
import type { ContractDefinition } from "./define-contract.ts";

const account = z.strictObject({ holder: z.string(), balance: z.int().min(0) });

const first: ContractDefinition = {
  name: "bank",
  title: "Bank",
  version: 1,
  objects: { account: { key: "{customer}", schema: account } },
  operations: {
    deposit: {
      title: "Deposit {amount} for {customer}",
      input: z.strictObject({
        customer: z.int().min(1),
        amount: z.int().min(1).max(1_000),
        note: z.string().optional(),
      }),
      output: z.strictObject({ balance: z.int() }),
      access: [{ object: "account/{customer}", mode: "write", complete: true }],
      route: { method: "POST", path: "/deposits" },
    },
  },
};

function compiled(changes: (contract: ContractDefinition) => Partial<ContractDefinition> = () => ({})): ContractJson {
  const contract = compileContract({ ...first, version: 2, ...changes(first) });
  if (!contract.ok) throw new Error(JSON.stringify(contract.error));
  return contract.value;
}

const deposit = first.operations.deposit as NonNullable<ContractDefinition["operations"]["deposit"]>;
const withDeposit = (changes: Partial<typeof deposit>) =>
  compiled(() => ({ operations: { deposit: { ...deposit, ...changes } } }));
const withAccount = (changes: Partial<ContractDefinition["objects"]["account"]>) =>
  compiled(() => ({ objects: { account: { key: "{customer}", schema: account, ...changes } } }));

const before = (() => {
  const contract = compileContract(first);
  if (!contract.ok) throw new Error("the first contract is right");
  return contract.value;
})();

const amount = (schema: z.ZodType) =>
  z.strictObject({ customer: z.int().min(1), amount: schema, note: z.string().optional() });

test.each<[string, ContractJson, string, string]>([
  ["another application", compiled(() => ({ name: "shop" })), "contract", "name"],
  ["no larger version", compiled(() => ({ version: 1 })), "contract", "version"],
  [
    "a removed operation",
    compiled(() => ({ operations: { other: { ...deposit, route: { method: "POST", path: "/other" } } } })),
    "operation deposit",
    "",
  ],
  ["a larger minimum", withDeposit({ input: amount(z.int().min(10).max(1_000)) }), "operation deposit", "input"],
  ["a smaller maximum", withDeposit({ input: amount(z.int().min(1).max(10)) }), "operation deposit", "input"],
  ["another type of a field", withDeposit({ input: amount(z.string()) }), "operation deposit", "input"],
  [
    "a field that is required now",
    withDeposit({
      input: z.strictObject({ customer: z.int().min(1), amount: z.int().min(1).max(1_000), note: z.string() }),
    }),
    "operation deposit",
    "input",
  ],
  [
    "a field that is not allowed any more",
    withDeposit({ input: z.strictObject({ customer: z.int().min(1), amount: z.int().min(1).max(1_000) }) }),
    "operation deposit",
    "input",
  ],
  ["a reply without a field", withDeposit({ output: z.strictObject({}) }), "operation deposit", "output"],
  ["fewer roles", withDeposit({ allow: ["teller"] }), "operation deposit", "allow"],
  ["another route", withDeposit({ route: { method: "POST", path: "/paid" } }), "operation deposit", "route"],
  ["another home", withDeposit({ home: "account/{customer}" }), "operation deposit", "home"],
  [
    "a removed object type",
    compiled(() => ({
      objects: { other: { key: "{customer}", schema: account } },
      operations: { deposit: { ...deposit, access: [{ object: "other/{customer}", mode: "write" }] } },
    })),
    "object account",
    "",
  ],
  [
    "a schema changed without a version",
    withAccount({ schema: z.strictObject({ holder: z.string(), balance: z.int(), limit: z.int() }) }),
    "object account",
    "schema",
  ],
])("%s is refused, naming operation or object and field", (_name, after, where, field) => {
  const { problems } = compareContracts(before, after);
  expect(problems.map((problem) => `${problem.where} ${problem.field}`)).toContain(`${where} ${field}`);
});

test("another key or correlation is refused: objects keep their names and their clusters", () => {
  const branches = { key: "{branch}/{customer}", correlation: "branch", schema: account };
  const access = [{ object: "account/{customer}/{customer}", mode: "write" as const }];
  const operations = { deposit: { ...deposit, access } };
  const objects = (changes: object) =>
    compiled(() => ({ objects: { account: { ...branches, ...changes } }, operations }));
  const { problems } = compareContracts(objects({}), { ...objects({ correlation: "customer" }), version: 3 });
  expect(problems.map(({ field }) => field)).toEqual(["correlation"]);
  expect(compareContracts(before, objects({})).problems.map(({ field }) => field)).toContain("key");
});

test("a wider input, a reply that says more and a new operation are no problem", () => {
  const after = compiled(() => ({
    operations: {
      deposit: {
        ...deposit,
        input: z.strictObject({
          customer: z.int(),
          amount: z.number().min(0),
          note: z.string().optional(),
          currency: z.string().optional(),
        }),
        output: z.strictObject({ balance: z.int(), at: z.int() }),
      },
      close: { ...deposit, route: { method: "POST", path: "/close" } },
    },
  }));
  expect(compareContracts(before, after).problems).toEqual([]);
});

test("a removed operation that nobody called lately is only noted", () => {
  const after = compiled(() => ({ operations: { close: { ...deposit, route: { method: "POST", path: "/close" } } } }));
  const { problems, notes } = compareContracts(before, after, { isInUse: () => false });
  expect(problems).toEqual([]);
  expect(notes).toMatchObject([{ where: "operation deposit" }]);
});

test("an added field can be rolled back, and what is lost is said; a changed field cannot", () => {
  const added = withAccount({ version: 2, schema: account.extend({ limit: z.int() }) });
  expect(compareContracts(before, added)).toMatchObject({
    problems: [],
    rollback: { isPossible: true, sentence: expect.stringContaining("account/limit") },
  });
  const changed = withAccount({ version: 2, schema: z.strictObject({ holder: z.string(), balance: z.string() }) });
  expect(compareContracts(before, changed)).toMatchObject({ problems: [], rollback: { isPossible: false } });
});

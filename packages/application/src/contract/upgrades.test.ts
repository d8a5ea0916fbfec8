import { expect, test } from "vitest";
import { z } from "zod";
import { compileContract } from "./compile-contract.ts";
import { defineUpgrades, upgradeProblems, valueNow } from "./upgrades.ts";

const schema = z.strictObject({ name: z.string(), limit: z.int(), currency: z.string() });

function contract(version: number, shape: z.ZodType = schema) {
  const compiled = compileContract({
    name: "bank",
    title: "Bank",
    version,
    objects: { account: { key: "{customer}", version, schema: shape } },
    operations: {
      read: {
        title: "Read",
        input: z.strictObject({ customer: z.int() }),
        output: z.strictObject({}),
        readOnly: true,
        access: [{ object: "account/{customer}", mode: "read" }],
      },
    },
  });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
}

const upgrades = defineUpgrades({
  account: {
    2: (account: object) => ({ ...account, limit: 0 }),
    3: (account: object) => ({ ...account, currency: "EUR" }),
  },
});

test("an old object is brought through every version in between, and its stored value stays as it is", () => {
  const stored = { schemaVersion: 1, value: { name: "a" } };
  expect(valueNow(contract(3), upgrades, "account/1", stored)).toEqual({ name: "a", limit: 0, currency: "EUR" });
  expect(stored.value).toEqual({ name: "a" });
});

test("an object of the same version, an absent one and one of no known type are taken as they are", () => {
  const value = { name: "a", limit: 1, currency: "EUR" };
  expect(valueNow(contract(3), undefined, "account/1", { schemaVersion: 3, value })).toBe(value);
  expect(valueNow(contract(3), undefined, "account/1", { schemaVersion: 1, value: null })).toBeNull();
  expect(valueNow(contract(3), undefined, "other/1", { schemaVersion: 1, value })).toBe(value);
});

test("an older version reads a newer object without the fields that it does not know", () => {
  const older = contract(1, z.strictObject({ name: z.string() }));
  const stored = { schemaVersion: 3, value: { name: "a", limit: 1, currency: "EUR" } };
  expect(valueNow(older, undefined, "account/1", stored)).toEqual({ name: "a" });
});

test("a missing step is told when the application is bundled, by object and version, and never passed over", () => {
  const incomplete = { account: { 3: (account: object) => account } };
  expect(upgradeProblems(contract(3), incomplete, "acceptance.ts")).toEqual([
    { where: "object account", field: "upgrades", message: "acceptance.ts has no upgrade to version 2" },
  ]);
  expect(upgradeProblems(contract(3), upgrades, "acceptance.ts")).toEqual([]);
  expect(() => valueNow(contract(3), incomplete, "account/1", { schemaVersion: 1, value: {} })).toThrow("version 2");
  expect(() =>
    valueNow(contract(3), { account: { 2: () => undefined } }, "account/1", { schemaVersion: 1, value: {} }),
  ).toThrow("no JSON");
});

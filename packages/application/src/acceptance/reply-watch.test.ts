import { describe, expect, test } from "vitest";
import { z } from "zod";
import { compileContract } from "../contract/compile-contract.ts";
import { defineContract } from "../contract/define-contract.ts";
import { ConfidentialIndex } from "./confidential-index.ts";
import { ReplyWatch } from "./reply-watch.ts";

const SECRET = "Wilhelmina Thornbury";
const compiled = compileContract(
  defineContract({
    name: "bank",
    title: "Bank",
    version: 1,
    objects: {
      account: {
        key: "{id}",
        schema: z.strictObject({ holder: z.string() }),
        confidential: [{ field: "holder", visibleTo: "naming-operations" }],
      },
    },
    operations: {
      statement: {
        title: "Statement",
        input: z.strictObject({ id: z.int() }),
        output: z.unknown(),
        access: [{ object: "account/{id}", mode: "read" }],
      },
    },
  }),
);
if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
const { value: contract } = compiled;

const HOLDERS = ["Amara Okafor", "Benedikt Lindqvist", "Carolina Moretti", "Dimitri Haverkamp", "Eleonora Petrenko"];

function watch(): { said: (server: string, id: number, extra?: string) => unknown } {
  const index = new ConfidentialIndex(contract);
  for (const [at, holder] of [...HOLDERS, SECRET].entries()) index.update(`account/${at + 1}`, { holder });
  const replies = new ReplyWatch(index.find);
  const said = (server: string, id: number, extra = "") =>
    replies.seen({
      server,
      operation: "statement",
      body: { text: `Statement for ${HOLDERS[id - 1]}. Checking: ${id * 1000} cents. ${extra}`.trim() },
      named: () => [`account/${id}`],
      known: [{ id }, { holder: HOLDERS[id - 1] }],
    });
  for (const id of [1, 2, 3]) said("honest", id);
  return { said };
}

const parts = (text: string, count: number): string[] => {
  const length = Math.ceil(text.length / count);
  return Array.from({ length: count }, (_, index) => text.slice(index * length, (index + 1) * length));
};
const leak = { object: "account/6", field: "holder" };

describe("a secret told in parts by one server", () => {
  test.each([2, 3, 5])("over %i replies is found with the last part", (count) => {
    const { said } = watch();
    const told = parts(SECRET.replace(" ", ""), count).map((part, index) => said("captured", (index % 5) + 1, part));
    expect(told.slice(0, -1).every((each) => each === undefined)).toBe(true);
    expect(told.at(-1)).toMatchObject(leak);
  });

  test("in base64 or hexadecimal as well", () => {
    for (const encoding of ["base64", "hex"] as const) {
      const { said } = watch();
      const told = parts(Buffer.from(SECRET).toString(encoding), 3).map((part, index) =>
        said("captured", index + 1, part),
      );
      expect(told.at(-1)).toMatchObject(leak);
    }
  });

  test("is told once", () => {
    const { said } = watch();
    for (const [index, part] of parts(SECRET, 2).entries()) said("captured", index + 1, part);
    expect(said("captured", 3, "nothing")).toBeUndefined();
  });

  test("with honest replies of other servers between them, but not with too many of its own", () => {
    const { said } = watch();
    const [first = "", second = ""] = parts(SECRET, 2);
    said("captured", 1, first);
    for (let index = 0; index < 50; index++) said("honest", (index % 5) + 1);
    expect(said("captured", 2, second)).toMatchObject(leak);
    said("captured", 1, first);
    for (let index = 0; index < 20; index++) said("captured", 1, `unusual${String.fromCharCode(97 + index)}`);
    expect(said("captured", 2, second)).toBeUndefined();
  });
});

test("honest replies about many customers, and one whose words fit another's name by halves, are no leak", () => {
  const { said } = watch();
  for (let index = 0; index < 200; index++)
    expect(said("honest", (index % 5) + 1, index % 7 === 0 ? "Thank you" : "")).toBeUndefined();
  expect(said("honest", 1, "Wilhelmina")).toBeUndefined();
  for (let index = 0; index < 20; index++) said("honest", 2, `dear${String.fromCharCode(97 + index)}`);
  expect(said("honest", 3, "Thornbury")).toBeUndefined();
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import bank from "../../../../examples/bank/contract.ts";
import { compileContract } from "../contract/compile-contract.ts";
import { arbitraryOf } from "./arbitraries.ts";
import { inputsOf, requestsOf } from "./requests.ts";

const schemas = {
  "whole numbers with limits": z.int().min(3).max(7),
  "numbers beyond limits that do not count": z.number().gt(0).lt(1),
  multiples: z.int().multipleOf(5).min(-20).max(20),
  texts: z.string().min(2).max(5),
  patterns: z.string().regex(/^[A-Z]{2}[0-9]{1,3}$/),
  formats: z.strictObject({ day: z.iso.date(), id: z.uuid(), mail: z.email(), at: z.iso.datetime() }),
  choices: z.union([z.literal("a"), z.enum(["b", "c"]), z.null(), z.boolean()]),
  lists: z.array(z.int()).min(1).max(3),
  pairs: z.tuple([z.int(), z.string()]),
  "fields that may lack": z.strictObject({ a: z.int(), b: z.string().optional() }),
  "any keys": z.record(z.string(), z.int()),
  "one of several shapes": z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("x"), x: z.int() }),
    z.strictObject({ kind: z.literal("y"), y: z.string() }),
  ]),
};

describe("values from a JSON Schema fit it", () => {
  it.each(Object.entries(schemas))("%s", (_, schema) => {
    const json = JSON.parse(JSON.stringify(z.toJSONSchema(schema, { io: "input" }))) as Record<string, unknown>;
    const fits = z.fromJSONSchema(json);
    fc.assert(fc.property(arbitraryOf(json), (value) => fits.safeParse(value).success));
  });

  it("that refers to itself end, and what is not understood is named", () => {
    const list = {
      $ref: "#/$defs/node",
      $defs: {
        node: { type: "object", properties: { next: { anyOf: [{ type: "null" }, { $ref: "#/$defs/node" }] } } },
      },
    };
    expect(fc.sample(arbitraryOf(list), 20)).toHaveLength(20);
    expect(() => arbitraryOf({ type: "date" })).toThrow('type "date"');
  });
});

describe("requests from a contract", () => {
  const compiled = compileContract(bank);
  if (!compiled.ok) throw new Error("the bank's contract does not compile");
  const contract = compiled.value;

  it("have inputs that the contract allows", () => {
    fc.assert(
      fc.property(
        requestsOf(contract),
        ({ operation, input }) =>
          z.fromJSONSchema(contract.operations[operation]?.input ?? {}).safeParse(input).success,
      ),
    );
  });

  it("are mostly about objects that exist, sometimes about the same one twice, sometimes about none", () => {
    const transfers = fc.sample(inputsOf(contract, "transfer", { objects: ["account/1", "account/2"] }), {
      seed: 5,
      numRuns: 300,
    }) as {
      from: number;
      to: number;
    }[];
    const known = transfers.filter(({ from, to }) => from <= 2 && to <= 2);
    expect(known.length).toBeGreaterThan(200);
    expect(known.filter(({ from, to }) => from === to).length).toBeGreaterThan(50);
    expect(transfers.length - known.length).toBeGreaterThan(10);
  });
});

import { expect, test } from "vitest";
import { z } from "zod";
import { compileContract } from "./compile-contract.ts";
import { defineContract } from "./define-contract.ts";

const compiled = (cpuMs: number | undefined) =>
  compileContract(
    defineContract({
      name: "shop",
      title: "Shop",
      version: 1,
      objects: { account: { key: "{customer}", schema: z.int() } },
      operations: {
        move: {
          title: "Move {amount}",
          input: z.strictObject({ customer: z.string(), amount: z.int() }),
          output: z.null(),
          access: [{ object: "account/{customer}", mode: "write" }],
          ...(cpuMs === undefined ? {} : { cpuMs }),
        },
      },
    }),
  );

test("a budget of CPU time is kept in the contract, and one that is not given leaves no trace in it", () => {
  const given = compiled(1_500);
  expect(given.ok && given.value.operations.move).toMatchObject({ cpuMs: 1_500 });
  const absent = compiled(undefined);
  expect(absent.ok && absent.value.operations.move).toBeDefined();
  expect(absent.ok && absent.value.operations.move).not.toHaveProperty("cpuMs");
});

test.each([0, 99, 150.5, 960_001, Number.NaN])("a budget of %d milliseconds of CPU time is refused", (cpuMs) => {
  expect(compiled(cpuMs)).toMatchObject({ ok: false });
});

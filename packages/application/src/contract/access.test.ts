import { LIMITS } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { correlationOf, evaluateAccess, evaluateHome } from "./access.ts";
import { compileContract } from "./compile-contract.ts";
import { defineContract } from "./define-contract.ts";
import { requestTitle } from "./title.ts";

const id = z.int().min(0);
const compiled = compileContract(
  defineContract({
    name: "shop",
    title: "Shop",
    version: 1,
    objects: {
      account: { key: "{customer}", schema: z.int() },
      teller: { key: "{branch}/{number}", correlation: "number", schema: z.int() },
    },
    operations: {
      move: {
        title: "Move {amount} from {from} to {to}",
        input: z.strictObject({ from: id, to: id, amount: id }),
        output: z.null(),
        access: [
          { object: "account/{from}", mode: "read", complete: true },
          { object: "account/{to}", mode: "write" },
        ],
        home: "account/{to}",
      },
      open: {
        title: "Open",
        input: z.strictObject({ ids: z.array(id), like: id }),
        output: z.null(),
        access: [
          { object: "account/{ids[]}", mode: "create" },
          { object: "account/{like}", mode: "write" },
        ],
      },
    },
  }),
);
if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
const contract = compiled.value;

describe("access", () => {
  test("names each object once, with the strongest mode", () => {
    expect(evaluateAccess(contract, "move", { from: 1, to: 2, amount: 3 })).toEqual({
      ok: true,
      value: [
        { object: "account/1", mode: "read", complete: true },
        { object: "account/2", mode: "write", complete: false },
      ],
    });
    expect(evaluateAccess(contract, "move", { from: 1, to: 1, amount: 3 })).toEqual({
      ok: true,
      value: [{ object: "account/1", mode: "write", complete: true }],
    });
  });

  test("an object cannot be both written and created", () => {
    expect(evaluateAccess(contract, "open", { ids: [1, 2], like: 2 })).toMatchObject({ ok: false });
  });

  test("errors name operation and field", () => {
    expect(evaluateAccess(contract, "move", { from: 1 })).toEqual({
      ok: false,
      error: { operation: "move", field: "/to", expected: "present", got: "absent" },
    });
  });

  test.each(["no-such", "constructor", "__proto__", "toString"])("%s is no operation", (operation) => {
    expect(evaluateAccess(contract, operation, {})).toMatchObject({ ok: false, error: { got: "unknown operation" } });
  });

  test("a request cannot name more objects than the limit", () => {
    const ids = Array.from({ length: LIMITS.objectsPerRequestMax + 1 }, (_, index) => index);
    expect(evaluateAccess(contract, "open", { ids, like: 9999 })).toMatchObject({
      ok: false,
      error: { field: "/ids" },
    });
  });

  test("the home is the template's object, or left to the lowest cluster", () => {
    expect(evaluateHome(contract, "move", { from: 1, to: 2 })).toEqual({ ok: true, value: "account/2" });
    expect(evaluateHome(contract, "open", { ids: [1], like: 2 })).toEqual({ ok: true, value: undefined });
  });
});

describe("correlation", () => {
  test("is the named part of the key, equal over types", () => {
    expect(correlationOf(contract, "account/7")).toBe("7");
    expect(correlationOf(contract, "teller/oslo/7")).toBe("7");
  });

  test.each(["account", "account/", "account/1/2", "teller/1", "evil/1", "/1", "__proto__/1", "constructor/1"])(
    "%s has none",
    (object) => {
      expect(correlationOf(contract, object)).toBeUndefined();
    },
  );
});

test("a request's title shows its fields to people, shortened", () => {
  expect(requestTitle(contract, "move", { from: 1, to: 2, amount: 300 })).toBe("Move 300 from 1 to 2");
  expect(requestTitle(contract, "move", { from: "x".repeat(1000), to: {} })).toBe(
    `Move ? from ${"x".repeat(64)}… to {}`,
  );
  expect(requestTitle(contract, "no-such", {})).toBe("no-such");
});

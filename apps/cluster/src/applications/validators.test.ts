import { readFileSync } from "node:fs";
import { compileContract, defineContract } from "@redoubt/application";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Bundles } from "../workers/testing.ts";
import { openApiOf } from "./openapi.ts";
import type { InputProblem } from "./validators.ts";
import { createValidators } from "./validators.ts";

function contractOf(definition: Parameters<typeof compileContract>[0]) {
  const contract = compileContract(definition);
  if (!contract.ok) throw new Error(JSON.stringify(contract.error));
  return contract.value;
}

const bundles = new Bundles();
afterAll(() => bundles.remove());
const { contract } = await bundles.bank();
const validators = createValidators(contract);

function problemsOf(operation: string, input: unknown): readonly InputProblem[] {
  const outcome = validators.validateInput(operation, input);
  return outcome.ok ? [] : outcome.problems;
}

describe("input", () => {
  test("that fits is accepted, the crafted statement import included", () => {
    const attack = readFileSync(
      new URL("../../../../examples/bank/attacks/import-statement.json", import.meta.url),
      "utf8",
    );
    expect(validators.validateInput("transfer", { from: 1, to: 2, amount: 5 })).toEqual({ ok: true });
    expect(validators.validateInput("import-statement", JSON.parse(attack))).toEqual({ ok: true });
    expect(validators.validateInput("write-check", { customer: 1, amount: Number.MAX_SAFE_INTEGER })).toEqual({
      ok: true,
    });
  });

  test.each([
    [
      { to: 2, amount: 5 },
      { field: "/from", expected: "present", got: "absent" },
    ],
    [
      { from: 1, to: 2, amount: "5" },
      { field: "/amount", expected: "integer", got: "text of 1 characters" },
    ],
    [
      { from: 1, to: 2, amount: 0 },
      { field: "/amount", expected: "at least 1", got: "integer 0" },
    ],
    [
      { from: 1, to: 2, amount: 1.5 },
      { field: "/amount", expected: "integer", got: "number 1.5" },
    ],
    [
      { from: 1, to: 2, amount: 5, extra: 1 },
      { field: "/extra", expected: "no such field", got: "present" },
    ],
    [[], { field: "", expected: "object", got: "array" }],
    [null, { field: "", expected: "object", got: "null" }],
  ])("%j is refused naming field, expectation and what came", (input, problem) => {
    expect(problemsOf("transfer", input)).toContainEqual(problem);
  });

  test("every problem is named, nested fields as JSON pointers", () => {
    const problems = problemsOf("import-statement", {
      customer: 0,
      lines: [{ date: "yesterday", text: 5, amount: 1, "a/b": 1 }],
    });
    expect(problems.map(({ field }) => field)).toEqual(
      expect.arrayContaining(["/customer", "/lines/0/date", "/lines/0/text", "/lines/0/a~1b"]),
    );
  });

  test("a choice names the values", () => {
    expect(problemsOf("deposit", { customer: 1, account: "gold", amount: 1 })).toEqual([
      { field: "/account", expected: "one of checking, savings", got: "text of 4 characters" },
    ]);
  });

  test("keys that only an object's prototype has are absent, and __proto__ is a field like any other", () => {
    const open = createValidators(
      contractOf({
        name: "open",
        title: "Open",
        version: 1,
        objects: {},
        operations: {
          go: { title: "Go", input: z.strictObject({ constructor: z.int() }), output: z.null(), access: [] },
        },
      }),
    );
    expect(open.validateInput("go", {})).toMatchObject({
      ok: false,
      problems: [{ field: "/constructor", got: "absent" }],
    });
    const extra: unknown = JSON.parse('{"customer": 1, "__proto__": {"checking": 1}}');
    expect(problemsOf("balance", extra)).toEqual([{ field: "/__proto__", expected: "no such field", got: "present" }]);
  });

  test("text that fits the schema but is no key of an object is refused", () => {
    const notes = defineContract({
      name: "notes",
      title: "Notes",
      version: 1,
      objects: { note: { key: "{name}", schema: z.string() } },
      operations: {
        read: {
          title: "Read",
          input: z.strictObject({ name: z.string() }),
          output: z.string(),
          access: [{ object: "note/{name}", mode: "read" }],
        },
      },
    });
    expect(createValidators(contractOf(notes)).validateInput("read", { name: "a/../b" })).toMatchObject({
      ok: false,
      problems: [{ field: "/name" }],
    });
  });

  test("a value's text is never repeated in a problem", () => {
    const problems = problemsOf("transfer", { from: "secret-token", to: { secret: "secret-token" }, amount: 1 });
    expect(JSON.stringify(problems)).not.toContain("secret-token");
  });
});

describe("OpenAPI document", () => {
  const document = openApiOf(contract) as {
    openapi: string;
    paths: Record<
      string,
      {
        post: {
          requestBody: { content: Record<string, { schema: object }> };
          responses: Record<string, { description: string }>;
        };
      }
    >;
  };

  test("has a path for every operation with its input schema", () => {
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toHaveLength(8);
    const transfer = document.paths["/v1/operations/transfer"]?.post;
    expect(transfer?.requestBody.content["application/json"]?.schema).toMatchObject({
      required: ["from", "to", "amount"],
    });
  });

  test("tells of 202 where quarantined requests are held, and of the path where their clients ask", () => {
    const { operations } = contract;
    const transfer = operations.transfer as (typeof operations)[string];
    const held = openApiOf({ ...contract, operations: { transfer: { ...transfer, onQuarantine: "hold" } } }) as {
      paths: Record<string, { post?: { responses: Record<string, unknown> }; get?: { responses: object } }>;
    };
    expect(held.paths["/v1/operations/transfer"]?.post?.responses).toHaveProperty("202");
    expect(document.paths["/v1/operations/transfer"]?.post.responses).not.toHaveProperty("202");
    expect(Object.keys(held.paths["/v1/requests/{id}"]?.get?.responses ?? {})).toEqual([
      "200",
      "401",
      "403",
      "404",
      "503",
    ]);
  });

  test("lists refusals beside the infrastructure's problems", () => {
    const responses = document.paths["/v1/operations/transfer"]?.post.responses;
    expect(Object.keys(responses ?? {})).toEqual(expect.arrayContaining(["200", "400", "403", "404", "422", "504"]));
    expect(responses?.["422"]?.description).toContain("urn:redoubt:bank:insufficient-funds");
  });
});

/**
 * Checks a client's input against the contract's JSON Schemas, compiled once. Every problem names the field, what was
 * expected and what kind of value came; never the value of a text, which may be a secret sent to the wrong place.
 */
import type { ContractJson } from "@redoubt/application";
import { describe, evaluateAccess } from "@redoubt/application";
import type { ErrorObject, ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** `field` is a JSON pointer into the input, "" for all of it. */
export interface InputProblem {
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

export type InputOutcome = { readonly ok: true } | { readonly ok: false; readonly problems: readonly InputProblem[] };

export interface InputValidators {
  /** True when the contract has such an operation. */
  has(operation: string): boolean;
  /** Throws for an operation that the contract does not have. */
  validateInput(operation: string, input: unknown): InputOutcome;
}

const PROBLEMS_MAX = 50;

export function createValidators(contract: ContractJson): InputValidators {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    verbose: true,
    ownProperties: true,
    validateSchema: false,
  });
  addFormats.default(ajv);
  const validators = new Map<string, ValidateFunction>();
  for (const { name, input } of Object.values(contract.operations)) validators.set(name, ajv.compile(input));
  return {
    has: (operation) => validators.has(operation),
    validateInput(operation, input) {
      const validate = validators.get(operation);
      if (!validate) throw new Error(`no operation "${operation}"`);
      if (!validate(input))
        return { ok: false, problems: (validate.errors ?? []).slice(0, PROBLEMS_MAX).map(problemOf) };
      // What the schema lets through may still name no object: keys are plain text.
      const access = evaluateAccess(contract, operation, input);
      if (access.ok) return { ok: true };
      const { field, expected, got } = access.error;
      return { ok: false, problems: [{ field, expected, got }] };
    },
  };
}

type Describe = (parameters: Readonly<Record<string, unknown>>) => string;
const EXPECTED: Readonly<Record<string, Describe>> = {
  type: ({ type }) => (Array.isArray(type) ? type.join(" or ") : String(type)),
  minimum: ({ limit }) => `at least ${limit}`,
  maximum: ({ limit }) => `at most ${limit}`,
  exclusiveMinimum: ({ limit }) => `more than ${limit}`,
  exclusiveMaximum: ({ limit }) => `less than ${limit}`,
  multipleOf: ({ multipleOf }) => `a multiple of ${multipleOf}`,
  minLength: ({ limit }) => `text of at least ${limit} characters`,
  maxLength: ({ limit }) => `text of at most ${limit} characters`,
  minItems: ({ limit }) => `at least ${limit} items`,
  maxItems: ({ limit }) => `at most ${limit} items`,
  enum: ({ allowedValues }) => `one of ${Array.isArray(allowedValues) ? allowedValues.join(", ") : ""}`,
  const: ({ allowedValue }) => JSON.stringify(allowedValue),
  format: ({ format }) => String(format),
  pattern: ({ pattern }) => `text matching ${pattern}`,
};

function problemOf(error: ErrorObject): InputProblem {
  const { keyword, instancePath, params } = error;
  if (keyword === "required")
    return { field: `${instancePath}/${pointerPart(params.missingProperty)}`, expected: "present", got: "absent" };
  if (keyword === "additionalProperties")
    return {
      field: `${instancePath}/${pointerPart(params.additionalProperty)}`,
      expected: "no such field",
      got: "present",
    };
  const expected = Object.hasOwn(EXPECTED, keyword) ? EXPECTED[keyword]?.(params) : undefined;
  return { field: instancePath, expected: expected ?? error.message ?? keyword, got: describe(error.data) };
}

const FIELD_NAME_LENGTH_MAX = 100;
const pointerPart = (name: unknown): string =>
  String(name).slice(0, FIELD_NAME_LENGTH_MAX).replaceAll("~", "~0").replaceAll("/", "~1");

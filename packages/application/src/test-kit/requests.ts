/**
 * Requests that the contract allows, with keys of objects that exist, so that most of them do something: an input of random
 * customer numbers would only ever be refused. One in eight keeps a key as it was generated.
 */
import fc from "fast-check";
import type { ContractJson, JsonSchema, OperationContract } from "../contract/contract-json.ts";
import { operationOf } from "../contract/contract-json.ts";
import type { ArbitraryOptions } from "./arbitraries.ts";
import { arbitraryOf } from "./arbitraries.ts";

export interface RequestsOptions extends ArbitraryOptions {
  /** Names of objects that exist; the genesis objects by default. Few of them meet each other more often. */
  readonly objects?: readonly string[];
}

/** One place of the input that is part of an object's name. */
interface KeyPlace {
  /** Field names; `[]` at the end of one: every item. */
  readonly steps: readonly string[];
  readonly part: number;
}

/** Objects of one type that a template may be about. */
interface KeyChoice {
  readonly places: readonly KeyPlace[];
  readonly keys: readonly (readonly string[])[];
}

/** Objects meant by default. */
const OBJECTS_MAX = 6;

/** Inputs of an operation. Throws for an operation that is not in the contract. */
export function inputsOf(
  contract: ContractJson,
  operation: string,
  options: RequestsOptions = {},
): fc.Arbitrary<unknown> {
  const found = operationOf(contract, operation);
  if (!found) throw new Error(`the contract has no operation "${operation}"`);
  const objects = options.objects ?? contract.genesis.map(({ object }) => object);
  const choices = found.access
    .map(({ object }) => keyChoice(object, objects))
    .filter((choice) => choice.keys.length > 0);
  const pick = fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 7, arbitrary: fc.nat() });
  const picks = fc.array(pick, {
    minLength: choices.length * OBJECTS_MAX,
    maxLength: choices.length * OBJECTS_MAX,
  });
  return fc
    .tuple(arbitraryOf(found.input, options), picks)
    .map(([input, drawn]) => withKeys(found, input, choices, drawn));
}

/** An operation of the contract with an input for it. */
export function requestsOf(
  contract: ContractJson,
  options: RequestsOptions = {},
): fc.Arbitrary<{ readonly operation: string; readonly input: unknown }> {
  const names = Object.keys(contract.operations);
  return fc.oneof(
    ...names.map((operation) => inputsOf(contract, operation, options).map((input) => ({ operation, input }))),
  );
}

function keyChoice(template: string, objects: readonly string[]): KeyChoice {
  const [type = "", ...parts] = template.split("/");
  const places = parts.flatMap((text, part) => {
    const match = /^\{([^{}]+)\}$/.exec(text);
    return match ? [{ steps: (match[1] ?? "").split("."), part }] : [];
  });
  const keys = objects
    .map((object) => object.split("/"))
    .filter(([kind, ...key]) => kind === type && key.length === parts.length)
    .slice(0, OBJECTS_MAX)
    .map(([, ...key]) => key);
  return { places, keys: places.length > 0 ? keys : [] };
}

function withKeys(
  operation: OperationContract,
  input: unknown,
  choices: readonly KeyChoice[],
  drawn: readonly (number | undefined)[],
): unknown {
  const copy = structuredClone(input);
  let at = 0;
  for (const { places, keys } of choices) {
    const draw = (): readonly string[] | undefined => {
      const index = drawn[at++ % drawn.length];
      return index === undefined ? undefined : keys[index % keys.length];
    };
    const hasItems = places.some(({ steps }) => steps.some((step) => step.endsWith("[]")));
    const one = hasItems ? undefined : draw();
    for (const { steps, part } of places) setKey(copy, steps, operation.input, () => (hasItems ? draw() : one)?.[part]);
  }
  return copy;
}

function setKey(value: unknown, steps: readonly string[], schema: JsonSchema, next: () => string | undefined): void {
  const [step = "", ...rest] = steps;
  const each = step.endsWith("[]");
  const name = each ? step.slice(0, -2) : step;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return;
  const holder = value as Record<string, unknown>;
  const field = fieldSchema(schema, name);
  if (each && Array.isArray(holder[name])) {
    const items = fieldSchema(field, "items", field);
    for (const [index, item] of (holder[name] as unknown[]).entries())
      if (rest.length > 0) setKey(item, rest, items, next);
      else (holder[name] as unknown[])[index] = keyValue(items, next()) ?? item;
  } else if (rest.length > 0) setKey(holder[name], rest, field, next);
  else holder[name] = keyValue(field, next()) ?? holder[name];
}

function fieldSchema(schema: JsonSchema, name: string, fields: unknown = schema.properties): JsonSchema {
  const found = typeof fields === "object" && fields !== null && (fields as Record<string, unknown>)[name];
  return typeof found === "object" && found !== null ? (found as JsonSchema) : {};
}

const keyValue = (schema: JsonSchema, text: string | undefined): unknown =>
  text !== undefined && schema.type === "integer" ? Number(text) : text;

/**
 * Follows a field path through a JSON Schema, to tell a developer at bundling time that a template names a field which
 * the input does not have, may lack, or which is no key text. Knows `properties`, `required` and `items`: what an object
 * name may depend on has to be as plain as that.
 */
import type { Result } from "@redoubt/shared";
import { fail, ok } from "@redoubt/shared";
import type { JsonSchema } from "./contract-json.ts";
import type { PathStep } from "./template.ts";

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The schema at the end of a path whose every step is required; the error is a sentence for the developer. */
export function schemaAt(schema: JsonSchema, steps: readonly PathStep[]): Result<JsonSchema, string> {
  let current = schema;
  for (const step of steps) {
    const properties = current.properties;
    const next = isSchema(properties) && Object.hasOwn(properties, step.name) ? properties[step.name] : undefined;
    if (!isSchema(next)) return fail(`there is no field "${step.name}"`);
    if (!Array.isArray(current.required) || !current.required.includes(step.name))
      return fail(`field "${step.name}" must not be optional`);
    if (!step.each) {
      current = next;
      continue;
    }
    if (next.type !== "array" || !isSchema(next.items)) return fail(`field "${step.name}" is no array`);
    current = next.items;
  }
  return ok(current);
}

/** True when every value of the schema is one text or one integer. */
export function isKeySchema(schema: JsonSchema): boolean {
  if (schema.type === "string" || schema.type === "integer") return true;
  return typeof schema.const === "string" || Number.isSafeInteger(schema.const);
}

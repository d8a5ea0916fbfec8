/** The sentence that tells people what a request asks for: the operation's title with fields of the input filled in. */
import type { ContractJson } from "./contract-json.ts";
import { operationOf } from "./contract-json.ts";

const VALUE_LENGTH_MAX = 64;

/** Falls back to the operation's name when it is unknown. Values of the input are shortened; they may be anything. */
export function requestTitle(contract: ContractJson, operation: string, input: unknown): string {
  const title = operationOf(contract, operation)?.title;
  if (title === undefined) return operation;
  return title.replace(/\{([^}]*)\}/g, (_, field: string) => valueText(input, field));
}

function valueText(input: unknown, field: string): string {
  if (typeof input !== "object" || input === null || !Object.hasOwn(input, field)) return "?";
  const value = (input as Readonly<Record<string, unknown>>)[field];
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "?");
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
}

/**
 * Object name templates: literal text with fields of the input in braces. A template is parsed once and evaluated for
 * each request. It reads only own properties and lets only plain key text through, so that no input can name an object
 * outside the template's type (`{"from": "1/../2"}`). It does not know objects' values: no hop through an object read.
 */
import type { Result } from "@redoubt/shared";
import { fail, ok } from "@redoubt/shared";

/** One step of a field path; `each` walks the items of the array found there. */
export interface PathStep {
  readonly name: string;
  readonly each: boolean;
}

export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "field"; readonly steps: readonly PathStep[]; readonly path: string };

export interface Template {
  readonly source: string;
  /** Object type: the literal text before the first slash. */
  readonly type: string;
  readonly parts: readonly TemplatePart[];
}

/** A field of the input that a template could not use; `field` is a JSON pointer into the input. */
export interface FieldProblem {
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

const FIELD_PATH = /^[A-Za-z_][A-Za-z0-9_-]*(\[\])?(\.[A-Za-z_][A-Za-z0-9_-]*(\[\])?)*$/;
const TYPE = /^[a-z][a-z0-9-]{0,63}$/;
const LITERAL = /^[A-Za-z0-9._~/-]*$/;
/** Text a field may put into an object name. */
const KEY_TEXT = /^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}$/;

/** Parses an object name template. The error says what is wrong, in words for the developer. */
export function parseTemplate(source: string): Result<Template, string> {
  const slash = source.indexOf("/");
  const type = slash < 0 ? source : source.slice(0, slash);
  if (slash < 0 || !TYPE.test(type)) return fail(`"${source}" must begin with an object type and a slash`);
  const parts: TemplatePart[] = [];
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf("{", at);
    const text = source.slice(at, open < 0 ? source.length : open);
    if (!LITERAL.test(text)) return fail(`"${source}" has unexpected text "${text}"`);
    if (text !== "") parts.push({ kind: "text", text });
    if (open < 0) break;
    const close = source.indexOf("}", open);
    if (close < 0) return fail(`"${source}" has a { without a }`);
    const path = source.slice(open + 1, close);
    if (!FIELD_PATH.test(path))
      return fail(`"${source}": {${path}} is no field of the input such as {from} or {lines[].account}`);
    parts.push({ kind: "field", steps: pathSteps(path), path });
    at = close + 1;
  }
  return ok({ source, type, parts });
}

function pathSteps(path: string): PathStep[] {
  return path.split(".").map((step) => {
    const each = step.endsWith("[]");
    return { name: each ? step.slice(0, -2) : step, each };
  });
}

/**
 * The object names a template stands for with this input: one, or with `[]` as many as the array has items, at most
 * `countMax`. Two arrays in one template give every combination.
 */
export function evaluateTemplate(template: Template, input: unknown, countMax: number): Result<string[], FieldProblem> {
  let names = [""];
  for (const part of template.parts) {
    if (part.kind === "text") {
      names = names.map((name) => name + part.text);
      continue;
    }
    const found: string[] = [];
    const problem = collect(input, part.steps, 0, "", found);
    if (problem) return fail(problem);
    if (names.length * found.length > countMax)
      return fail({
        field: pointerOf(part.steps),
        expected: `at most ${countMax} objects`,
        got: `${names.length * found.length}`,
      });
    names =
      found.length === 1
        ? names.map((name) => name + found[0])
        : names.flatMap((name) => found.map((key) => name + key));
  }
  return ok(names);
}

function collect(
  value: unknown,
  steps: readonly PathStep[],
  at: number,
  pointer: string,
  found: string[],
): FieldProblem | undefined {
  const step = steps[at];
  if (!step) return collectLeaf(value, pointer, found);
  const field = `${pointer}/${step.name}`;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step.name))
    return { field, expected: "present", got: "absent" };
  const next = (value as Record<string, unknown>)[step.name];
  if (!step.each) return collect(next, steps, at + 1, field, found);
  if (!Array.isArray(next)) return { field, expected: "array", got: describe(next) };
  for (const [index, item] of next.entries()) {
    const problem = collect(item, steps, at + 1, `${field}/${index}`, found);
    if (problem) return problem;
  }
  return undefined;
}

function collectLeaf(value: unknown, field: string, found: string[]): FieldProblem | undefined {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) found.push(String(value));
  else if (typeof value === "string" && KEY_TEXT.test(value)) found.push(value);
  else
    return {
      field,
      expected: "non-negative integer, or text of 1 to 128 letters, digits and . _ ~ -",
      got: describe(value),
    };
  return undefined;
}

const pointerOf = (steps: readonly PathStep[]): string => steps.map((step) => `/${step.name}`).join("");

/** What a value is, in one or two words for an error message; never the value of a text. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? `integer ${value}` : `number ${value}`;
  return typeof value === "string" ? `text of ${value.length} characters` : typeof value;
}

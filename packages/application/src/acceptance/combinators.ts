/**
 * The words acceptance tests are written in. Each makes a check: a pure function of the view that returns nothing when it
 * holds, or the stable name of what failed with a sentence that names object and field. Sums are exact (bigint), because
 * amounts may be as large as 2^53 − 1.
 */
import { LIMITS } from "@redoubt/shared";
import type { Template } from "../contract/template.ts";
import { evaluateTemplate, parseTemplate } from "../contract/template.ts";
import type { AcceptanceView } from "./acceptance-view.ts";
import type { Check, CheckFailure } from "./define-acceptance.ts";
import { changedFields, jsonEqual } from "./json-values.ts";
import { marked } from "./strength.ts";

/** Holds when every check holds; the first failure counts. */
export function all<View>(...checks: readonly Check<View>[]): Check<View> {
  const everyCheck: Check<View> = (view) => {
    for (const check of checks) {
      const failure = check(view);
      if (failure) return failure;
    }
    return undefined;
  };
  return marked("all", everyCheck, checks);
}

/** A check of the application's own: holds when the predicate gives true; a text is the sentence for administrators. */
export function must<View>(check: string, predicate: (view: View) => boolean | string): Check<View> {
  const holds: Check<View> = (view) => {
    const outcome = predicate(view);
    return outcome === true
      ? undefined
      : { check, detail: typeof outcome === "string" ? outcome : `${check} does not hold` };
  };
  return marked("must", holds);
}

/** Integers that are summed exactly. */
export type Amounts = number | bigint | readonly (number | bigint)[];

/**
 * The sum of a measure over all objects of a type that the change touched is the same after it as before, or differs by
 * exactly `by(view)`. An absent object measures nothing. Failed check: `conserves`.
 */
export function conserves<Value, View extends AcceptanceView>(
  type: string,
  measure: (value: Value) => Amounts,
  by?: (view: View) => number | bigint,
): Check<View> {
  const sum = (view: AcceptanceView, side: "before" | "after"): bigint => {
    let total = 0n;
    for (const object of view.touched) {
      if (!object.startsWith(`${type}/`)) continue;
      const value: unknown = view[side].get(object as `${string}/${string}`);
      if (value !== null) total += exactSum(measure(value as Value));
    }
    return total;
  };
  const check: Check<View> = (view) => {
    const expected = sum(view, "before") + BigInt(by ? by(view) : 0);
    const found = sum(view, "after");
    if (found === expected) return undefined;
    return { check: "conserves", detail: `the sum over ${type} objects must be ${expected}, not ${found}` };
  };
  return marked("conserves", check);
}

function exactSum(amounts: Amounts): bigint {
  if (typeof amounts !== "object") return BigInt(amounts);
  return amounts.reduce<bigint>((total, amount) => total + BigInt(amount), 0n);
}

/** Top-level fields that may change, or "all" (which includes making the object). */
export type ChangeableFields = readonly string[] | "all";

/**
 * Of all objects touched, only those named by the templates change, and of them only the given fields.
 * Failed check: `only-changes`.
 */
export function onlyChanges<View extends AcceptanceView>(
  allowed: Readonly<Record<string, ChangeableFields>>,
): Check<View> {
  const rules = Object.entries(allowed).map(([source, fields]) => ({ template: parsed(source), fields }));
  const check: Check<View> = (view) => {
    const fieldsOf = new Map<string, ChangeableFields[]>();
    for (const { template, fields } of rules)
      for (const object of namesOf(template, view.input))
        fieldsOf.set(object, [...(fieldsOf.get(object) ?? []), fields]);
    for (const object of view.touched) {
      const failure = unexpectedChange(view, object, fieldsOf.get(object) ?? []);
      if (failure) return failure;
    }
    return undefined;
  };
  return marked("only-changes", check);
}

function unexpectedChange(
  view: AcceptanceView,
  object: string,
  allowed: readonly ChangeableFields[],
): CheckFailure | undefined {
  if (allowed.includes("all")) return undefined;
  const name = object as `${string}/${string}`;
  const before: unknown = view.before.get(name);
  const after: unknown = view.after.get(name);
  const changed = changedFields(before, after);
  if (changed === undefined) return { check: "only-changes", detail: `${object} must not be made, removed or retyped` };
  const unexpected = changed.find((field) => !allowed.some((fields) => fields.includes(field)));
  if (unexpected === undefined) return undefined;
  return { check: "only-changes", detail: `field ${unexpected} of ${object} must not change` };
}

/**
 * Without arguments: nothing changes at all. With a template: the objects it names keep the given fields (all of them by
 * default). Failed check: `unchanged`.
 */
export function unchanged<View extends AcceptanceView>(source?: string, fields?: readonly string[]): Check<View> {
  const template = source === undefined ? undefined : parsed(source);
  const check: Check<View> = (view) => {
    for (const object of template ? namesOf(template, view.input) : view.touched) {
      const before: unknown = view.before.get(object as `${string}/${string}`);
      const after: unknown = view.after.get(object as `${string}/${string}`);
      if (jsonEqual(before, after)) continue;
      const changed = changedFields(before, after);
      const broken =
        fields && changed ? changed.filter((field) => fields.includes(field)) : (changed ?? ["everything"]);
      if (broken.length > 0) return { check: "unchanged", detail: `${broken.join(", ")} of ${object} must not change` };
    }
    return undefined;
  };
  return marked("unchanged", check);
}

/** A routine's templates are parsed when it is loaded; the bundler loads it once, so a wrong one never reaches a cluster. */
function parsed(source: string): Template {
  const template = parseTemplate(source);
  if (!template.ok) throw new Error(template.error);
  return template.value;
}

function namesOf(template: Template, input: unknown): readonly string[] {
  const names = evaluateTemplate(template, input, LIMITS.objectsPerRequestMax);
  if (!names.ok) throw new Error(`${template.source}: ${names.error.field} must be ${names.error.expected}`);
  return names.value;
}

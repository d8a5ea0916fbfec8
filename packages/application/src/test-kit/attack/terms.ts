/**
 * The quantities a check may speak of: fields of the input, of the reply, and of each object the operation names, before and
 * after. Candidates of `must` are comparisons between them. Only templates that name one object each take part.
 */
import type { AcceptanceView } from "../../acceptance/acceptance-view.ts";
import { jsonEqual } from "../../acceptance/json-values.ts";
import type { ContractJson, JsonSchema, OperationContract } from "../../contract/contract-json.ts";
import { evaluateTemplate, parseTemplate } from "../../contract/template.ts";
import { at, type Path } from "./leaves.ts";

export interface Term {
  readonly text: string;
  readonly kind: "number" | "text" | "other";
  /** Undefined: not there. Throws when the object is not in the record. */
  readonly of: (view: AcceptanceView) => unknown;
}

/** A field of an object at both points. */
export interface ObjectTerm {
  readonly before: Term;
  readonly after: Term;
  readonly kind: Term["kind"];
  readonly template: string;
  readonly isWritten: boolean;
}

const DEPTH_MAX = 3;

/** Plain fields of a schema, as terms over `input` or `reply.body`. */
export function inputTerms(schema: JsonSchema, root: "input" | "reply"): Term[] {
  return fieldsOf(schema, []).map(({ path, kind }) => ({
    kind,
    text: root === "input" ? `input.${path.join(".")}` : `reply.body.${path.join(".")}`,
    of: (view) => at(root === "input" ? view.input : view.reply.body, path),
  }));
}

function fieldsOf(schema: JsonSchema, path: Path): { path: Path; kind: Term["kind"] }[] {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.entries(properties).flatMap(([name, field]) => {
    const own = [...path, name];
    if (field.type === "object") return own.length < DEPTH_MAX ? fieldsOf(field, own) : [];
    if (field.type === "integer" || field.type === "number") return [{ path: own, kind: "number" as const }];
    return [{ path: own, kind: field.type === "string" ? ("text" as const) : ("other" as const) }];
  });
}

/** Fields of the objects that the operation's templates name. */
export function objectTerms(contract: ContractJson, operation: OperationContract): ObjectTerm[] {
  return operation.access.flatMap(({ object: source, mode }) => {
    const template = parseTemplate(source);
    const type =
      template.ok && Object.hasOwn(contract.objects, template.value.type)
        ? contract.objects[template.value.type]
        : undefined;
    if (!template.ok || !type || source.includes("[]")) return [];
    const nameOf = (view: AcceptanceView): `${string}/${string}` => {
      const names = evaluateTemplate(template.value, view.input, 1);
      return (names.ok ? names.value[0] : source) as `${string}/${string}`;
    };
    const name = source.replaceAll("{", "${input.");
    return fieldsOf(type.schema, []).map(({ path, kind }) => {
      const side = (word: "before" | "after"): Term => ({
        kind,
        text: `${word}.get(\`${name}\`)?.${path.join(".")}`,
        of: (view) => at(view[word].get(nameOf(view)), path),
      });
      return { before: side("before"), after: side("after"), kind, template: source, isWritten: mode !== "read" };
    });
  });
}

export interface Comparison {
  readonly text: string;
  readonly rank: number;
  readonly holds: (view: AcceptanceView) => boolean;
}

const comparison = (rank: number, expression: string, holds: (view: AcceptanceView) => boolean): Comparison => ({
  rank,
  text: `must("…", ({ input, before, after, reply }) => ${expression})`,
  holds,
});

const equal = (rank: number, first: Term, second: Term): Comparison =>
  comparison(rank, `${first.text} === ${second.text}`, (view) => jsonEqual(first.of(view), second.of(view)));

const numbersAre = (view: AcceptanceView, terms: readonly Term[], check: (...values: bigint[]) => boolean): boolean => {
  const values = terms.map((term) => term.of(view));
  return (
    values.every((value) => Number.isSafeInteger(value)) && check(...values.map((value) => BigInt(value as number)))
  );
};

/** Comparisons of replies with input and objects, and of objects after with before and input. */
export function equalities(
  operation: OperationContract,
  objects: readonly ObjectTerm[],
  inputs: readonly Term[],
): Comparison[] {
  const replies = inputTerms(operation.output, "reply");
  return [...replyComparisons(replies, objects, inputs), ...stateComparisons(objects, inputs), ...rowCounts(operation)];
}

function replyComparisons(
  replies: readonly Term[],
  objects: readonly ObjectTerm[],
  inputs: readonly Term[],
): Comparison[] {
  return replies.flatMap((reply) => [
    ...inputs.filter(({ kind }) => kind === reply.kind).map((input) => equal(3, reply, input)),
    ...objects
      .filter(({ kind }) => kind === reply.kind)
      .flatMap(({ after, before }) => [equal(3, reply, after), equal(4, reply, before)]),
    ...(reply.kind === "number" ? sums(reply, objects) : []),
    ...(reply.kind === "text" ? mentions(reply, objects) : []),
  ]);
}

const sums = (reply: Term, objects: readonly ObjectTerm[]): Comparison[] =>
  objects.flatMap((first, index) =>
    objects
      .slice(index + 1)
      .flatMap((second) =>
        first.kind === "number" && second.kind === "number"
          ? (["before", "after"] as const).map((side) =>
              comparison(6, `${reply.text} === ${first[side].text} + ${second[side].text}`, (view) =>
                numbersAre(
                  view,
                  [reply, first[side], second[side]],
                  (found = 0n, one = 0n, two = 0n) => found === one + two,
                ),
              ),
            )
          : [],
      ),
  );

const mentions = (reply: Term, objects: readonly ObjectTerm[]): Comparison[] =>
  objects.map(({ before }) =>
    comparison(5, `${reply.text}.includes(String(${before.text}))`, (view) =>
      String(reply.of(view)).includes(String(before.of(view))),
    ),
  );

function stateComparisons(objects: readonly ObjectTerm[], inputs: readonly Term[]): Comparison[] {
  return objects
    .filter(({ isWritten }) => isWritten)
    .flatMap(({ before, after, kind }) => {
      const kept = equal(3, after, before);
      const taken = inputs.filter((input) => input.kind === kind).map((input) => equal(4, after, input));
      if (kind !== "number") return [kept, ...taken];
      const ordered = [
        comparison(5, `${after.text} <= ${before.text}`, (view) =>
          numbersAre(view, [after, before], (late = 0n, early = 0n) => late <= early),
        ),
        comparison(5, `${after.text} >= ${before.text}`, (view) =>
          numbersAre(view, [after, before], (late = 0n, early = 0n) => late >= early),
        ),
        comparison(4, `${after.text} === 0`, (view) => after.of(view) === 0),
      ];
      const moved = inputs
        .filter((input) => input.kind === "number")
        .flatMap((input) =>
          ([1n, -1n] as const).map((sign) =>
            comparison(4, `${after.text} === ${before.text} ${sign > 0n ? "+" : "-"} ${input.text}`, (view) =>
              numbersAre(view, [after, before, input], (late = 0n, early = 0n, by = 0n) => late === early + sign * by),
            ),
          ),
        );
      return [kept, ...taken, ...moved, ...ordered];
    });
}

/** As many rows in the reply as in the input, or as objects named. */
function rowCounts(operation: OperationContract): Comparison[] {
  const listNames = (schema: JsonSchema): string[] =>
    Object.entries((schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>)
      .filter(([, field]) => field.type === "array")
      .map(([name]) => name);
  return listNames(operation.output).flatMap((row) =>
    listNames(operation.input).map((given) =>
      comparison(4, `reply.body.${row}.length === input.${given}.length`, (view) => {
        const [rows, all] = [at(view.reply.body, [row]), at(view.input, [given])];
        return Array.isArray(rows) && Array.isArray(all) && rows.length === all.length;
      }),
    ),
  );
}

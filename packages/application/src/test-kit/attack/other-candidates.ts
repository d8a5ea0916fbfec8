/**
 * Candidates outside of `accept`: predicates that prove a refusal, fields of the contract (`complete`, narrower schemas) and labels of
 * confidential fields. As in candidates.ts each is evaluated, not guessed.
 */
import { LIMITS } from "@redoubt/shared";
import type { AcceptanceView } from "../../acceptance/acceptance-view.ts";
import { viewOf } from "../../acceptance/acceptance-view.ts";
import { decodedForms } from "../../acceptance/decoded-forms.ts";
import { collectText } from "../../acceptance/json-values.ts";
import { normalise } from "../../acceptance/normalise.ts";
import type { AcceptanceRecord } from "../../acceptance/record.ts";
import type { ContractJson, JsonSchema, OperationContract } from "../../contract/contract-json.ts";
import { evaluateTemplate, parseTemplate } from "../../contract/template.ts";
import type { Candidate } from "./candidates.ts";
import { at } from "./leaves.ts";
import { inputTerms, objectTerms, type Term } from "./terms.ts";

const safely = (check: () => boolean): boolean => {
  try {
    return check();
  } catch {
    return false;
  }
};

/** The name of the refusal that a reply is, by its problem type. */
export function refusalNameOf(operation: OperationContract, { reply }: AcceptanceRecord): string | undefined {
  if (reply.status === 200) return undefined;
  const type = at(reply.body, ["type"]);
  return Object.keys(operation.refusals).find((name) => typeof type === "string" && type.endsWith(`:${name}`));
}

/** For a refusal that was accepted wrongly: conditions that hold whenever an honest server refuses so, and not here. */
export function refusalCandidates(
  contract: ContractJson,
  operation: OperationContract,
  honest: readonly AcceptanceRecord[],
  forged: readonly AcceptanceRecord[],
): Candidate[] {
  const names = new Set(forged.flatMap((record) => refusalNameOf(operation, record) ?? []));
  return [...names].flatMap((name) => {
    const justified = honest.filter((record) => refusalNameOf(operation, record) === name);
    const conditions = conditionsOf(contract, operation).filter(({ holds }) =>
      justified.every((record) => safely(() => holds(viewOf(record)))),
    );
    const proposals = justified.length === 0 ? [] : conditions;
    return proposals.map(({ text, holds }) => ({
      where: `refusals.${name}`,
      text: `({ input, before }) => ${text}`,
      rank: 2,
      holds: (record: AcceptanceRecord) =>
        refusalNameOf(operation, record) !== name || safely(() => holds(viewOf(record))),
    }));
  });
}

interface Condition {
  readonly text: string;
  readonly holds: (view: AcceptanceView) => boolean;
}

function conditionsOf(contract: ContractJson, operation: OperationContract): Condition[] {
  const inputs = inputTerms(operation.input, "input");
  const objects = objectTerms(contract, operation);
  const befores = objects.map(({ before }) => before);
  const numbers = [...befores, ...inputs].filter(({ kind }) => kind === "number");
  const pairs = numbers.flatMap((first) =>
    numbers.filter((second) => second !== first).map((second) => [first, second] as const),
  );
  const perObject = Object.values(groupByTemplate(objects));
  return [
    ...perObject.map((terms) => absence(terms)),
    ...(perObject.length > 1 ? [anyAbsence(perObject)] : []),
    ...equalInputs(inputs),
    ...pairs.map(([first, second]) => less(first, second)),
    ...perObject.flatMap((terms) => totals(terms, inputs)),
    ...befores.flatMap((before) => inputs.filter(({ kind }) => kind === "number").map((input) => limit(before, input))),
  ];
}

type ObjectTerms = ReturnType<typeof objectTerms>;

function groupByTemplate(terms: ObjectTerms): Record<string, ObjectTerms> {
  const groups: Record<string, ObjectTerms> = {};
  for (const term of terms) groups[term.template] = [...(groups[term.template] ?? []), term];
  return groups;
}

const objectText = (terms: ObjectTerms): string => terms[0]?.before.text.replace(/\)\?\..*$/, ")") ?? "";
const isAbsent = (terms: ObjectTerms, view: AcceptanceView): boolean =>
  terms.every(({ before }) => before.of(view) === undefined);

const absence = (terms: ObjectTerms): Condition => ({
  text: `${objectText(terms)} === null`,
  holds: (view) => isAbsent(terms, view),
});

const anyAbsence = (groups: readonly ObjectTerms[]): Condition => ({
  text: groups.map((terms) => `${objectText(terms)} === null`).join(" || "),
  holds: (view) => groups.some((terms) => safely(() => isAbsent(terms, view))),
});

const equalInputs = (inputs: readonly Term[]): Condition[] =>
  inputs.flatMap((first, index) =>
    inputs
      .slice(index + 1)
      .filter(({ kind }) => kind === first.kind)
      .map((second) => ({
        text: `${first.text} === ${second.text}`,
        holds: (view: AcceptanceView) => first.of(view) === second.of(view),
      })),
  );

const amount = (term: Term, view: AcceptanceView): bigint | undefined => {
  const value = term.of(view);
  return Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
};

const less = (first: Term, second: Term): Condition => ({
  text: `${first.text} < ${second.text}`,
  holds(view) {
    const [one, two] = [amount(first, view), amount(second, view)];
    return one !== undefined && two !== undefined && one < two;
  },
});

/** All numbers of one object together less than what is asked for. */
function totals(terms: ObjectTerms, inputs: readonly Term[]): Condition[] {
  const numbers = terms.filter(({ kind }) => kind === "number").map(({ before }) => before);
  if (numbers.length < 2) return [];
  return inputs
    .filter(({ kind }) => kind === "number")
    .map((input) => ({
      text: `${numbers.map(({ text }) => text).join(" + ")} < ${input.text}`,
      holds(view) {
        const asked = amount(input, view);
        const values = numbers.map((term) => amount(term, view));
        if (asked === undefined || values.includes(undefined)) return false;
        return values.reduce<bigint>((sum, value) => sum + (value ?? 0n), 0n) < asked;
      },
    }));
}

const limit = (before: Term, input: Term): Condition => ({
  text: `${before.text} > Number.MAX_SAFE_INTEGER - ${input.text}`,
  holds(view) {
    const [one, two] = [amount(before, view), amount(input, view)];
    return one !== undefined && two !== undefined && one + two > BigInt(Number.MAX_SAFE_INTEGER);
  },
});

/** `complete` for templates that every honest success really reads or writes, and schemas that are as narrow as the replies. */
export function schemaCandidates(operation: OperationContract, successes: readonly AcceptanceRecord[]): Candidate[] {
  const complete = operation.access
    .filter((entry) => !entry.complete)
    .map(
      ({ object, mode }): Candidate => ({
        where: "contract",
        text: `access { object: "${object}", mode: "${mode}", complete: true }`,
        rank: 0,
        holds(record) {
          if (record.reply.status !== 200) return true;
          const touched = new Set((mode === "read" ? record.reads : record.writes).map((entry) => entry.object));
          return namesOf(object, record).every((name) => touched.has(name));
        },
      }),
    );
  return [...complete, ...narrowTexts(operation, successes)];
}

function namesOf(source: string, { input }: AcceptanceRecord): readonly string[] {
  const template = parseTemplate(source);
  const names = template.ok ? evaluateTemplate(template.value, input, LIMITS.objectsPerRequestMax) : template;
  return names.ok ? names.value : [];
}

const TEXT_CHOICES_MAX = 5;

/** A text of the reply that only ever has a few values should be an enum: nothing can be hidden in it. */
function narrowTexts(operation: OperationContract, successes: readonly AcceptanceRecord[]): Candidate[] {
  const properties = (operation.output.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.entries(properties).flatMap(([name, schema]) => {
    if (schema.type !== "string" || schema.enum !== undefined || schema.const !== undefined) return [];
    const values = [...new Set(successes.map(({ reply }) => at(reply.body, [name])))];
    if (values.length === 0 || values.length > TEXT_CHOICES_MAX || successes.length < 4 * values.length) return [];
    return [
      {
        where: "contract",
        text: `output.${name}: z.enum(${JSON.stringify(values)})`,
        rank: 3,
        holds: (record: AcceptanceRecord) =>
          record.reply.status !== 200 || values.includes(at(record.reply.body, [name])),
      },
    ];
  });
}

/** Labels of text fields that would have made a leak of them visible. */
export function labelCandidates(
  contract: ContractJson,
  operation: OperationContract,
  forged: readonly AcceptanceRecord[],
): Candidate[] {
  const named = new Set(operation.access.map(({ object }) => object.split("/")[0]));
  return Object.values(contract.objects).flatMap((type) => {
    const properties = (type.schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
    const labelled = new Set(type.confidential.map(({ field }) => field));
    const texts = new Map<string, string[]>();
    for (const { object, value } of contract.genesis)
      if (object.startsWith(`${type.type}/`))
        for (const [name, schema] of Object.entries(properties))
          if (schema.type === "string" && !labelled.has(name))
            texts.set(name, [...(texts.get(name) ?? []), normalise(String(at(value, [name]) ?? ""))]);
    return [...texts].map(([field, secrets]): Candidate => {
      const watched = secrets.filter((text) => text.length >= 8).slice(0, 200);
      return {
        where: "contract",
        text: `objects.${type.type}.confidential: [{ field: "${field}", visibleTo: "naming-operations" }]`,
        rank: named.has(type.type) ? 1 : 0,
        holds: (record) => !forged.includes(record) || !shows(record, watched),
      };
    });
  });
}

function shows(record: AcceptanceRecord, secrets: readonly string[]): boolean {
  const values: string[] = [];
  const keys: string[] = [];
  collectText(record.reply.body, values, keys);
  for (const { after } of record.writes) collectText(after, values, keys);
  const known: string[] = [];
  collectText([record.input, record.reads, record.writes.map(({ before }) => before)], known, known);
  const own = normalise(known.join("\n"));
  return decodedForms(values, keys).some((form) => secrets.some((text) => form.includes(text) && !own.includes(text)));
}

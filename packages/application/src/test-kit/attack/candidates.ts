/**
 * Which combinator would catch what was accepted. Candidates are made from the contract's fields and from what all honest cases of
 * the operation have in common, are real checks built with the real combinators, and are run: kept is what holds for every honest
 * case and fails for forged ones. What is named is a proposal; whether it is the application's intention its developer must say.
 */

import type { AcceptanceView } from "../../acceptance/acceptance-view.ts";
import { viewOf } from "../../acceptance/acceptance-view.ts";
import { conserves, must, onlyChanges, unchanged } from "../../acceptance/combinators.ts";
import type { Check } from "../../acceptance/define-acceptance.ts";
import { changedFields } from "../../acceptance/json-values.ts";
import { plainText } from "../../acceptance/plain-text.ts";
import type { AcceptanceRecord } from "../../acceptance/record.ts";
import type { ContractJson, OperationContract } from "../../contract/contract-json.ts";
import { labelCandidates, refusalCandidates, schemaCandidates } from "./other-candidates.ts";
import { equalities, inputTerms, objectTerms, type Term } from "./terms.ts";
import type { Suggestion } from "./types.ts";
import { wordings } from "./wordings.ts";

/** A proposal with its own judgement. `rank`: simpler ones first. */
export interface Candidate {
  readonly where: string;
  readonly text: string;
  readonly rank: number;
  /** True when the record is as it should be. */
  readonly holds: (record: AcceptanceRecord) => boolean;
}

const SUGGESTIONS_MAX = 3;
/** Forgeries of one kind that candidates are tried on. */
const TRIED_MAX = 40;

/** A function that names, for accepted forgeries of one kind, the candidates that would have caught them. */
export type Suggest = (forged: readonly AcceptanceRecord[]) => Suggestion[];

/** Prepares the candidates of one operation from its honest records. */
export function suggesterOf(
  contract: ContractJson,
  operation: OperationContract,
  honest: readonly AcceptanceRecord[],
): Suggest {
  const successes = honest.filter(({ reply }) => reply.status === 200);
  const valid = [...acceptCandidates(contract, operation, successes), ...schemaCandidates(operation, successes)].filter(
    ({ holds }) => successes.every(holds),
  );
  return (forged) => {
    const tried = forged.slice(0, TRIED_MAX);
    const refusals = refusalCandidates(contract, operation, honest, tried);
    const labels = labelCandidates(contract, operation, tried);
    return [...valid, ...refusals, ...labels]
      .map((candidate) => ({ ...candidate, catches: tried.filter((record) => !candidate.holds(record)).length }))
      .filter(({ catches }) => catches > 0)
      .sort(
        (first, second) =>
          second.catches - first.catches || first.rank - second.rank || first.text.length - second.text.length,
      )
      .filter(({ text }, index, all) => all.findIndex((other) => other.text === text) === index)
      .slice(0, SUGGESTIONS_MAX)
      .map(({ where, text, catches }) => ({ where, text, catches }));
  };
}

/** A refused record, or one that the check cannot be asked about, is none of its business. */
const asCandidate = (text: string, rank: number, check: Check<AcceptanceView>): Candidate => ({
  where: "accept",
  text,
  rank,
  holds(record) {
    if (record.reply.status !== 200) return true;
    try {
      return check(viewOf(record)) === undefined;
    } catch {
      return false;
    }
  },
});

function acceptCandidates(
  contract: ContractJson,
  operation: OperationContract,
  successes: readonly AcceptanceRecord[],
): Candidate[] {
  if (successes.length === 0) return [];
  const terms = objectTerms(contract, operation);
  const inputs = inputTerms(operation.input, "input");
  return [
    asCandidate("plainText()", 2, plainText()),
    ...changeCandidates(operation, successes),
    ...conservationCandidates(contract, operation, inputs),
    ...[
      ...equalities(operation, terms, inputs),
      ...wordings(inputTerms(operation.output, "reply"), terms, inputs, successes),
    ].map(({ text, rank, holds }) => asCandidate(text, rank, must("candidate", holds))),
  ];
}

function changeCandidates(operation: OperationContract, successes: readonly AcceptanceRecord[]): Candidate[] {
  const allowed: Record<string, readonly string[] | "all"> = {};
  for (const { object, mode } of operation.access) {
    if (mode === "read") continue;
    const type = object.split("/")[0];
    const fields = new Set<string>();
    let isWhole = mode === "create";
    for (const { writes } of successes)
      for (const { object: name, before, after } of writes) {
        if (name.split("/")[0] !== type) continue;
        const changed = changedFields(before, after);
        if (changed) for (const field of changed) fields.add(field);
        else isWhole = true;
      }
    allowed[object] = isWhole ? "all" : [...fields];
  }
  const nothing = [asCandidate("unchanged()", 0, unchanged())];
  if (Object.keys(allowed).length === 0) return nothing;
  return [...nothing, asCandidate(`onlyChanges(${literal(allowed)})`, 1, onlyChanges(allowed))];
}

const literal = (allowed: Readonly<Record<string, readonly string[] | "all">>): string =>
  `{ ${Object.entries(allowed)
    .map(([template, fields]) => `"${template}": ${JSON.stringify(fields).replaceAll(",", ", ")}`)
    .join(", ")} }`;

type Fields = Readonly<Record<string, number>>;

function conservationCandidates(
  contract: ContractJson,
  operation: OperationContract,
  inputs: readonly Term[],
): Candidate[] {
  const types = new Set(operation.access.map(({ object }) => object.split("/")[0] ?? ""));
  const amounts = [
    { text: "", by: undefined },
    ...inputs
      .filter(({ kind }) => kind === "number")
      .flatMap(({ text, of }) => [
        { text: `, ({ input }) => ${text}`, by: (view: AcceptanceView) => Number(of(view)) },
        { text: `, ({ input }) => -${text}`, by: (view: AcceptanceView) => -Number(of(view)) },
      ]),
  ];
  return [...types].flatMap((type) => {
    const fields = numericFields(contract, type);
    const sets = fields.length > 1 ? [fields, ...fields.map((field) => [field])] : [fields];
    return sets
      .filter((set) => set.length > 0)
      .flatMap((set) =>
        amounts.map(({ text, by }) =>
          asCandidate(
            `conserves("${type}", ({ ${set.join(", ")} }) => ${set.length > 1 ? `[${set.join(", ")}]` : set[0]}${text})`,
            2,
            conserves(type, (value: Fields) => set.map((field) => Number(value[field] ?? 0)), by),
          ),
        ),
      );
  });
}

function numericFields(contract: ContractJson, type: string): string[] {
  const properties = Object.hasOwn(contract.objects, type) ? contract.objects[type]?.schema.properties : undefined;
  return Object.entries((properties ?? {}) as Record<string, { type?: unknown }>)
    .filter(([, { type: kind }]) => kind === "integer" || kind === "number")
    .map(([name]) => name);
}

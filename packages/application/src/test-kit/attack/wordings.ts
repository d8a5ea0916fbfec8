/**
 * Texts that are always worded alike: `Statement for {holder}: {checking} cents`. The wording is learnt from one honest reply by putting
 * names in the place of values, and holds if it gives every honest reply exactly. Nothing can be hidden in such a text.
 */
import type { AcceptanceView } from "../../acceptance/acceptance-view.ts";
import { viewOf } from "../../acceptance/acceptance-view.ts";
import type { AcceptanceRecord } from "../../acceptance/record.ts";
import type { Comparison, ObjectTerm, Term } from "./terms.ts";

const DAY: Term = {
  text: "new Date(now).toISOString().slice(0, 10)",
  kind: "text",
  of: ({ now }) => new Date(now).toISOString().slice(0, 10),
};
/** Learning from more records finds no more wordings. */
const LEARNT_MAX = 8;

type Wording = readonly (string | Term)[];

export function wordings(
  replies: readonly Term[],
  objects: readonly ObjectTerm[],
  inputs: readonly Term[],
  successes: readonly AcceptanceRecord[],
): Comparison[] {
  const terms = [...objects.map(({ before }) => before), ...inputs, DAY];
  return replies
    .filter(({ kind }) => kind === "text")
    .flatMap((reply) =>
      successes.slice(0, LEARNT_MAX).flatMap((record) => {
        const view = viewOf(record);
        const text = reply.of(view);
        const wording = typeof text === "string" ? wordingOf(text, terms, view) : [];
        return wording.length > 1 ? [comparisonOf(reply, wording)] : [];
      }),
    );
}

function comparisonOf(reply: Term, wording: Wording): Comparison {
  const text = wording.map((part) => (typeof part === "string" ? part : `\${${part.text}}`)).join("");
  return {
    rank: 6,
    text: `must("…", ({ input, before, now, reply }) => ${reply.text} === \`${text}\`)`,
    holds: (view) =>
      reply.of(view) === wording.map((part) => (typeof part === "string" ? part : String(part.of(view)))).join(""),
  };
}

/** Longest values first, so that 12 is not found within 512. */
function wordingOf(text: string, terms: readonly Term[], view: AcceptanceView): Wording {
  const values = terms
    .map((term) => ({ term, value: String(termValue(term, view) ?? "") }))
    .filter(({ value }) => value !== "")
    .sort((first, second) => second.value.length - first.value.length);
  let parts: (string | Term)[] = [text];
  for (const { term, value } of values)
    parts = parts.flatMap((part) => (typeof part === "string" ? between(part.split(value), term) : [part]));
  return parts.filter((part) => part !== "");
}

const between = (pieces: readonly string[], term: Term): (string | Term)[] =>
  pieces.flatMap((piece, index) => (index === 0 ? [piece] : [term, piece]));

function termValue(term: Term, view: AcceptanceView): unknown {
  try {
    return term.of(view);
  } catch {
    return undefined;
  }
}

/**
 * The leak check (paper §3.3, REQUIREMENTS R41, A12, A13): neither the reply nor a version written may hold the
 * confidential text of an object that the operation did not name. Writes count, or a captured server could launder a secret
 * through its accomplice's own object. What the client sent itself, and what the objects it named held before, is no leak.
 * A text is found whatever its case, blanks and punctuation, split over fields, backwards, percent-, hex- or
 * base64-encoded, or as a list of character codes. Other encodings get through: the residual risk of every such check.
 */
import type { ObjectAccess } from "../contract/access.ts";
import { decodedForms } from "./decoded-forms.ts";
import type { CheckFailure } from "./define-acceptance.ts";
import { changedFields, collectText } from "./json-values.ts";
import { normalise } from "./normalise.ts";
import type { AcceptanceRecord } from "./record.ts";

/** The objects that hold a text, with the field it is in. */
export type ConfidentialOwners = ReadonlyMap<string, string>;

/** A confidential text found in a normalised text, with every object that holds it. */
export interface ConfidentialHit {
  /** Normalised. */
  readonly text: string;
  readonly owners: ConfidentialOwners;
}

/**
 * Finds, in a normalised text (see {@link normalise}), the first confidential text of the store for which `isLeak` says yes.
 */
export type FindConfidential = (
  normalised: string,
  isLeak: (hit: ConfidentialHit) => boolean,
) => ConfidentialHit | undefined;

/** The failed check `confidentiality`, or undefined. The detail names object and field, never the text. */
export function checkConfidentiality(
  access: readonly ObjectAccess[],
  record: AcceptanceRecord,
  find: FindConfidential,
): CheckFailure | undefined {
  const values: string[] = [];
  const keys: string[] = [];
  collectText(record.reply.body, values, keys);
  for (const { before, after } of record.writes) collectText(changedPart(before, after), values, keys);
  const named = new Set(access.map(({ object }) => object));
  let known: string | undefined;
  const isLeak = (hit: ConfidentialHit): boolean => {
    for (const object of named) if (hit.owners.has(object)) return false;
    known ??= knownText(record);
    return !known.includes(hit.text);
  };
  for (const form of decodedForms(values, keys)) {
    const [owner] = find(form, isLeak)?.owners ?? [];
    if (!owner) continue;
    const [object, field] = owner;
    const detail = `field ${field} of ${object} is shown to an operation that does not name it`;
    return { check: "confidentiality", detail };
  }
  return undefined;
}

/** What a write changed: the fields that differ, or all of it. */
function changedPart(before: unknown, after: unknown): unknown {
  const fields = changedFields(before, after);
  if (!fields) return after;
  const value = after as Readonly<Record<string, unknown>>;
  return fields.map((name) => [name, value[name]]);
}

/** Everything the client knew or may see: its input, and the objects read or written as they were before. */
function knownText(record: AcceptanceRecord): string {
  const texts: string[] = [];
  collectText(record.input, texts, texts);
  for (const { value } of record.reads) collectText(value, texts, texts);
  for (const { before } of record.writes) collectText(before, texts, texts);
  return normalise(texts.join("\n"));
}

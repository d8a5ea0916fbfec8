/**
 * A combinator against texts in which something may be hidden, in whatever encoding: words are let through, what looks like an
 * encoding is not, unless the view knows it (input and objects). For operations whose reply is prose. Answers that rightly hold
 * tokens, identifiers or pictures would be refused: name their fields in `except`.
 */
import type { AcceptanceView } from "./acceptance-view.ts";
import type { Check } from "./define-acceptance.ts";
import { collectText } from "./json-values.ts";
import { marked } from "./strength.ts";

export interface PlainTextOptions {
  /** Top-level fields of the reply that may hold anything. */
  readonly except?: readonly string[];
  /** Characters of text that neither input nor objects explain, in all of the reply. Default 500. */
  readonly unexplainedMax?: number;
}

const UNEXPLAINED_MAX = 500;
/** Words of languages that are written with blanks are seldom longer. */
const WORD_LENGTH_MAX = 45;
/** From here on a run is long enough for letters and digits to tell what it is. */
const RUN_LENGTH_MIN = 10;
/** Bits per character: of a long word up to 3.8, of an encoding of the same length more than 4. */
const ENTROPY_MAX = 4;

/** Failed check: `plain-text`. */
export function plainText<View extends AcceptanceView>(options: PlainTextOptions = {}): Check<View> {
  const { except = [], unexplainedMax = UNEXPLAINED_MAX } = options;
  const check: Check<View> = ({ input, before, touched, reply }) => {
    const known: string[] = [];
    collectText(input, known, known);
    for (const object of touched) collectText(before.get(object as `${string}/${string}`), known, known);
    const knownText = known.join("\n");
    let unexplained = 0;
    for (const { field, text } of textsOf(reply.body, except))
      for (const run of text.split(/[\s,;:.!?()"']+/)) {
        if (run === "" || knownText.includes(run)) continue;
        unexplained += run.length;
        if (looksEncoded(run))
          return { check: "plain-text", detail: `field ${field} of the reply holds what is no word` };
      }
    if (unexplained <= unexplainedMax) return undefined;
    return { check: "plain-text", detail: `the reply holds ${unexplained} characters that nothing explains` };
  };
  return marked("plain-text", check);
}

function textsOf(body: unknown, except: readonly string[]): { field: string; text: string }[] {
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  const fields: [string, unknown][] = isObject ? Object.entries(body) : [["", body]];
  return fields
    .filter(([field]) => !except.includes(field))
    .flatMap(([field, value]) => {
      const values: string[] = [];
      const keys: string[] = [];
      collectText(value, values, keys);
      return [...values, ...keys].map((text) => ({ field, text }));
    });
}

/** Long, or letters and digits or cases mixed as no word has them, and as irregular as an encoding. */
function looksEncoded(run: string): boolean {
  if (run.length > WORD_LENGTH_MAX) return true;
  if (run.length < RUN_LENGTH_MIN) return false;
  const isMixed = (/\d/.test(run) && /\p{L}/u.test(run)) || /\p{Ll}\p{Lu}/u.test(run) || /[+/=%\\&#]/.test(run);
  return isMixed || entropyOf(run) > ENTROPY_MAX;
}

function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

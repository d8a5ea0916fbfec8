/**
 * Secrets in instalments (REQUIREMENTS A13): what one server's replies say one after the other. A reply is reduced to what is unusual in
 * it, the words that other replies of the same operation do not have; of the last ones of each server these are put together and looked
 * through as one text. A finding is no verdict: which replies a tester sees is chance, and a verdict must follow from one change alone. It
 * is told, and t+1 testers that tell it confirm it. Digits are left out: amounts differ in every reply.
 */

import type { FindConfidential } from "./confidentiality.ts";
import { decodedForms } from "./decoded-forms.ts";
import { collectText } from "./json-values.ts";
import { normalise } from "./normalise.ts";

/** One reply as its tester sees it. */
export interface WatchedReply {
  readonly server: string;
  readonly operation: string;
  readonly body: unknown;
  /** Objects the operation names: what they hold is the client's to know. Asked only of replies that hold something unusual. */
  readonly named: () => Iterable<string>;
  /** What the client sent, and the objects as they were: words from there tell nobody anything new. */
  readonly known: readonly unknown[];
}

/** A confidential text that was told in parts. */
export interface PartedLeak {
  readonly object: string;
  readonly field: string;
  /** Over how many replies. */
  readonly replies: number;
}

const REPLIES_MAX = 16;
const FRAGMENT_LENGTH_MAX = 256;
const SERVERS_MAX = 64;
/** A word in so many replies of an operation belongs to its wording. */
const USUAL_FROM = 3;
const WORDS_MAX = 2_048;
const OPERATIONS_MAX = 256;

interface Fragment {
  readonly text: string;
  readonly named: ReadonlySet<string>;
}

export class ReplyWatch {
  readonly #find: FindConfidential;
  readonly #fragments = new Map<string, Fragment[]>();
  readonly #words = new Map<string, Map<string, number>>();

  constructor(find: FindConfidential) {
    this.#find = find;
  }

  /** Takes a reply in; a leak when it completes a text that no operation of the last replies named. */
  seen({ server, operation, body, named, known }: WatchedReply): PartedLeak | undefined {
    const text = this.#unusual(operation, body, known);
    if (text === "") return undefined;
    const fragments = this.#fragments.get(server) ?? [];
    this.#fragments.delete(server);
    this.#fragments.set(server, fragments);
    if (this.#fragments.size > SERVERS_MAX) this.#fragments.delete(this.#fragments.keys().next().value as string);
    fragments.push({ text: text.slice(0, FRAGMENT_LENGTH_MAX), named: new Set(named()) });
    if (fragments.length > REPLIES_MAX) fragments.shift();
    const leak = fragments.length > 1 ? this.#leakIn(fragments) : undefined;
    // Told once: what was put together begins anew.
    if (leak) this.#fragments.delete(server);
    return leak;
  }

  #unusual(operation: string, body: unknown, explained: readonly unknown[]): string {
    const usual = this.#usualWords(operation);
    // Most replies are numbers under names that every reply has: nothing can be hidden there.
    if (isPlain(body, usual)) return "";
    const values: string[] = [];
    collectText(body, values, values);
    const own: string[] = [];
    collectText(explained, own, own);
    const known = new Set(own.flatMap((text) => wordsOf(text)));
    const words = values.flatMap((text) => wordsOf(text));
    const unusual = words.filter((word) => !known.has(word) && (usual.get(word) ?? 0) < USUAL_FROM);
    for (const word of new Set(words)) {
      if (usual.size >= WORDS_MAX && !usual.has(word)) continue;
      usual.set(word, (usual.get(word) ?? 0) + 1);
    }
    return unusual.join(" ");
  }

  #usualWords(operation: string): Map<string, number> {
    const known = this.#words.get(operation);
    if (known) return known;
    const usual = new Map<string, number>();
    this.#words.set(operation, usual);
    if (this.#words.size > OPERATIONS_MAX) this.#words.delete(this.#words.keys().next().value as string);
    return usual;
  }

  #leakIn(fragments: readonly Fragment[]): PartedLeak | undefined {
    const named = new Set(fragments.flatMap((fragment) => [...fragment.named]));
    // What one reply shows alone is for its acceptance test to find.
    const alone = fragments.map(({ text }) => decodedForms([text], []));
    let leak: PartedLeak | undefined;
    const joined = fragments.map(({ text }) => text).join("");
    for (const form of decodedForms([joined], []))
      this.#find(form, ({ text, owners }) => {
        const isNamed = [...owners.keys()].some((object) => named.has(object));
        if (isNamed || alone.some((forms) => forms.some((each) => each.includes(text)))) return false;
        const [owner] = owners;
        if (!owner) return false;
        leak = { object: owner[0], field: owner[1], replies: fragments.length };
        return true;
      });
    return leak;
  }
}

function isPlain(value: unknown, usual: ReadonlyMap<string, number>): boolean {
  if (typeof value === "string") return (usual.get(value) ?? 0) >= USUAL_FROM;
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, usual));
  for (const key of Object.keys(value))
    if ((usual.get(key) ?? 0) < USUAL_FROM || !isPlain((value as Record<string, unknown>)[key], usual)) return false;
  return true;
}

const wordsOf = (text: string): string[] =>
  text.split(/[\s,;:!?()"']+|\.(?=\s|$)/).filter((word) => normalise(word) !== "" && !/^[\d.-]+$/.test(word));

/**
 * Where the confidential texts of a store are found in a reply: an index from the first six letters of each text to the
 * objects that hold it. A replica keeps one beside its objects. Looking through a text costs one map look-up per letter,
 * whatever the number of objects. It does not know who may see what (confidentiality.ts decides).
 */
import type { ContractJson } from "../contract/contract-json.ts";
import { objectContractOf } from "../contract/contract-json.ts";
import type { FindConfidential } from "./confidentiality.ts";
import { CONFIDENTIAL_LENGTH_MIN, normalise } from "./normalise.ts";

interface Entry {
  readonly text: string;
  readonly owners: { readonly object: string; readonly field: string }[];
}

export class ConfidentialIndex {
  readonly #contract: ContractJson;
  readonly #byPrefix = new Map<string, Entry[]>();
  readonly #textsOf = new Map<string, readonly string[]>();

  constructor(contract: ContractJson) {
    this.#contract = contract;
  }

  /** The texts of an object's value that are confidential, in the order of the contract; undefined if objects of its type have none. */
  textsOf(object: string, value: unknown): readonly string[] | undefined {
    const fields = objectContractOf(this.#contract, object)?.confidential ?? [];
    return fields.length === 0 ? undefined : fields.map(({ field }) => confidentialText(value, field));
  }

  /** The texts that are watched for an object. */
  current(object: string): readonly string[] | undefined {
    return this.#textsOf.get(object);
  }

  /** Every object that is watched, with its texts. */
  entries(): IterableIterator<[object: string, texts: readonly string[]]> {
    return this.#textsOf.entries();
  }

  /** Takes over the newest value of an object; null forgets it. Texts shorter than six letters and digits are not watched. */
  update(object: string, value: unknown): void {
    const texts = this.textsOf(object, value);
    if (texts) this.take(object, value === null ? undefined : texts);
  }

  /** Takes over what {@link textsOf} gave for the newest value of an object; undefined forgets it. */
  take(object: string, texts: readonly string[] | undefined): void {
    const fields = objectContractOf(this.#contract, object)?.confidential ?? [];
    const previous = this.#textsOf.get(object);
    if (texts && previous?.every((text, index) => text === texts[index])) return;
    for (const text of previous ?? []) this.#remove(object, text);
    if (texts === undefined) {
      this.#textsOf.delete(object);
      return;
    }
    this.#textsOf.set(object, texts);
    for (const [index, text] of texts.entries()) this.#add(text, { object, field: fields[index]?.field ?? "" });
  }

  /** The first confidential text in a normalised text for which `isLeak` says yes; see {@link FindConfidential}. */
  readonly find: FindConfidential = (normalised, isLeak) => {
    for (let at = 0; at + CONFIDENTIAL_LENGTH_MIN <= normalised.length; at++) {
      const entries = this.#byPrefix.get(normalised.slice(at, at + CONFIDENTIAL_LENGTH_MIN));
      const hit = entries?.find((entry) => normalised.startsWith(entry.text, at) && isLeak(entry));
      if (hit) return hit;
    }
    return undefined;
  };

  #add(text: string, owner: { object: string; field: string }): void {
    if (text.length < CONFIDENTIAL_LENGTH_MIN) return;
    const prefix = text.slice(0, CONFIDENTIAL_LENGTH_MIN);
    const entries = this.#byPrefix.get(prefix);
    const entry = entries?.find((candidate) => candidate.text === text);
    if (entry) entry.owners.push(owner);
    else if (entries) entries.push({ text, owners: [owner] });
    else this.#byPrefix.set(prefix, [{ text, owners: [owner] }]);
  }

  #remove(object: string, text: string): void {
    const prefix = text.slice(0, CONFIDENTIAL_LENGTH_MIN);
    const entries = this.#byPrefix.get(prefix);
    const entry = entries?.find((candidate) => candidate.text === text);
    if (!entries || !entry) return;
    const at = entry.owners.findIndex((owner) => owner.object === object);
    if (at >= 0) entry.owners.splice(at, 1);
    if (entry.owners.length > 0) return;
    entries.splice(entries.indexOf(entry), 1);
    if (entries.length === 0) this.#byPrefix.delete(prefix);
  }
}

function confidentialText(value: unknown, field: string): string {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, field)) return "";
  const text = (value as Readonly<Record<string, unknown>>)[field];
  return typeof text === "string" ? normalise(text) : "";
}

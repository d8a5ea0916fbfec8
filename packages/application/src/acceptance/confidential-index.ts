/**
 * Where the confidential texts of a store are found in a reply: by text its owners, and by the first six letters the lengths of
 * the texts that begin so. A replica keeps one beside its objects. Looking through a text costs one map look-up per letter, and one
 * per length where a text may begin, whatever the number of objects and however alike their texts are: clients choose many of
 * them, and must not be able to make the check slow. It does not know who may see what (confidentiality.ts decides).
 */
import type { ContractJson } from "../contract/contract-json.ts";
import { objectContractOf } from "../contract/contract-json.ts";
import type { ConfidentialOwners, FindConfidential } from "./confidentiality.ts";
import { CONFIDENTIAL_LENGTH_MIN, normalise } from "./normalise.ts";

/** Nearly every text has one owner, which then needs no map of its own. */
type Owners = { readonly object: string; readonly field: string } | Map<string, string>;

export class ConfidentialIndex {
  readonly #contract: ContractJson;
  readonly #owners = new Map<string, Owners>();
  /** First letters → length → how many texts of that length begin so. */
  readonly #lengths = new Map<string, Map<number, number>>();
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

  /** How many objects are watched. */
  get size(): number {
    return this.#textsOf.size;
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
    for (const text of previous ?? []) this.#remove(text, object);
    if (texts === undefined) {
      this.#textsOf.delete(object);
      return;
    }
    this.#textsOf.set(object, texts);
    for (const [index, text] of texts.entries()) this.#add(text, object, fields[index]?.field ?? "");
  }

  /** The first confidential text in a normalised text for which `isLeak` says yes; see {@link FindConfidential}. */
  readonly find: FindConfidential = (normalised, isLeak) => {
    for (let at = 0; at + CONFIDENTIAL_LENGTH_MIN <= normalised.length; at++) {
      const lengths = this.#lengths.get(normalised.slice(at, at + CONFIDENTIAL_LENGTH_MIN));
      for (const length of lengths?.keys() ?? []) {
        if (at + length > normalised.length) continue;
        const text = normalised.slice(at, at + length);
        const owners = this.#owners.get(text);
        const hit = owners && { text, owners: asMap(owners) };
        if (hit && isLeak(hit)) return hit;
      }
    }
    return undefined;
  };

  #add(text: string, object: string, field: string): void {
    if (text.length < CONFIDENTIAL_LENGTH_MIN) return;
    const owners = this.#owners.get(text);
    if (owners === undefined) {
      this.#owners.set(text, { object, field });
      this.#count(text, 1);
    } else if (owners instanceof Map) owners.set(object, field);
    else if (owners.object !== object)
      this.#owners.set(
        text,
        new Map([
          [owners.object, owners.field],
          [object, field],
        ]),
      );
  }

  #remove(text: string, object: string): void {
    const owners = this.#owners.get(text);
    if (owners === undefined) return;
    if (owners instanceof Map) {
      owners.delete(object);
      if (owners.size > 0) return;
    } else if (owners.object !== object) return;
    this.#owners.delete(text);
    this.#count(text, -1);
  }

  #count(text: string, change: 1 | -1): void {
    const prefix = text.slice(0, CONFIDENTIAL_LENGTH_MIN);
    const lengths = this.#lengths.get(prefix) ?? new Map<number, number>();
    const count = (lengths.get(text.length) ?? 0) + change;
    if (count > 0) lengths.set(text.length, count);
    else lengths.delete(text.length);
    if (lengths.size > 0) this.#lengths.set(prefix, lengths);
    else this.#lengths.delete(prefix);
  }
}

const asMap = (owners: Owners): ConfidentialOwners =>
  owners instanceof Map ? owners : new Map([[owners.object, owners.field]]);

function confidentialText(value: unknown, field: string): string {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, field)) return "";
  const text = (value as Readonly<Record<string, unknown>>)[field];
  return typeof text === "string" ? normalise(text) : "";
}

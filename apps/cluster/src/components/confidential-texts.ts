/**
 * The confidential texts of everything *verified* that a server stores, for the leak check beside its acceptance tests: what is
 * only pending may be an intruder's invention, and must not make honest replies look like leaks.
 *
 * It follows from the server's records alone, so it is replayed with them, or restored from a checkpoint of its own and the records
 * behind that. Of a pending change it keeps the confidential texts only, and of so many changes at most.
 */
import { ConfidentialIndex, type ContractJson } from "@redoubt/application";
import { type ChangeRecord, type Decision, LIMITS, parseStored } from "@redoubt/shared";

/** Changes remembered until the masters decide; the oldest are forgotten first (they are dead or long decided). */
const UNVERIFIED_MAX = 2 * LIMITS.unlabelledChangesMax;
/** Objects in one part of a checkpoint. */
const PART_OBJECTS = 8_192;

type Texts = readonly string[];
/** What a change would make of the texts of an object; null: the object is forgotten. */
type Update = readonly [object: string, texts: Texts | null];
type Part =
  | { readonly objects: readonly (readonly [string, Texts])[] }
  | { readonly unverified: readonly (readonly [string, readonly Update[]])[] };

export class ConfidentialTexts {
  readonly #index: ConfidentialIndex;
  /** By request id and attempt; a change that leaves all confidential texts as they are is not in it. */
  readonly #unverified = new Map<string, readonly Update[]>();
  /** How many changes in {@link #unverified} would change an object's texts. */
  readonly #changing = new Map<string, number>();

  /** What was restored may hold texts of records that are still to be told: nothing can be compared with it. */
  #isAhead = false;

  constructor(contract: ContractJson) {
    this.#index = new ConfidentialIndex(contract);
  }

  get find(): ConfidentialIndex["find"] {
    return this.#index.find;
  }

  /** To be told every change the server stores; it counts once it is verified. */
  stored(record: ChangeRecord): void {
    const updates: Update[] = [];
    for (const { object, bytes } of record.writes) {
      const value = parse(bytes);
      const texts = value === undefined ? undefined : this.#index.textsOf(object, value);
      const change = value === null ? null : texts;
      if (change !== undefined && !this.#isUnchanged(object, change)) updates.push([object, change]);
    }
    if (updates.length === 0) return;
    const { requestId, attempt } = record.ticket.body;
    if (this.#unverified.size >= UNVERIFIED_MAX) this.#forget(this.#unverified.keys().next().value as string);
    this.#keep(`${requestId}/${attempt}`, updates);
  }

  /** Every record behind the restored checkpoint has been told. */
  started(): void {
    this.#isAhead = false;
  }

  /** Most changes do not touch a confidential text. With another change of the object pending nothing can be said yet. */
  #isUnchanged(object: string, texts: Texts | null): boolean {
    if (this.#isAhead || this.#changing.has(object)) return false;
    const current = this.#index.current(object);
    if (texts === null || current === undefined) return texts === null && current === undefined;
    return current.length === texts.length && current.every((text, index) => text === texts[index]);
  }

  #keep(name: string, updates: readonly Update[]): void {
    this.#forget(name);
    this.#unverified.set(name, updates);
    for (const [object] of updates) this.#changing.set(object, (this.#changing.get(object) ?? 0) + 1);
  }

  #forget(name: string): void {
    for (const [object] of this.#unverified.get(name) ?? []) {
      const rest = (this.#changing.get(object) ?? 1) - 1;
      if (rest > 0) this.#changing.set(object, rest);
      else this.#changing.delete(object);
    }
    this.#unverified.delete(name);
  }

  /** To be told what the masters decided. */
  decided(decisions: readonly Decision[]): void {
    if (this.#unverified.size === 0) return;
    for (const decision of decisions) {
      if (decision.kind !== "verified") continue;
      const name = `${decision.change.requestId}/${decision.change.attempt}`;
      for (const [object, texts] of this.#unverified.get(name) ?? []) this.#index.take(object, texts ?? undefined);
      this.#forget(name);
    }
  }

  /**
   * What {@link restore} takes: JSON, a few thousand objects in each part, made as they are asked for so that a million objects stop
   * nobody. An object that changes meanwhile may be in it as it was or as it has become: its record will be told again.
   */
  save(): Iterable<Uint8Array> {
    const unverified: Part = { unverified: [...this.#unverified] };
    const index = this.#index;
    const { size } = index;
    return (function* () {
      yield bytesOf(unverified);
      let objects: (readonly [string, Texts])[] = [];
      let left = size;
      for (const entry of index.entries()) {
        if (left-- === 0) break;
        objects.push(entry);
        if (objects.length < PART_OBJECTS) continue;
        yield bytesOf({ objects });
        objects = [];
      }
      yield bytesOf({ objects });
    })();
  }

  restore(parts: readonly Uint8Array[]): void {
    this.#isAhead = true;
    for (const bytes of parts) {
      const part = JSON.parse(Buffer.from(bytes).toString()) as Part;
      if ("objects" in part) for (const [object, texts] of part.objects) this.#index.take(object, texts);
      else for (const [name, updates] of part.unverified) this.#keep(name, updates);
    }
  }
}

const bytesOf = (part: Part): Uint8Array => Buffer.from(JSON.stringify(part));

/** Undefined: no JSON. */
function parse(bytes: string | null): unknown {
  if (bytes === null) return null;
  try {
    return JSON.parse(parseStored(bytes).text);
  } catch {
    return undefined;
  }
}

/**
 * Facts for the configuration manager: numbered, journalled, repeated until acknowledged, so that a report survives the
 * crash of either side (REQUIREMENTS R42, U31).
 */
import type { NumberedFact, RegulatorFact } from "@redoubt/shared";

const FACTS_PER_MESSAGE_MAX = 64;
const CHARACTERS_PER_MESSAGE_MAX = 1_000_000;
/** A quarantined request's fact but for its payload: most of it the hops that led there. */
const QUARANTINED_CHARACTERS = 16_000;
/** Facts come from convictions, never straight from what a client sends; more than this unread are not kept in memory. */
const UNREAD_MAX = 20_000;
const REPEAT_MS = 500;

export class FactLedger {
  #last = 0;
  #unread: NumberedFact[] = [];
  #sentThrough = 0;
  #repeatAt: number | undefined;

  /** Numbers a fact; the caller journals it. */
  add(fact: RegulatorFact, at: number): NumberedFact {
    const numbered = { number: ++this.#last, at, fact };
    this.restore(numbered);
    return numbered;
  }

  restore(fact: NumberedFact): void {
    this.#last = Math.max(this.#last, fact.number);
    this.#unread.push(fact);
    if (this.#unread.length > UNREAD_MAX) this.#unread.shift();
  }

  export(): { readonly last: number; readonly unread: readonly NumberedFact[] } {
    return { last: this.#last, unread: [...this.#unread] };
  }

  restoreAll({ last, unread }: ReturnType<FactLedger["export"]>): void {
    for (const fact of unread) this.restore(fact);
    this.#last = Math.max(this.#last, last);
  }

  /** True when it was news. */
  acknowledge(through: number): boolean {
    const before = this.#unread.length;
    if (through > this.#last) return false;
    this.#unread = this.#unread.filter((fact) => fact.number > through);
    if (this.#unread.length === 0) this.#repeatAt = undefined;
    return this.#unread.length < before;
  }

  /** Facts to send now: new ones at once, all unread ones again after a while without an acknowledgement. */
  due(now: number): readonly NumberedFact[] {
    if (this.#unread.length === 0) return [];
    const repeat = this.#repeatAt !== undefined && now >= this.#repeatAt;
    if (repeat) this.#sentThrough = 0;
    const batch: NumberedFact[] = [];
    let characters = 0;
    for (const fact of this.#unread) {
      if (fact.number <= this.#sentThrough) continue;
      characters += fact.fact.kind === "quarantined" ? fact.fact.payload.length + QUARANTINED_CHARACTERS : 500;
      if (batch.length >= FACTS_PER_MESSAGE_MAX || (batch.length > 0 && characters > CHARACTERS_PER_MESSAGE_MAX)) break;
      batch.push(fact);
    }
    const last = batch.at(-1);
    if (last) {
      this.#sentThrough = last.number;
      this.#repeatAt = now + REPEAT_MS;
    }
    return batch;
  }

  /** When there is something to send or to repeat. */
  wakeAt(now: number): number | undefined {
    const last = this.#unread.at(-1);
    if (!last) return undefined;
    return last.number > this.#sentThrough ? now : this.#repeatAt;
  }

  get unread(): number {
    return this.#unread.length;
  }
}

/** Judges honest and forged records with all built-in checks, and says what a forgery would have done. */
import { ConfidentialIndex } from "../../acceptance/confidential-index.ts";
import { jsonEqual } from "../../acceptance/json-values.ts";
import type { AcceptanceApplication } from "../../acceptance/prepare-acceptance.ts";
import type { AcceptanceOutcome, AcceptanceRecord } from "../../acceptance/record.ts";
import { runAcceptance } from "../../acceptance/run-acceptance.ts";
import type { World } from "./cases.ts";
import type { Harm } from "./types.ts";

export class Judge {
  readonly #application: AcceptanceApplication;
  readonly #confidential: ConfidentialIndex;
  readonly #world: World;

  constructor(application: AcceptanceApplication, world: World) {
    this.#application = application;
    this.#world = world;
    this.#confidential = new ConfidentialIndex(application.contract);
    for (const [object, value] of world) this.#confidential.update(object, value);
  }

  /** As a member would judge that holds the world with the overlay. */
  judge(record: AcceptanceRecord, overlay: ReadonlyMap<string, unknown>): AcceptanceOutcome {
    for (const [object, value] of overlay) this.#confidential.update(object, value);
    const outcome = runAcceptance(this.#application, record, { findConfidential: this.#confidential.find });
    for (const object of overlay.keys()) this.#confidential.update(object, this.#world.get(object) ?? null);
    return outcome;
  }
}

/** What differs from the honest record; undefined: nothing. */
export function harmOf(honest: AcceptanceRecord, forged: AcceptanceRecord): Harm | undefined {
  if (!sameState(honest, forged)) return "state";
  const { reply } = honest;
  if (reply.status !== forged.reply.status || !jsonEqual(reply.body, forged.reply.body)) return "reply";
  return jsonEqual(accessesOf(honest), accessesOf(forged)) ? undefined : "access";
}

/** New values by object; a write that changes nothing is none. */
export function stateOf({ writes }: AcceptanceRecord): Record<string, unknown> {
  const changed = writes.filter(({ before, after }) => !jsonEqual(before, after));
  return Object.fromEntries(changed.map(({ object, after }) => [object, after]));
}

const sameState = (first: AcceptanceRecord, second: AcceptanceRecord): boolean =>
  jsonEqual(stateOf(first), stateOf(second));

const accessesOf = ({ reads, writes, accesses }: AcceptanceRecord): unknown => [
  reads.map(({ object }) => object),
  writes.map(({ object }) => object),
  (accesses ?? []).map(({ object, granted }) => `${object} ${granted}`),
];

/** Both refuse: if the test accepts the forged refusal, it is as true as the honest one. */
export const isOtherRefusal = (honest: AcceptanceRecord, forged: AcceptanceRecord): boolean =>
  honest.reply.status !== 200 && forged.reply.status !== 200 && sameState(honest, forged);

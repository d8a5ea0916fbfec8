/** Counting what was tried and caught, and keeping what was accepted, in groups of the same kind. */
import type { AcceptanceOutcome, AcceptanceRecord } from "../../acceptance/record.ts";
import type { Suggest } from "./candidates.ts";
import { stateOf } from "./judging.ts";
import type { Harm, Survivor, Tally } from "./types.ts";

/** Accepted forgeries of one kind kept for the candidates. */
const KEPT_MAX = 40;

interface Group {
  readonly operation: string;
  readonly behaviour: string;
  readonly what: string;
  readonly harm: Harm;
  readonly accepted: { readonly honest: AcceptanceRecord; readonly forged: AcceptanceRecord }[];
  count: number;
  tried: number;
}

export class Counter {
  readonly #tried: Record<Harm, number> = { state: 0, reply: 0, access: 0 };
  readonly #caught: Record<Harm, number> = { state: 0, reply: 0, access: 0 };
  readonly #by = new Map<string, number>();

  add(harm: Harm, outcome: AcceptanceOutcome): void {
    this.#tried[harm]++;
    if (outcome.pass) return;
    this.#caught[harm]++;
    this.#by.set(outcome.check, (this.#by.get(outcome.check) ?? 0) + 1);
  }

  of(harm: Harm): Tally {
    return { tried: this.#tried[harm], caught: this.#caught[harm] };
  }

  get caughtBy(): Record<string, number> {
    return Object.fromEntries([...this.#by].sort(([, first], [, second]) => second - first));
  }
}

export class Survivors {
  readonly #groups = new Map<string, Group>();

  add(
    kind: { readonly operation: string; readonly behaviour: string; readonly what: string },
    harm: Harm,
    outcome: AcceptanceOutcome,
    honest: AcceptanceRecord,
    forged: AcceptanceRecord,
  ): void {
    const name = `${kind.operation}|${kind.behaviour}|${kind.what}|${harm}`;
    const group = this.#groups.get(name) ?? { ...kind, harm, accepted: [], count: 0, tried: 0 };
    this.#groups.set(name, group);
    group.tried++;
    if (!outcome.pass) return;
    group.count++;
    if (group.accepted.length < KEPT_MAX) group.accepted.push({ honest, forged });
  }

  /** Those that change the state first. */
  report(suggestFor: (operation: string) => Suggest): Survivor[] {
    const order: Readonly<Record<Harm, number>> = { state: 0, reply: 1, access: 2 };
    return [...this.#groups.values()]
      .filter(({ count }) => count > 0)
      .sort((first, second) => order[first.harm] - order[second.harm] || second.count - first.count)
      .map((group) => survivorOf(group, suggestFor(group.operation)));
  }
}

function survivorOf({ operation, behaviour, what, harm, accepted, count, tried }: Group, suggest: Suggest): Survivor {
  const first = accepted[0] as Group["accepted"][number];
  return {
    operation,
    behaviour,
    what,
    harm,
    accepted: count,
    tried,
    example: {
      input: first.honest.input,
      honestReply: first.honest.reply,
      forgedReply: first.forged.reply,
      honestState: stateOf(first.honest),
      forgedState: stateOf(first.forged),
    },
    caughtBy: suggest(accepted.map(({ forged }) => forged)),
  };
}

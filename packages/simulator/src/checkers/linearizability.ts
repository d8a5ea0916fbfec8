/**
 * Every account alone is linearizable: a search after Wing and Gong with the memory of Lowe, over the clients' histories
 * only. It knows neither decisions nor disks, so it would also find what the other checkers share an error about.
 * Linearizability is local, so one object after the other is enough; the order across objects is `serializability.ts`'s.
 */
import { accountName, firstStamps } from "../bank.ts";
import type { Checker, ClientOperation, Violation } from "../observation.ts";
import { footprintOf } from "./serializability.ts";

/** One operation on one account. */
export interface Step {
  readonly id: number;
  readonly invokedAt: number;
  /** Infinity: never answered; it may take effect at any time, or never. */
  readonly completedAt: number;
  /** Stamp it saw; undefined where nobody knows. */
  readonly saw: string | undefined;
  /** Stamp it left; undefined for a read. */
  readonly left: string | undefined;
}

/** Configurations looked at before the search gives up; a history of a seed needs a few hundred. */
const SEARCHED_MAX = 200_000;

function stepOf(operation: ClientOperation, account: string): Step | undefined {
  const { id, invokedAt, status, input } = operation;
  if (operation.completedAt === undefined || status === undefined) {
    const { from, to, account: only } = input;
    const touches = [from, to, only].some((each) => each !== undefined && accountName(each) === account);
    if (!touches || operation.operation === "read") return undefined;
    return { id, invokedAt, completedAt: Number.POSITIVE_INFINITY, saw: undefined, left: input.stamp };
  }
  if (status !== 200 && status !== 422) return undefined;
  const { reads, writes } = footprintOf(operation);
  const saw = reads.get(account);
  if (saw === undefined) return undefined;
  const { completedAt } = operation;
  return { id, invokedAt, completedAt, saw, left: writes.includes(account) ? input.stamp : undefined };
}

export const checkLinearizability: Checker = ({ operations }) => {
  const violations: Violation[] = [];
  for (const [name, first] of firstStamps()) {
    const steps = operations.flatMap((operation) => stepOf(operation, name) ?? []);
    const verdict = isLinearizable(steps, first);
    if (verdict !== true)
      violations.push({
        invariant: "I6",
        detail: `${name}: no linearization of ${steps.length} operations (${verdict})`,
      });
  }
  return violations;
};

/** True, or why not: "impossible", or "too many to search". Any order that respects real time and what was seen will do. */
export function isLinearizable(steps: readonly Step[], initial: string): true | "impossible" | "too many to search" {
  const order = [...steps].sort((left, right) => left.invokedAt - right.invokedAt);
  const done = new Set<number>();
  const seen = new Set<string>();
  const trail: { readonly step: number; readonly before: string }[] = [];
  let state = initial;
  let from = 0;
  let searched = 0;
  for (;;) {
    if (order.every((step, index) => done.has(index) || step.completedAt === Number.POSITIVE_INFINITY)) return true;
    const next = nextStep(order, done, state, from);
    if (next !== undefined) {
      if (++searched > SEARCHED_MAX) return "too many to search";
      const before = state;
      done.add(next);
      state = order[next]?.left ?? state;
      const configuration = `${nameOf(done)} ${state}`;
      if (!seen.has(configuration)) {
        seen.add(configuration);
        trail.push({ step: next, before });
        from = 0;
        continue;
      }
      done.delete(next);
      state = before;
      from = next + 1;
      continue;
    }
    const last = trail.pop();
    if (!last) return "impossible";
    done.delete(last.step);
    state = last.before;
    from = last.step + 1;
  }
}

/** First step from that index on that may come next: nothing undone was over before it began, and it saw what is there. */
function nextStep(order: readonly Step[], done: ReadonlySet<number>, state: string, from: number): number | undefined {
  let earliestEnd = Number.POSITIVE_INFINITY;
  for (const [index, step] of order.entries()) {
    if (step.invokedAt > earliestEnd) return undefined;
    if (done.has(index)) continue;
    if (index >= from && (step.saw === undefined || step.saw === state)) return index;
    earliestEnd = Math.min(earliestEnd, step.completedAt);
  }
  return undefined;
}

const nameOf = (done: ReadonlySet<number>): string => [...done].sort((left, right) => left - right).join();

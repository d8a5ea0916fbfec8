/**
 * How strong an operation's acceptance test is, as far as that can be counted: which combinators it is made of. Counted once,
 * when the application is bundled, and shown to administrators; nothing is decided by it. A check that was written without
 * a combinator counts as `custom`: what it looks at nobody can tell from outside.
 */
import type { ContractJson, OperationStrength } from "../contract/contract-json.ts";
import type { AcceptanceApplication } from "./prepare-acceptance.ts";

/** By symbol, because a bundled application carries its own copy of the combinators. */
const MARK = Symbol.for("redoubt.check");

interface Mark {
  readonly kind: string;
  readonly inner: readonly unknown[];
}

/** The check, marked as a combinator's; `inner`: the checks it is made of. */
export const marked = <Check extends object>(kind: string, check: Check, inner: readonly unknown[] = []): Check =>
  Object.assign(check, { [MARK]: { kind, inner } satisfies Mark });

/** Combinators of one check by kind; `all` counts for what is in it. */
export function countCombinators(check: unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  const visit = (each: unknown): void => {
    const mark = typeof each === "function" ? (each as { [MARK]?: Mark })[MARK] : undefined;
    if (mark?.kind === "all") {
      for (const inner of mark.inner) visit(inner);
      return;
    }
    const kind = mark?.kind ?? "custom";
    counts[kind] = (counts[kind] ?? 0) + 1;
  };
  visit(check);
  return counts;
}

/** The contract with the strength of each operation's acceptance test noted in it. */
export function withStrength({ contract, routines }: AcceptanceApplication): ContractJson {
  const strength: Record<string, OperationStrength> = {};
  for (const [operation, { accept, refusals }] of routines)
    strength[operation] = { combinators: countCombinators(accept), refusals: Object.keys(refusals ?? {}).length };
  return { ...contract, strength };
}

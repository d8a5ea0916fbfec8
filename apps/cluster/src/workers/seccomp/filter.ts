/**
 * The seccomp filter of workers, as bubblewrap takes it on a descriptor: built from the rules of system-calls.ts for the
 * machine's architecture. System calls of any other architecture (32-bit ones, x32) end the process: their numbers mean
 * something else, and Node makes none.
 */
import { assemble, SECCOMP_DATA, type Step } from "./assemble.ts";
import { SYSTEM_CALL_RULES, type SystemCallAction, type SystemCallRule } from "./system-calls.ts";

export type FilteredArchitecture = "x64" | "arm64";

/** AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64. */
export const ARCHITECTURE_CODE: Readonly<Record<FilteredArchitecture, number>> = {
  x64: 0xc000_003e,
  arm64: 0xc000_00b7,
};
/** What a filter returns (linux/seccomp.h). */
export const RETURN = { allow: 0x7fff_0000, end: 0x8000_0000, error: 0x0005_0000 } as const;
/** System calls of the x32 ABI have this bit in their number. */
const X32_BIT = 0x4000_0000;

export const isFilteredArchitecture = (architecture: string): architecture is FilteredArchitecture =>
  architecture === "x64" || architecture === "arm64";

/** The filter's program for an architecture; `rules` for tests. */
export function workerFilter(
  architecture: FilteredArchitecture,
  rules: readonly SystemCallRule[] = SYSTEM_CALL_RULES,
): Uint8Array {
  const steps: Step[] = [
    { kind: "load", offset: SECCOMP_DATA.architecture },
    { kind: "jump", test: "equal", value: ARCHITECTURE_CODE[architecture], whenTrue: "known" },
    { kind: "return", value: RETURN.end },
    { kind: "label", name: "known" },
    { kind: "load", offset: SECCOMP_DATA.callNumber },
  ];
  if (architecture === "x64")
    steps.push(
      { kind: "jump", test: "atLeast", value: X32_BIT, whenFalse: "native" },
      { kind: "return", value: RETURN.end },
      { kind: "label", name: "native" },
    );
  for (const rule of rules) steps.push(...ruleSteps(rule, rule[architecture]));
  steps.push({ kind: "return", value: RETURN.allow });
  return assemble(steps);
}

/** The accumulator holds the call's number before and after: where the call is this one, every way ends in a return. */
function ruleSteps({ name, conditions, otherwise }: SystemCallRule, number: number | null): readonly Step[] {
  if (number === null) return [];
  const steps: Step[] = [{ kind: "jump", test: "equal", value: number, whenFalse: `not ${name}` }];
  for (const [index, { argument, test, value, action }] of conditions.entries()) {
    const next = `${name} after ${index}`;
    steps.push(
      { kind: "load", offset: SECCOMP_DATA.argument(argument) },
      { kind: "jump", test, value, whenFalse: next },
      { kind: "return", value: returnValue(action) },
      { kind: "label", name: next },
    );
  }
  steps.push({ kind: "return", value: returnValue(otherwise) }, { kind: "label", name: `not ${name}` });
  return steps;
}

const returnValue = (action: SystemCallAction): number =>
  action === "allow" ? RETURN.allow : action === "end" ? RETURN.end : RETURN.error | action.errno;

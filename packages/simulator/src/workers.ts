/**
 * The processes around the cores that run application code: execution workers and acceptance workers, as pure functions
 * whose results arrive late. The workers of a Byzantine execution server are bent here by its adversary (the shell
 * around them stays honest; a lying shell is the business of the world's sending).
 */
import type { Adversary, ExecutionOutcome } from "@redoubt/adversary";
import type { AcceptanceTestEffect, ExecutionServerEffect } from "@redoubt/protocol";
import type { Verdict } from "@redoubt/shared";
import {
  type AcceptanceRecord,
  type Account,
  acceptanceFailure,
  type BankInput,
  type BankReply,
  canonical,
  execute,
} from "./bank.ts";

export type ExecuteEffect = Extract<ExecutionServerEffect, { kind: "execute" }>;

const parse = (bytes: string | null): Account | null => (bytes === null ? null : (JSON.parse(bytes) as Account));

/** Input for the execution server's core once the worker is done. */
export function runExecution(
  effect: ExecuteEffect,
  adversary: Adversary | undefined,
  loot: Map<string, string>,
): { readonly kind: string } {
  const { execution, operation } = effect;
  const failed = (reason: "crash" | "thrown", detail: string): { kind: string } =>
    ({ kind: "failed", execution, reason, detail, alsoInside: [] }) as { kind: string };
  if (operation === "crash") return failed("crash", "worker ended");
  try {
    return compute(effect, adversary, loot);
  } catch (error) {
    // What a captured server wrote need not be what the application can read; nobody has tested it yet.
    return failed("thrown", String(error));
  }
}

function compute(
  effect: ExecuteEffect,
  adversary: Adversary | undefined,
  loot: Map<string, string>,
): { readonly kind: string } {
  const { execution, operation } = effect;
  const provided = new Map(effect.provided.map(({ object, bytes }) => [object, parse(bytes)]));
  for (const { object, bytes } of effect.provided) if (bytes !== null) loot.set(object, bytes);
  const result = execute(operation, JSON.parse(effect.input) as BankInput, provided, effect.applicationVersion);
  const honest: ExecutionOutcome = {
    reply: { status: result.reply.status, body: canonical(result.reply.body) },
    reads: [...provided.keys()],
    writes: result.writes.map(({ object, value }) => ({ object, value: canonical(value) })),
  };
  const outcome = adversary?.bendExecution?.({ operation, input: effect.input, loot }, honest) ?? honest;
  return { kind: "finished", execution, ...outcome } as { kind: string };
}

/** The acceptance worker's verdict. */
export function runTest(effect: AcceptanceTestEffect): Verdict {
  const denied = effect.accesses.find(({ granted }) => !granted);
  if (denied) return { kind: "fail", check: "access-log", detail: `asked for ${denied.object}` };
  try {
    const record: AcceptanceRecord = {
      version: effect.applicationVersion,
      operation: effect.operation,
      input: JSON.parse(effect.input) as BankInput,
      reads: new Map(effect.reads.map(({ object, bytes }) => [object, parse(bytes)])),
      writes: effect.writes.map(({ object, before, after }) => ({
        object,
        before: parse(before),
        after: JSON.parse(after) as Account,
      })),
      reply: JSON.parse(effect.reply) as { status: number; body: BankReply },
    };
    const check = acceptanceFailure(record);
    return check === undefined
      ? { kind: "pass" }
      : { kind: "fail", check, detail: `${effect.operation} failed ${check}` };
  } catch {
    return { kind: "fail", check: "malformed", detail: "reply or state is no JSON of the expected shape" };
  }
}

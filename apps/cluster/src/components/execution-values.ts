/** Between an execution server's core, for which objects are stored bytes, and its workers, for which they are values in a schema. */
import { type ContractJson, objectContractOf } from "@redoubt/application";
import type { ExecutionServerEffect, ExecutionServerInput } from "@redoubt/protocol";
import { canonicalJson, composeStored, FIRST_SCHEMA_VERSION, parseStored } from "@redoubt/shared";
import type { ExecutionOutput } from "../workers/index.ts";

type ExecuteEffect = Extract<ExecutionServerEffect, { kind: "execute" }>;
type FinishedInput = Omit<Extract<ExecutionServerInput, { kind: "finished" }>, "now" | "wall">;

/** Value and, where it is another than the contract's, schema version of stored bytes. */
export function readValue(
  contract: ContractJson,
  object: string,
  bytes: string | null,
): { value: unknown; schema?: number } {
  if (bytes === null) return { value: null };
  const { schemaVersion, text } = parseStored(bytes);
  const value = JSON.parse(text) as unknown;
  return schemaVersion === (objectContractOf(contract, object)?.version ?? FIRST_SCHEMA_VERSION)
    ? { value }
    : { value, schema: schemaVersion };
}

/** What a worker is told of an execution. */
export const startOf = (contract: ContractJson, effect: ExecuteEffect) => {
  const values = effect.provided.map(({ object, bytes }) => ({ object, ...readValue(contract, object, bytes) }));
  const others = values.flatMap(({ object, schema }) => (schema === undefined ? [] : [[object, schema] as const]));
  return {
    execution: effect.execution,
    operation: effect.operation,
    input: JSON.parse(effect.input) as unknown,
    context: { principal: effect.principal, now: effect.now, seed: effect.seed, requestId: effect.requestId },
    provided: Object.fromEntries(values.map(({ object, value }) => [object, value])),
    ...(others.length > 0 ? { schemas: Object.fromEntries(others) } : {}),
    deadlineMs: effect.deadlineMs,
    disposable: effect.disposable,
  };
};

/** What the core is told: new versions are stored in the schema of the version that wrote them. */
export const finishedInput = (contract: ContractJson, execution: string, output: ExecutionOutput): FinishedInput => ({
  kind: "finished",
  execution,
  reply: { status: output.reply.status, body: canonicalJson(output.reply.body) },
  reads: output.reads,
  writes: output.writes.map(({ object, value }) => ({
    object,
    value: composeStored(objectContractOf(contract, object)?.version ?? FIRST_SCHEMA_VERSION, canonicalJson(value)),
  })),
});

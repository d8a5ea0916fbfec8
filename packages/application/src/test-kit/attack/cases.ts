/**
 * Honest cases to attack: requests that the contract allows, on a state that honest requests have led to and on states where objects
 * hold anything their schema allows. Variety matters more than number: with equal balances everywhere, a wrong field looks right.
 */
import fc from "fast-check";
import { z } from "zod";
import type { AcceptanceRecord } from "../../acceptance/record.ts";
import { evaluateAccess } from "../../contract/access.ts";
import type { ContractJson } from "../../contract/contract-json.ts";
import { objectContractOf, operationOf } from "../../contract/contract-json.ts";
import type { OperationResult } from "../../execution/run-operation.ts";
import { arbitraryOf } from "../arbitraries.ts";
import { inputsOf, requestsOf } from "../requests.ts";
import { numbersOf, withLeaf } from "./leaves.ts";
import type { Execution, ExecutionJob } from "./threads.ts";

/** Runs handlers somewhere. */
export type Execute = (jobs: readonly ExecutionJob[]) => Promise<readonly Execution[]>;

const PRINCIPAL = "client-of-the-attack";
/** 2026-03-01T12:00:00Z. */
const NOW = 1_772_366_400_000;
const WARM_UP = 60;
const OBJECTS_MAX = 8;

export type World = ReadonlyMap<string, unknown>;

/** A state that honest requests have led to from the first one, all of them accepted. */
export async function warmUp(
  contract: ContractJson,
  seed: number,
  execute: Execute,
  accepts: (record: AcceptanceRecord) => boolean,
): Promise<Map<string, unknown>> {
  const world = new Map(contract.genesis.map(({ object, value }) => [object, value]));
  const changed = new Map<string, unknown>();
  for (const { operation, input } of sample(requestsOf(contract), seed, WARM_UP)) {
    const job = jobOf(operation, input, `warm-up-${changed.size}`, changed);
    const [execution] = await execute([job]);
    if (execution?.kind !== "done") continue;
    const record = recordOf(job, execution.result, world);
    if (!accepts(record)) continue;
    for (const { object, after } of record.writes) {
      world.set(object, after);
      changed.set(object, after);
    }
  }
  return world;
}

/** Where requests come from. */
export interface RequestSource {
  readonly world: World;
  readonly seed: number;
  readonly count: number;
  /** Words of the application's source. */
  readonly words: readonly string[];
}

/** Requests of one operation: every second one on objects with random values, every third with a number of the objects' own. */
export function jobsOf(
  contract: ContractJson,
  operation: string,
  { world, seed, count, words }: RequestSource,
): ExecutionJob[] {
  const objects = spread([...world.keys()]);
  const inputs = sample(inputsOf(contract, operation, { objects, words }), seed, count);
  return inputs.map((input, index) => {
    const overlay =
      index % 2 === 0 ? new Map<string, unknown>() : randomValues(contract, operation, input, world, seed + index);
    const sent =
      index % 3 === 0 ? atTheEdge(contract, operation, input, new Map([...world, ...overlay]), index) : input;
    return jobOf(operation, sent, `${operation}-${index}`, overlay);
  });
}

/** The input with one number equal to one of the objects' numbers, or next to it: where `<` and `<=` differ. */
function atTheEdge(contract: ContractJson, operation: string, input: unknown, world: World, index: number): unknown {
  const access = evaluateAccess(contract, operation, input);
  const named = access.ok ? access.value.map(({ object }) => object) : [];
  const numbers = named.flatMap((object) => numbersOf(world.get(object))).map(({ value }) => value);
  const places = numbersOf(input).filter(
    ({ value }) => !named.some((object) => object.split("/").includes(String(value))),
  );
  const [place, number] = [
    places[index % Math.max(1, places.length)],
    numbers[Math.floor(index / 3) % Math.max(1, numbers.length)],
  ];
  if (!place || number === undefined) return input;
  const changed = withLeaf(input, place.path, number + ((Math.floor(index / 9) % 3) - 1));
  const schema = operationOf(contract, operation)?.input ?? {};
  return z.fromJSONSchema(schema).safeParse(changed).success ? changed : input;
}

/** A few objects of each type. */
function spread(objects: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return objects.filter((object) => {
    const type = object.split("/")[0] ?? "";
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    return count <= OBJECTS_MAX;
  });
}

function randomValues(
  contract: ContractJson,
  operation: string,
  input: unknown,
  world: World,
  seed: number,
): Map<string, unknown> {
  const access = evaluateAccess(contract, operation, input);
  const values = new Map<string, unknown>();
  for (const [index, { object }] of (access.ok ? access.value : []).entries()) {
    const type = objectContractOf(contract, object);
    if (!type || !world.has(object)) continue;
    const [value] = sample(arbitraryOf(type.schema), seed * 31 + index, 1);
    values.set(object, value);
  }
  return values;
}

/** What the same server did for other requests, or would do on older objects: presented in this case's place. */
export function otherJobs(
  contract: ContractJson,
  job: ExecutionJob,
  others: readonly ExecutionJob[],
  world: World,
): { readonly what: string; readonly job: ExecutionJob }[] {
  const same = others.filter((other) => other !== job).slice(0, 2);
  const numbers = numbersOf(job.input);
  const access = evaluateAccess(contract, job.operation, job.input);
  const overlay = new Map(job.overlay);
  const older = (access.ok ? access.value : []).flatMap(({ object }) => {
    const value = overlay.has(object) ? overlay.get(object) : world.get(object);
    return numbersOf(value).map(({ path, value: number }) => [object, withLeaf(value, path, number + 7)] as const);
  });
  const like = (input: unknown, changes: ReadonlyMap<string, unknown> = overlay): ExecutionJob => ({
    ...job,
    input,
    overlay: [...changes],
  });
  return [
    ...same.map((other) => ({ what: "another request's work", job: like(other.input) })),
    ...numbers.map(({ path, value }) => ({
      what: `work for input.${path.join(".")} + 1`,
      job: like(withLeaf(job.input, path, value + 1)),
    })),
    ...numbers.flatMap((first, index) =>
      numbers.slice(index + 1, index + 2).map((second) => ({
        what: `work for input.${first.path.join(".")} and ${second.path.join(".")} exchanged`,
        job: like(withLeaf(withLeaf(job.input, first.path, second.value), second.path, first.value)),
      })),
    ),
    ...older.map(([object, value]) => ({
      what: "work on objects as they were earlier",
      job: like(job.input, new Map([...overlay, [object, value]])),
    })),
  ];
}

export const jobOf = (
  operation: string,
  input: unknown,
  requestId: string,
  overlay: ReadonlyMap<string, unknown>,
): ExecutionJob => ({ operation, input, requestId, principal: PRINCIPAL, now: NOW, overlay: [...overlay] });

/** The record that members would make of a result: values before are the store's, whatever the execution saw. */
export function recordOf(job: ExecutionJob, result: OperationResult, world: World): AcceptanceRecord {
  const overlay = new Map(job.overlay);
  const storedValue = (object: string): unknown =>
    (overlay.has(object) ? overlay.get(object) : world.get(object)) ?? null;
  const { operation, input, principal, now } = job;
  return {
    operation,
    applicationVersion: "attack",
    input,
    principal,
    now,
    reads: result.reads.map((object) => ({ object, value: storedValue(object) })),
    writes: result.writes.map(({ object, value }) => ({ object, before: storedValue(object), after: value })),
    reply: result.reply,
  };
}

function sample<Value>(arbitrary: fc.Arbitrary<Value>, seed: number, count: number): Value[] {
  return fc.sample(arbitrary, { seed, numRuns: count });
}

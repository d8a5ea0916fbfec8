/**
 * Joins a contract with its acceptance routines, once per process: compiles the JSON Schemas and makes sure that every
 * operation has a routine and every refusal a predicate (REQUIREMENTS R7). The bundler uses it to refuse an application.
 */
import type { Result } from "@redoubt/shared";
import { fail, ok } from "@redoubt/shared";
import { z } from "zod";
import type { ContractProblem } from "../contract/compile-contract.ts";
import type { ContractJson, JsonSchema } from "../contract/contract-json.ts";
import { upgradeProblems } from "../contract/upgrades.ts";
import type { AcceptanceRoutine } from "./define-acceptance.ts";

/** A contract ready to test changes with. */
export interface AcceptanceApplication {
  readonly contract: ContractJson;
  readonly routines: ReadonlyMap<string, AcceptanceRoutine>;
  /** Export `upgrades` of acceptance.ts: steps of objects' schemas. */
  readonly upgrades: unknown;
  /** By operation. */
  readonly outputs: ReadonlyMap<string, z.ZodType>;
  /** By object type. */
  readonly objects: ReadonlyMap<string, z.ZodType>;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** `routines` is the default export of acceptance.ts, `upgrades` the one of that name, both still unchecked. */
export function prepareAcceptance(
  contract: ContractJson,
  routines: unknown,
  upgrades?: unknown,
): Result<AcceptanceApplication, readonly ContractProblem[]> {
  const problems: ContractProblem[] = upgradeProblems(contract, upgrades, "acceptance.ts");
  const found = new Map<string, AcceptanceRoutine>();
  for (const operation of Object.values(contract.operations)) {
    const where = `operation ${operation.name}`;
    const routine =
      isRecord(routines) && Object.hasOwn(routines, operation.name) ? routines[operation.name] : undefined;
    if (!isRecord(routine) || typeof routine.accept !== "function") {
      problems.push({ where, field: "accept", message: "the operation has no acceptance test" });
      continue;
    }
    for (const refusal of Object.keys(operation.refusals)) {
      const predicates = routine.refusals;
      if (!isRecord(predicates) || !Object.hasOwn(predicates, refusal) || typeof predicates[refusal] !== "function")
        problems.push({ where, field: "refusals", message: `refusal "${refusal}" has no predicate that proves it` });
    }
    found.set(operation.name, routine as unknown as AcceptanceRoutine);
  }
  if (isRecord(routines))
    for (const name of Object.keys(routines))
      if (!Object.hasOwn(contract.operations, name))
        problems.push({
          where: `operation ${name}`,
          field: "",
          message: "has an acceptance test but is not in the contract",
        });
  if (problems.length > 0) return fail(problems);
  const schemas = <Entry>(entries: Readonly<Record<string, Entry>>, schemaOf: (entry: Entry) => JsonSchema) =>
    new Map(Object.entries(entries).map(([name, entry]) => [name, z.fromJSONSchema(schemaOf(entry))]));
  return ok({
    contract,
    routines: found,
    upgrades,
    outputs: schemas(contract.operations, (operation) => operation.output),
    objects: schemas(contract.objects, (object) => object.schema),
  });
}

/**
 * Objects written in an older schema, brought to the version that reads them when they are read; their bytes stay. Each step is a
 * function of the developer's, once in execution.ts and once, written for itself, in acceptance.ts: a captured execution
 * server cannot decide what an old object means. What a newer version wrote is read by an older one without the fields that
 * it does not know (contract comparison tells whether that is enough).
 */

import type { ContractProblem } from "./compile-contract.ts";
import type { ContractJson } from "./contract-json.ts";
import { objectContractOf } from "./contract-json.ts";
import { projected } from "./schema-inclusion.ts";

/** By object type and target version: the value in the version before → the value in this one. Pure and synchronous. */
export type Upgrades = Readonly<Record<string, Readonly<Record<number, (value: never) => unknown>>>>;

/** Returns the functions as they are; a named export `upgrades` of execution.ts and of acceptance.ts. */
export const defineUpgrades = (upgrades: Upgrades): Upgrades => upgrades;

type Step = (value: unknown) => unknown;

function stepOf(upgrades: unknown, type: string, version: number): Step | undefined {
  const ofType = own(upgrades, type);
  const step = own(ofType, String(version));
  return typeof step === "function" ? (step as Step) : undefined;
}

const own = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;

/** The value as this contract's version has it. Throws when a step is missing or throws. */
export function valueNow(
  contract: ContractJson,
  upgrades: unknown,
  object: string,
  stored: { readonly schemaVersion: number; readonly value: unknown },
): unknown {
  const type = objectContractOf(contract, object);
  if (!type || stored.value === null || stored.schemaVersion === type.version) return stored.value;
  if (stored.schemaVersion > type.version) return projected(type.schema, stored.value);
  let value: unknown = stored.value;
  for (let version = stored.schemaVersion + 1; version <= type.version; version++) {
    const step = stepOf(upgrades, type.type, version);
    if (!step) throw new Error(`${type.type} has no upgrade to version ${version} of its schema`);
    const text = JSON.stringify(step(copyOf(value))) as string | undefined;
    if (text === undefined) throw new TypeError(`the upgrade of ${type.type} to version ${version} gave no JSON value`);
    value = JSON.parse(text) as unknown;
  }
  return value;
}

/** A step may change what it is given. */
const copyOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

/** Steps that are missing, for every type whose schema has a version beyond the first. */
export function upgradeProblems(contract: ContractJson, upgrades: unknown, file: string): ContractProblem[] {
  const problems: ContractProblem[] = [];
  for (const { type, version } of Object.values(contract.objects))
    for (let target = 2; target <= version; target++)
      if (!stepOf(upgrades, type, target))
        problems.push({
          where: `object ${type}`,
          field: "upgrades",
          message: `${file} has no upgrade to version ${target}`,
        });
  return problems;
}

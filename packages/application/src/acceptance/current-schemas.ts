/** The record of a change with every value in the schema of the version that judges it, by the acceptance tests' own upgrades. */
import { objectContractOf } from "../contract/contract-json.ts";
import { valueNow } from "../contract/upgrades.ts";
import type { CheckFailure } from "./define-acceptance.ts";
import type { AcceptanceApplication } from "./prepare-acceptance.ts";
import type { AcceptanceRecord } from "./record.ts";

/** New versions must be written in the version's own schema: nobody could read them rightly otherwise. */
export function schemaFailure({ contract }: AcceptanceApplication, record: AcceptanceRecord): CheckFailure | undefined {
  for (const { object, afterSchema } of record.writes) {
    const expected = objectContractOf(contract, object)?.version;
    if (afterSchema !== undefined && expected !== undefined && afterSchema !== expected)
      return { check: "object-schema", detail: `${object} is written in schema ${afterSchema}, not ${expected}` };
  }
  return undefined;
}

/** Throws when an upgrade is missing or throws. */
export function inCurrentSchemas(
  { contract, upgrades }: AcceptanceApplication,
  record: AcceptanceRecord,
): AcceptanceRecord {
  const now = (object: string, value: unknown, schemaVersion: number | undefined): unknown =>
    schemaVersion === undefined ? value : valueNow(contract, upgrades, object, { schemaVersion, value });
  const isOld = ({ schema }: { readonly schema?: number }): boolean => schema !== undefined;
  if (!record.reads.some(isOld) && !record.writes.some(({ beforeSchema }) => beforeSchema !== undefined)) return record;
  return {
    ...record,
    reads: record.reads.map(({ object, value, schema }) => ({ object, value: now(object, value, schema) })),
    writes: record.writes.map(({ object, before, beforeSchema, after }) => ({
      object,
      before: now(object, before, beforeSchema),
      after,
    })),
  };
}

/** A version of the application in the words of the administration interface. Pure. */
import type { ContractJson, OperationContract } from "@redoubt/application";
import type { ApplicationObject, OperationStrength } from "../../administration/index.ts";

/** Bundles made before strength was counted say nothing about it. */
const UNCOUNTED = { combinators: {}, refusals: 0 };

export const describeOperations = (contract: ContractJson): OperationStrength[] =>
  Object.values(contract.operations).map((operation) => describeOperation(contract, operation));

function describeOperation({ strength }: ContractJson, operation: OperationContract): OperationStrength {
  const { combinators } = strength?.[operation.name] ?? UNCOUNTED;
  const counted = Object.entries(combinators).map(([kind, count]) => ({ kind, count }));
  return {
    operation: operation.name,
    title: operation.title,
    readOnly: operation.readOnly,
    deadlineMs: operation.deadlineMs,
    onQuarantine: operation.onQuarantine,
    combinators: counted.sort((left, right) => right.count - left.count || (left.kind < right.kind ? -1 : 1)),
    refusals: Object.keys(operation.refusals).length,
    templates: operation.access.length,
    completeTemplates: operation.access.filter(({ complete }) => complete).length,
    hasOwnChecks: counted.length > 0,
  };
}

export const describeObjects = (contract: ContractJson): ApplicationObject[] =>
  Object.values(contract.objects).map(({ type, title, version, confidential }) => ({
    type,
    title,
    schemaVersion: version,
    confidentialFields: confidential.map(({ field }) => field),
  }));

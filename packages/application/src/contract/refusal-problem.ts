/**
 * The problem document of a business refusal. It is fixed by the contract word for word, so an execution server can choose
 * only which refusal it claims, and must have it proved (DESIGN §5).
 */
import type { ContractJson, OperationContract } from "./contract-json.ts";

/** RFC 9457 problem document of a refusal. */
export interface RefusalProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

/** Stable `type` of a refusal: `urn:redoubt:<application>:<refusal>`. */
export const refusalType = (contract: ContractJson, refusal: string): string =>
  `urn:redoubt:${contract.name}:${refusal}`;

/** The problem document of a refusal that the operation declares, or undefined. */
export function refusalProblem(
  contract: ContractJson,
  operation: OperationContract,
  refusal: string,
): RefusalProblem | undefined {
  const declared = Object.hasOwn(operation.refusals, refusal) ? operation.refusals[refusal] : undefined;
  if (!declared) return undefined;
  return {
    type: refusalType(contract, refusal),
    title: declared.title,
    status: declared.status,
    detail: declared.detail,
  };
}

/**
 * Which objects one request may touch: the operation's access templates evaluated over its input. Regulator, replicas and
 * acceptance test each evaluate it themselves, so nobody has to believe an execution server about its own permissions
 * (PROTOCOL §4, REQUIREMENTS R43, A9–A11). Pure; templates are parsed once per contract.
 */
import type { Result } from "@redoubt/shared";
import { fail, LIMITS, ok } from "@redoubt/shared";
import type { AccessMode, ContractJson, OperationContract } from "./contract-json.ts";
import { objectContractOf, operationOf } from "./contract-json.ts";
import type { FieldProblem, Template } from "./template.ts";
import { evaluateTemplate, parseTemplate } from "./template.ts";

/** One object a request may touch, and how. */
export interface ObjectAccess {
  readonly object: string;
  readonly mode: AccessMode;
  readonly complete: boolean;
}

export interface AccessProblem extends FieldProblem {
  readonly operation: string;
}

interface ParsedAccess {
  readonly operation: OperationContract;
  readonly templates: readonly { readonly template: Template; readonly mode: AccessMode; readonly complete: boolean }[];
  readonly home: Template | undefined;
}

const parsed = new WeakMap<ContractJson, Map<string, ParsedAccess>>();

/**
 * The objects that an operation with this input may touch, without repetition, in the order of the templates. An object
 * named by several templates gets the strongest mode (read < write, read < create).
 * Errors name operation and field (JSON pointer into the input); an unknown operation has field "".
 */
export function evaluateAccess(
  contract: ContractJson,
  operation: string,
  input: unknown,
): Result<readonly ObjectAccess[], AccessProblem> {
  const access = accessOf(contract, operation);
  if (!access)
    return fail({ operation, field: "", expected: "an operation of the contract", got: "unknown operation" });
  const byObject = new Map<string, ObjectAccess>();
  for (const { template, mode, complete } of access.templates) {
    const names = evaluateTemplate(template, input, LIMITS.objectsPerRequestMax);
    if (!names.ok) return fail({ operation, ...names.error });
    for (const object of names.value) {
      const merged = merge(byObject.get(object), { object, mode, complete });
      if (!merged) return fail({ operation, field: "", expected: `${object} to be written or created`, got: "both" });
      byObject.set(object, merged);
    }
    if (byObject.size > LIMITS.objectsPerRequestMax)
      return fail({
        operation,
        field: "",
        expected: `at most ${LIMITS.objectsPerRequestMax} objects`,
        got: `${byObject.size}`,
      });
  }
  return ok([...byObject.values()]);
}

function merge(first: ObjectAccess | undefined, second: ObjectAccess): ObjectAccess | undefined {
  if (!first) return second;
  if (first.mode !== second.mode && first.mode !== "read" && second.mode !== "read") return undefined;
  const mode = first.mode === "read" ? second.mode : first.mode;
  return { object: first.object, mode, complete: first.complete || second.complete };
}

/** The object whose cluster keeps the request record, where the contract names one; undefined: the lowest cluster accessed. */
export function evaluateHome(
  contract: ContractJson,
  operation: string,
  input: unknown,
): Result<string | undefined, AccessProblem> {
  const access = accessOf(contract, operation);
  if (!access)
    return fail({ operation, field: "", expected: "an operation of the contract", got: "unknown operation" });
  if (!access.home) return ok(undefined);
  const names = evaluateTemplate(access.home, input, 1);
  return names.ok ? ok(names.value[0]) : fail({ operation, ...names.error });
}

/**
 * The part of an object's name that is hashed to an object cluster (bank: the customer's number), or undefined for a name
 * that no object type of the contract has. Objects of different types with equal parts live together.
 */
export function correlationOf(contract: ContractJson, object: string): string | undefined {
  const type = objectContractOf(contract, object);
  if (!type) return undefined;
  const key = object.slice(type.type.length + 1).split("/");
  const pattern = type.key.split("/");
  if (key.length !== pattern.length || key.includes("")) return undefined;
  return key[pattern.indexOf(`{${type.correlation}}`)];
}

function accessOf(contract: ContractJson, name: string): ParsedAccess | undefined {
  const operation = operationOf(contract, name);
  if (!operation) return undefined;
  let operations = parsed.get(contract);
  if (!operations) {
    operations = new Map();
    parsed.set(contract, operations);
  }
  let access = operations.get(name);
  if (!access) {
    access = {
      operation,
      templates: operation.access.map(({ object, mode, complete }) => ({
        template: mustParse(object),
        mode,
        complete,
      })),
      home: operation.home === null ? undefined : mustParse(operation.home),
    };
    operations.set(name, access);
  }
  return access;
}

/** Templates of a bundled contract were parsed when it was bundled; one that does not parse is a broken bundle. */
function mustParse(source: string): Template {
  const template = parseTemplate(source);
  if (!template.ok) throw new Error(`contract: ${template.error}`);
  return template.value;
}

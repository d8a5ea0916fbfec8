/**
 * How a developer writes a contract: zod schemas and plain data. `defineContract` only fixes the types; everything is
 * checked when the application is bundled (compile-contract.ts), where errors can name operation and field.
 */
import type { z } from "zod";
import type { AccessMode, ConfidentialField, GenesisObject, OperationRoute, RefusalContract } from "./contract-json.ts";

export interface ObjectDefinition {
  readonly title?: string;
  readonly schema: z.ZodType;
  /** Parts of the key after `type/`: `{customer}`, `{branch}/{teller}`. */
  readonly key: string;
  /** Name of the part of the key that correlates objects; default: the first. */
  readonly correlation?: string;
  readonly confidential?: readonly ConfidentialField[];
  /** Version of the schema, from 1. */
  readonly version?: number;
}

export interface AccessDefinition {
  readonly object: string;
  readonly mode: AccessMode;
  /** Default false. */
  readonly complete?: boolean;
}

export interface OperationDefinition {
  readonly title: string;
  readonly description?: string;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  readonly access: readonly AccessDefinition[];
  /** Default false. */
  readonly readOnly?: boolean;
  readonly deadlineMs?: number;
  /** CPU time of one request with all its threads; default: one and a half times its deadline. */
  readonly cpuMs?: number;
  /** What becomes of a request that is quarantined; default `reject`. */
  readonly onQuarantine?: "reject" | "hold";
  /** With `hold`: how long, milliseconds; default one hour. */
  readonly holdMs?: number;
  readonly allow?: readonly string[];
  readonly route?: OperationRoute;
  readonly home?: string;
  readonly refusals?: Readonly<Record<string, RefusalContract>>;
}

export interface ContractDefinition {
  readonly name: string;
  readonly title: string;
  readonly version: number;
  readonly objects: Readonly<Record<string, ObjectDefinition>>;
  readonly operations: Readonly<Record<string, OperationDefinition>>;
  /** The first objects; a function is called once, at bundling. */
  readonly genesis?: readonly GenesisObject[] | (() => readonly GenesisObject[]);
}

/** Returns the definition as it is, with its literal types kept for `execution.ts` and `acceptance.ts`. */
export const defineContract = <const Definition extends ContractDefinition>(definition: Definition): Definition =>
  definition;

/** Names of the operations of a contract. */
export type OperationName<Contract extends ContractDefinition> = keyof Contract["operations"] & string;
/** Object types of a contract. */
export type ObjectType<Contract extends ContractDefinition> = keyof Contract["objects"] & string;

/** The parsed input of an operation. */
export type InputOf<Contract extends ContractDefinition, Name extends OperationName<Contract>> = z.output<
  Contract["operations"][Name]["input"]
>;
/** The reply of an operation when it was not refused. */
export type OutputOf<Contract extends ContractDefinition, Name extends OperationName<Contract>> = z.output<
  Contract["operations"][Name]["output"]
>;
/** The value of an object of a type. */
export type ValueOf<Contract extends ContractDefinition, Type extends ObjectType<Contract>> = z.output<
  Contract["objects"][Type]["schema"]
>;
/** Names of the refusals an operation declares. */
export type RefusalName<
  Contract extends ContractDefinition,
  Name extends OperationName<Contract>,
> = Contract["operations"][Name] extends { readonly refusals: infer Refusals } ? keyof Refusals & string : never;

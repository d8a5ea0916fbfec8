/**
 * The contract of an application as plain JSON: what regulator, replicas, masters and console read. Nothing here can
 * hold code, so no trusted process ever evaluates the developer's contract.ts (DESIGN §8). It says what an operation may
 * touch and how its input, output and objects look; it does not say what a correct reply is (acceptance.ts does).
 */

/** JSON Schema, draft 2020-12, as zod 4 writes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What an operation may do with an object it names: `write` replaces an existing one, `create` makes an absent one. */
export type AccessMode = "read" | "write" | "create";

/** One line of an operation's access list. */
export interface AccessTemplate {
  /** Object name with fields of the input in braces: `account/{from}`, `account/{lines[].account}`. */
  readonly object: string;
  readonly mode: AccessMode;
  /** A successful request must really read (mode read) or write (write, create) every object named (REQUIREMENTS A15, A38). */
  readonly complete: boolean;
}

/** A business refusal: a normal reply, always the same problem document, proved by the acceptance test. */
export interface RefusalContract {
  /** 4xx HTTP status. */
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

/** Route of an operation besides `POST /v1/operations/{name}`. */
export interface OperationRoute {
  readonly method: "POST";
  readonly path: string;
}

export interface OperationContract {
  readonly name: string;
  /** Sentence for people with fields of the input in braces: `Transfer {amount} cents from {from} to {to}`. */
  readonly title: string;
  readonly description: string;
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  readonly access: readonly AccessTemplate[];
  readonly readOnly: boolean;
  readonly deadlineMs: number;
  /** CPU time of one request with all its threads; absent: one and a half times its deadline. */
  readonly cpuMs?: number;
  readonly onQuarantine: "reject" | "hold";
  /** With `hold`: how long, milliseconds; absent in bundles of before it could be said: `LIMITS.defaultHoldMs`. */
  readonly holdMs?: number;
  /** Roles of the principal that may call it; empty: everybody with a key. */
  readonly allow: readonly string[];
  readonly route: OperationRoute | null;
  /** Template of the object whose object cluster keeps the request record; null: the lowest cluster accessed (PROTOCOL §2). */
  readonly home: string | null;
  /** By name. */
  readonly refusals: Readonly<Record<string, RefusalContract>>;
}

/** A string field of an object that only operations naming that object may see (REQUIREMENTS R41, A12). */
export interface ConfidentialField {
  readonly field: string;
  readonly visibleTo: "naming-operations";
}

export interface ObjectContract {
  readonly type: string;
  readonly title: string;
  readonly version: number;
  /** Parts of the key after `type/`: `{customer}` or `{branch}/{teller}`. */
  readonly key: string;
  /** The part of the key that is hashed to an object cluster; objects with equal parts live together. */
  readonly correlation: string;
  readonly schema: JsonSchema;
  readonly confidential: readonly ConfidentialField[];
}

/** One object of the first state. */
export interface GenesisObject {
  readonly object: string;
  readonly value: unknown;
}

/** What an operation's acceptance test is made of, counted at bundling. */
export interface OperationStrength {
  /** How many of each kind: `conserves`, `only-changes`, `unchanged`, `must`; `custom` is a function of the developer's own. */
  readonly combinators: Readonly<Record<string, number>>;
  /** Refusals with a predicate. */
  readonly refusals: number;
}

export interface ContractJson {
  readonly format: 1;
  /** Kebab-case name of the application. */
  readonly name: string;
  readonly title: string;
  readonly version: number;
  /** By object type. */
  readonly objects: Readonly<Record<string, ObjectContract>>;
  /** By operation name. */
  readonly operations: Readonly<Record<string, OperationContract>>;
  readonly genesis: readonly GenesisObject[];
  /** By operation name; added by the bundler, which alone sees contract and acceptance tests together. */
  readonly strength?: Readonly<Record<string, OperationStrength>>;
}

/** The operation of that name, or undefined; safe for names that a client chose (`constructor`, `__proto__`). */
export function operationOf(contract: ContractJson, name: string): OperationContract | undefined {
  return Object.hasOwn(contract.operations, name) ? contract.operations[name] : undefined;
}

/** The contract of the type of an object named `type/key`, or undefined. */
export function objectContractOf(contract: ContractJson, object: string): ObjectContract | undefined {
  const slash = object.indexOf("/");
  if (slash <= 0) return undefined;
  const type = object.slice(0, slash);
  return Object.hasOwn(contract.objects, type) ? contract.objects[type] : undefined;
}

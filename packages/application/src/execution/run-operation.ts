/**
 * Runs one operation of an application inside a transaction: reads go to the caller, writes are buffered and given back
 * with the reply. Used by the sandboxed worker process and by the test kit. It enforces no access rights: whoever receives
 * the change does (PROTOCOL §4), because code running here shares its memory with the application and proves nothing.
 */
import type { ContractJson, OperationContract } from "../contract/contract-json.ts";
import { operationOf } from "../contract/contract-json.ts";
import type { ContractDefinition } from "../contract/define-contract.ts";
import { refusalProblem } from "../contract/refusal-problem.ts";
import type { ExecutionContext, Transaction } from "./define-execution.ts";
import { Refusal, refusalNameOf } from "./refusal.ts";

export interface OperationRun {
  readonly contract: ContractJson;
  /** Default export of execution.ts. */
  readonly handlers: unknown;
  readonly operation: string;
  readonly input: unknown;
  readonly principal: string;
  readonly now: number;
  readonly requestId: string;
  /** Derives `context.id(label)`: 32 hexadecimal digits. */
  readonly deriveId: (label: string) => string;
  /** Value of an object, null when absent. Called at most once for each object. */
  readonly read: (object: string) => unknown;
}

export interface OperationResult {
  readonly reply: { readonly status: number; readonly body: unknown };
  /** Objects read, in the order of first reading. */
  readonly reads: readonly string[];
  /** New values, in the order of first writing; empty after a refusal. */
  readonly writes: readonly { readonly object: string; readonly value: unknown }[];
}

type AnyHandler = (transaction: Transaction<ContractDefinition>, input: unknown, context: ExecutionContext) => unknown;

/** The change and reply of an operation. Rejects with whatever the handler threw, unless it is a declared refusal. */
export async function runOperation(run: OperationRun): Promise<OperationResult> {
  const operation = operationOf(run.contract, run.operation);
  const handler = handlerOf(run.handlers, run.operation);
  if (!operation || !handler) throw new Error(`the application has no operation "${run.operation}"`);
  const buffer = new TransactionBuffer(run.read);
  try {
    const body = plainJson(await handler(buffer.transaction, run.input, contextOf(run)), "the reply");
    return { reply: { status: 200, body }, reads: buffer.reads(), writes: buffer.writes() };
  } catch (thrown) {
    const reply = refusalReply(run.contract, operation, thrown);
    if (!reply) throw thrown;
    return { reply, reads: buffer.reads(), writes: [] };
  }
}

function handlerOf(handlers: unknown, name: string): AnyHandler | undefined {
  if (typeof handlers !== "object" || handlers === null || !Object.hasOwn(handlers, name)) return undefined;
  const handler = (handlers as Readonly<Record<string, unknown>>)[name];
  return typeof handler === "function" ? (handler as AnyHandler) : undefined;
}

function contextOf(run: OperationRun): ExecutionContext {
  return {
    principal: run.principal,
    now: run.now,
    requestId: run.requestId,
    id: (label) => run.deriveId(label),
    refuse(refusal) {
      throw new Refusal(refusal);
    },
  };
}

function refusalReply(
  contract: ContractJson,
  operation: OperationContract,
  thrown: unknown,
): OperationResult["reply"] | undefined {
  const name = refusalNameOf(thrown);
  if (name === undefined) return undefined;
  const body = refusalProblem(contract, operation, name);
  return body && { status: body.status, body };
}

/** Copy of a value as JSON would carry it; throws for what JSON cannot carry at all. */
function plainJson(value: unknown, what: string): unknown {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${what} must be a JSON value`);
  return JSON.parse(text) as unknown;
}

/** Values seen and written by one request; every value handed out is a copy. */
class TransactionBuffer {
  readonly #read: (object: string) => unknown;
  readonly #seen = new Map<string, Promise<unknown>>();
  readonly #written = new Map<string, unknown>();
  readonly transaction: Transaction<ContractDefinition>;

  constructor(read: (object: string) => unknown) {
    this.#read = read;
    this.transaction = {
      get: (object) => this.#get(object),
      set: (object, value) => this.#set(object, value),
      create: async (object, value) => {
        if ((await this.#get(object)) !== null) throw new Error(`${object} exists already`);
        this.#set(object, value);
      },
      append: async (object, item) => {
        const items = (await this.#get(object)) ?? [];
        if (!Array.isArray(items)) throw new TypeError(`${object} is no list to append to`);
        this.#set(object, [...items, item]);
      },
    };
  }

  reads(): string[] {
    return [...this.#seen.keys()];
  }

  writes(): { object: string; value: unknown }[] {
    return [...this.#written].map(([object, value]) => ({ object, value }));
  }

  async #get(object: string): Promise<unknown> {
    if (this.#written.has(object)) return plainJson(this.#written.get(object), object);
    let seen = this.#seen.get(object);
    if (!seen) {
      seen = Promise.resolve(this.#read(object));
      this.#seen.set(object, seen);
    }
    return plainJson((await seen) ?? null, object);
  }

  #set(object: string, value: unknown): void {
    this.#written.set(object, plainJson(value, object));
  }
}

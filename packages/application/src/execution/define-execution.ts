/**
 * The untrusted part of an application: one handler per operation, run inside a transaction. Handlers may be asynchronous
 * and need not be deterministic (paper §3.2); what is to be the same on every attempt comes from the context.
 */
import type {
  ContractDefinition,
  InputOf,
  ObjectType,
  OperationName,
  OutputOf,
  RefusalName,
  ValueOf,
} from "../contract/define-contract.ts";

/** Name of an object of the given type. */
export type ObjectName<Type extends string> = `${Type}/${string}`;

/** Reads and buffered writes of one request. Writes take effect only if the whole change is accepted. */
export interface Transaction<Contract extends ContractDefinition> {
  /** The object's value as this transaction sees it, null when it does not exist. The value is a copy. */
  get<Type extends ObjectType<Contract>>(object: ObjectName<Type>): Promise<ValueOf<Contract, Type> | null>;
  /** Replaces the value of an object. */
  set<Type extends ObjectType<Contract>>(object: ObjectName<Type>, value: ValueOf<Contract, Type>): void;
  /** Makes an object that must not exist yet; throws if it does. */
  create<Type extends ObjectType<Contract>>(object: ObjectName<Type>, value: ValueOf<Contract, Type>): Promise<void>;
  /** Adds an item to an object whose value is an array; an absent object begins empty. */
  append<Type extends ObjectType<Contract>>(
    object: ObjectName<Type>,
    item: ValueOf<Contract, Type> extends readonly (infer Item)[] ? Item : never,
  ): Promise<void>;
}

/** What the request is about besides its input; the same on every attempt. */
export interface ExecutionContext<Refusals extends string = string> {
  /** Client id. */
  readonly principal: string;
  /** Admission time, milliseconds since 1970. */
  readonly now: number;
  readonly requestId: string;
  /** An identifier of 32 hexadecimal digits derived from the ticket's seed; different for each label. */
  id(label: string): string;
  /** Ends the request with a refusal of its contract. */
  refuse(refusal: Refusals): never;
}

export type Handler<Contract extends ContractDefinition, Name extends OperationName<Contract>> = (
  transaction: Transaction<Contract>,
  input: InputOf<Contract, Name>,
  context: ExecutionContext<RefusalName<Contract, Name>>,
) => OutputOf<Contract, Name> | Promise<OutputOf<Contract, Name>>;

export type ExecutionDefinition<Contract extends ContractDefinition> = {
  readonly [Name in OperationName<Contract>]: Handler<Contract, Name>;
};

/** Returns the handlers as they are, typed by the contract: `defineExecution<typeof contract>({ … })`. */
export const defineExecution = <Contract extends ContractDefinition>(
  handlers: ExecutionDefinition<Contract>,
): ExecutionDefinition<Contract> => handlers;

/**
 * What an acceptance test sees of a change: input, versions before and after, reply. Asking for an object that the
 * execution neither read nor wrote is no "absent" but missing evidence, and fails the test.
 */
import type { ContractDefinition, ObjectType, ValueOf } from "../contract/define-contract.ts";
import type { ObjectName } from "../execution/define-execution.ts";
import type { AcceptanceRecord } from "./record.ts";

/** The objects of a change at one point: before it or after it. */
export interface ObjectsView<Contract extends ContractDefinition = ContractDefinition> {
  /** Value of an object, null when it does not exist. Throws {@link MissingEvidence} for one not in the record. */
  get<Type extends ObjectType<Contract>>(object: ObjectName<Type>): ValueOf<Contract, Type> | null;
}

export interface AcceptanceView<
  Contract extends ContractDefinition = ContractDefinition,
  Input = unknown,
  Output = unknown,
> {
  readonly operation: string;
  readonly input: Input;
  readonly principal: string;
  readonly now: number;
  readonly before: ObjectsView<Contract>;
  readonly after: ObjectsView<Contract>;
  /** Names of the objects read, and of those read or written. */
  readonly reads: ReadonlySet<string>;
  readonly touched: readonly string[];
  readonly reply: { readonly status: number; readonly body: Output };
}

/** Thrown by {@link ObjectsView.get}; becomes the failed check `missing-evidence`. */
export class MissingEvidence extends Error {
  readonly object: string;
  constructor(object: string) {
    super(`${object} was neither read nor written`);
    this.object = object;
  }
}

/** The view of a record. Values are the record's own: routines must not change them (frozen by nobody, for speed). */
export function viewOf(record: AcceptanceRecord): AcceptanceView {
  const before = new Map<string, unknown>();
  for (const { object, value } of record.reads) before.set(object, value);
  const reads = new Set(before.keys());
  for (const write of record.writes) before.set(write.object, write.before);
  const after = new Map(before);
  for (const write of record.writes) after.set(write.object, write.after);
  const { operation, input, principal, now, reply } = record;
  return {
    operation,
    input,
    principal,
    now,
    reply,
    reads,
    touched: [...after.keys()],
    before: objectsView(before),
    after: objectsView(after),
  };
}

const objectsView = (values: ReadonlyMap<string, unknown>): ObjectsView => ({
  get(object: string) {
    if (!values.has(object)) throw new MissingEvidence(object);
    return values.get(object);
  },
});

/**
 * May one version of an application take the place of another while clients call it and its objects stay? Everything that speaks
 * against it is told at once, by operation or object and field. It compares contracts, which are data; whether the new
 * acceptance tests are right is for the trial to show.
 */
import type { ContractProblem } from "./compile-contract.ts";
import type { ContractJson, ObjectContract, OperationContract } from "./contract-json.ts";
import { fieldsLost, isSameSchema, narrowings, readableBy } from "./schema-inclusion.ts";

export interface ContractComparison {
  /** Empty: the new version may be deployed. */
  readonly problems: readonly ContractProblem[];
  /** What people should know. */
  readonly notes: readonly ContractProblem[];
  /** Can the old version read what the new one wrote? */
  readonly rollback: { readonly isPossible: boolean; readonly sentence: string };
}

export interface ComparisonOptions {
  /** Called lately: clients would be refused. Default: every operation is in use. */
  readonly isInUse?: (operation: string) => boolean;
}

type Report = (where: string, field: string, message: string) => void;

export function compareContracts(
  before: ContractJson,
  after: ContractJson,
  { isInUse = () => true }: ComparisonOptions = {},
): ContractComparison {
  const problems: ContractProblem[] = [];
  const notes: ContractProblem[] = [];
  const problem: Report = (where, field, message) => problems.push({ where, field, message });
  const note: Report = (where, field, message) => notes.push({ where, field, message });
  if (before.name !== after.name)
    problem("contract", "name", `"${before.name}" expected: this cluster holds the objects of that application`);
  if (after.version <= before.version)
    problem("contract", "version", `more than ${before.version} expected, the version that serves now`);
  for (const operation of Object.values(before.operations)) {
    const next = Object.hasOwn(after.operations, operation.name) ? after.operations[operation.name] : undefined;
    const where = `operation ${operation.name}`;
    if (next) compareOperation(operation, next, where, problem, note);
    else if (isInUse(operation.name)) problem(where, "", "is missing, and clients have called it within the last day");
    else note(where, "", "is missing; nobody has called it within the last day");
  }
  for (const object of Object.values(before.objects)) {
    const next = Object.hasOwn(after.objects, object.type) ? after.objects[object.type] : undefined;
    if (next) compareObject(object, next, `object ${object.type}`, problem, note);
    else problem(`object ${object.type}`, "", "is missing, and objects of it exist");
  }
  const known = new Set(before.genesis.map(({ object }) => object));
  const added = after.genesis.filter(({ object }) => !known.has(object));
  if (added.length > 0)
    note("genesis", added[0]?.object ?? "", "first objects are made at the first start only: it will not be created");
  return { problems, notes, rollback: compareBack(before, after) };
}

function compareOperation(
  before: OperationContract,
  after: OperationContract,
  where: string,
  problem: Report,
  note: Report,
): void {
  for (const { path, message } of narrowings(before.input, after.input)) problem(where, "input", at(path, message));
  // A reply may say more than before, but nothing else in the place of what clients read.
  for (const { path, message } of readableBy(before.output, after.output)) problem(where, "output", at(path, message));
  const closed =
    after.allow.length > 0 && (before.allow.length === 0 || before.allow.some((role) => !after.allow.includes(role)));
  if (closed) problem(where, "allow", "clients that may call it now would be refused");
  if (before.route && before.route.path !== after.route?.path)
    problem(where, "route", `${before.route.path} is missing`);
  if (before.home !== after.home) problem(where, "home", "the home of an operation's requests may not change");
  else if (before.home === null && !before.readOnly && templatesOf(before) !== templatesOf(after))
    problem(where, "access", "other objects, and so perhaps another home, which may not change: give it a new name");
  else if (templatesOf(before) !== templatesOf(after)) note(where, "access", "it may touch other objects than before");
  if (before.readOnly !== after.readOnly)
    note(where, "readOnly", `it is ${after.readOnly ? "now" : "no longer"} read-only`);
}

const at = (path: string, message: string): string => (path === "" ? message : `${path.slice(1)}: ${message}`);

const templatesOf = ({ access }: OperationContract): string =>
  access
    .map(({ object }) => object)
    .sort()
    .join();

function compareObject(
  before: ObjectContract,
  after: ObjectContract,
  where: string,
  problem: Report,
  note: Report,
): void {
  if (before.key !== after.key) problem(where, "key", `"${before.key}" expected: names of objects do not change`);
  if (before.correlation !== after.correlation)
    problem(where, "correlation", `"${before.correlation}" expected: objects do not move to other object clusters`);
  if (after.version < before.version) problem(where, "version", `at least ${before.version} expected`);
  const isSame = isSameSchema(before.schema, after.schema);
  if (!isSame && after.version === before.version)
    problem(where, "schema", `changed: version ${before.version + 1} expected, with an upgrade from ${before.version}`);
  if (isSame && after.version > before.version) note(where, "version", "is larger, but the schema is the same");
  for (const { field } of before.confidential)
    if (!after.confidential.some((each) => each.field === field))
      note(where, "confidential", `"${field}" is not confidential any more`);
}

/** Schemas of the new version, read by the old one. */
function compareBack(before: ContractJson, after: ContractJson): ContractComparison["rollback"] {
  const unreadable: string[] = [];
  const lost: string[] = [];
  for (const object of Object.values(before.objects)) {
    const next = Object.hasOwn(after.objects, object.type) ? after.objects[object.type] : undefined;
    if (!next || isSameSchema(object.schema, next.schema)) continue;
    const [first] = readableBy(object.schema, next.schema);
    if (first) unreadable.push(`${object.type}${first.path}: ${first.message}`);
    for (const field of fieldsLost(object.schema, next.schema)) lost.push(`${object.type}/${field}`);
  }
  if (unreadable.length > 0) {
    const sentence = `Version ${before.version} cannot read what version ${after.version} writes (${unreadable.join("; ")}): no way back after its first write.`;
    return { isPossible: false, sentence };
  }
  if (lost.length === 0) return { isPossible: true, sentence: "" };
  const sentence = `Version ${before.version} does not know ${lost.join(", ")}: lost from every object that it writes again.`;
  return { isPossible: true, sentence };
}

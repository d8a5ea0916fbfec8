/**
 * Turns a developer's contract into plain JSON, once, when the application is bundled. Everything that can be wrong with a
 * contract is found here and reported all at once, naming operation or object and field; what comes out needs no more
 * checks. It does not look at execution or acceptance (the bundler does).
 */
import type { Result } from "@redoubt/shared";
import { fail, LIMITS, ok } from "@redoubt/shared";
import { z } from "zod";
import { correlationOf } from "./access.ts";
import type {
  AccessTemplate,
  ContractJson,
  GenesisObject,
  JsonSchema,
  ObjectContract,
  OperationContract,
} from "./contract-json.ts";
import type { AccessDefinition, ContractDefinition, ObjectDefinition, OperationDefinition } from "./define-contract.ts";
import { isKeySchema, schemaAt } from "./schema-path.ts";
import type { PathStep } from "./template.ts";
import { parseTemplate } from "./template.ts";

/** What is wrong: `where` is `operation transfer`, `object account`, `genesis` or `contract`; `field` the field of it. */
export interface ContractProblem {
  readonly where: string;
  readonly field: string;
  readonly message: string;
}

const NAME = /^[a-z][a-z0-9-]{0,63}$/;
const FIELD = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const KEY_PART = /^\{[A-Za-z_][A-Za-z0-9_]*\}$/;
/** Statuses that mean something about the request's way through the infrastructure (DESIGN §8). */
const STATUSES_OF_THE_REGULATOR = new Set([400, 401, 403, 408, 410, 413, 415, 429]);
/** Less could not be told from what the kernel rounds; more than sixteen threads nobody can start. */
const CPU_MS_MIN = 100;
const CPU_MS_MAX = 960_000;
const DEADLINE_MS_MAX = 60_000;

type Report = (field: string, message: string) => void;

/** The contract as JSON, or every problem it has. */
export function compileContract(definition: ContractDefinition): Result<ContractJson, readonly ContractProblem[]> {
  const problems: ContractProblem[] = [];
  const reportIn =
    (where: string): Report =>
    (field, message) =>
      problems.push({ where, field, message });
  const report = reportIn("contract");
  if (!NAME.test(definition.name)) report("name", "must be lower-case letters, digits and dashes");
  if (!Number.isSafeInteger(definition.version) || definition.version < 1)
    report("version", "must be an integer from 1");

  const objects: Record<string, ObjectContract> = {};
  for (const [type, object] of Object.entries(definition.objects))
    objects[type] = compileObject(type, object, reportIn(`object ${type}`));
  const operations: Record<string, OperationContract> = {};
  for (const [name, operation] of Object.entries(definition.operations))
    operations[name] = compileOperation(name, operation, objects, reportIn(`operation ${name}`));
  if (Object.keys(operations).length === 0) report("operations", "must hold at least one operation");

  const { name, title, version } = definition;
  const contract: ContractJson = { format: 1, name, title, version, objects, operations, genesis: [] };
  const genesis = compileGenesis(definition, contract, reportIn("genesis"));
  return problems.length > 0 ? fail(problems) : ok({ ...contract, genesis });
}

function compileObject(type: string, object: ObjectDefinition, report: Report): ObjectContract {
  if (!NAME.test(type)) report("", "an object type must be lower-case letters, digits and dashes");
  const parts = object.key.split("/");
  if (parts.length === 0 || parts.some((part) => !KEY_PART.test(part)))
    report("key", `"${object.key}" must be parts in braces such as {customer} or {branch}/{teller}`);
  const correlation = object.correlation ?? parts[0]?.slice(1, -1) ?? "";
  if (!parts.includes(`{${correlation}}`))
    report("correlation", `"${correlation}" is no part of the key "${object.key}"`);
  const schema = compileSchema(object.schema, "schema", report);
  for (const { field } of object.confidential ?? []) {
    const found = schemaAt(schema, [{ name: field, each: false }]);
    if (!found.ok) report("confidential", found.error);
    else if (found.value.type !== "string")
      report("confidential", `field "${field}" must be a text to be recognised in a reply`);
  }
  return {
    type,
    title: object.title ?? type,
    version: object.version ?? 1,
    key: object.key,
    correlation,
    schema,
    confidential: object.confidential ?? [],
  };
}

function compileOperation(
  name: string,
  operation: OperationDefinition,
  objects: Readonly<Record<string, ObjectContract>>,
  report: Report,
): OperationContract {
  if (!NAME.test(name)) report("", "an operation's name must be lower-case letters, digits and dashes");
  const input = compileSchema(operation.input, "input", report);
  if (input.type !== "object") report("input", "must be an object");
  const output = compileSchema(operation.output, "output", report);
  const readOnly = operation.readOnly ?? false;
  const access = operation.access.map((entry) => compileAccess(entry, input, objects, readOnly, report));
  checkTitle(operation.title, input, report);
  const deadlineMs = operation.deadlineMs ?? LIMITS.defaultDeadlineMs;
  if (!Number.isSafeInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > DEADLINE_MS_MAX)
    report("deadlineMs", `must be 1 to ${DEADLINE_MS_MAX} milliseconds`);
  const { cpuMs } = operation;
  if (cpuMs !== undefined && (!Number.isSafeInteger(cpuMs) || cpuMs < CPU_MS_MIN || cpuMs > CPU_MS_MAX))
    report("cpuMs", `must be ${CPU_MS_MIN} to ${CPU_MS_MAX} milliseconds`);
  if (operation.home !== undefined && !access.some(({ object }) => object === operation.home))
    report("home", `"${operation.home}" must be one of the operation's access templates`);
  if (operation.route && !/^\/[A-Za-z0-9/_-]{1,128}$/.test(operation.route.path))
    report("route", "must be a plain path");
  for (const [refusal, { status }] of Object.entries(operation.refusals ?? {})) {
    if (!NAME.test(refusal)) report("refusals", `"${refusal}" must be lower-case letters, digits and dashes`);
    if (!Number.isInteger(status) || status < 400 || status > 499 || STATUSES_OF_THE_REGULATOR.has(status))
      report("refusals", `"${refusal}" has status ${status}; 402, 404, 409, 422 and other free 4xx are expected`);
  }
  return {
    name,
    title: operation.title,
    description: operation.description ?? "",
    input,
    output,
    access,
    readOnly,
    deadlineMs,
    ...(cpuMs === undefined ? {} : { cpuMs }),
    ...compileQuarantine(operation, report),
    allow: operation.allow ?? [],
    route: operation.route ?? null,
    home: operation.home ?? null,
    refusals: operation.refusals ?? {},
  };
}

function compileQuarantine(
  { onQuarantine = "reject", holdMs }: OperationDefinition,
  report: Report,
): Pick<OperationContract, "onQuarantine" | "holdMs"> {
  if (onQuarantine !== "reject" && onQuarantine !== "hold") report("onQuarantine", 'must be "reject" or "hold"');
  if (onQuarantine !== "hold") {
    if (holdMs !== undefined) report("holdMs", 'is for operations with onQuarantine "hold" only');
    return { onQuarantine };
  }
  const { defaultHoldMs, holdMsMin, holdMsMax } = LIMITS;
  const chosen = holdMs ?? defaultHoldMs;
  if (!Number.isSafeInteger(chosen) || chosen < holdMsMin || chosen > holdMsMax)
    report("holdMs", `must be ${holdMsMin} to ${holdMsMax} milliseconds`);
  return { onQuarantine, holdMs: chosen };
}

function compileAccess(
  entry: AccessDefinition,
  input: JsonSchema,
  objects: Readonly<Record<string, ObjectContract>>,
  readOnly: boolean,
  report: Report,
): AccessTemplate {
  const template = parseTemplate(entry.object);
  if (!template.ok) report("access", template.error);
  else {
    const object = Object.hasOwn(objects, template.value.type) ? objects[template.value.type] : undefined;
    if (!object) report("access", `"${entry.object}" names no object type of the contract`);
    else if (object.key.split("/").length !== entry.object.split("/").length - 1)
      report("access", `"${entry.object}" must have the key ${object.key}`);
    for (const part of template.value.parts) if (part.kind === "field") checkField(entry.object, part, input, report);
  }
  if (readOnly && entry.mode !== "read")
    report("access", `"${entry.object}" is for ${entry.mode}, but the operation is read-only`);
  return { object: entry.object, mode: entry.mode, complete: entry.complete ?? false };
}

function checkField(
  source: string,
  part: { steps: readonly PathStep[]; path: string },
  input: JsonSchema,
  report: Report,
): void {
  const found = schemaAt(input, part.steps);
  if (!found.ok) report("access", `"${source}": {${part.path}}: ${found.error} in the input`);
  else if (!isKeySchema(found.value)) report("access", `"${source}": {${part.path}} must be a text or an integer`);
}

function checkTitle(title: string, input: JsonSchema, report: Report): void {
  for (const [, field] of title.matchAll(/\{([^}]*)\}/g)) {
    const found = FIELD.test(field ?? "")
      ? schemaAt(input, [{ name: field ?? "", each: false }])
      : fail("no plain field name");
    if (!found.ok) report("title", `{${field}}: ${found.error} in the input`);
  }
}

function compileSchema(schema: z.ZodType, field: string, report: Report): JsonSchema {
  try {
    const json = z.toJSONSchema(schema, { io: "input", target: "draft-2020-12", unrepresentable: "throw" });
    const plain = JSON.parse(JSON.stringify(json)) as JsonSchema;
    z.fromJSONSchema(plain);
    return plain;
  } catch (error) {
    report(field, error instanceof Error ? error.message : String(error));
    return {};
  }
}

function compileGenesis(definition: ContractDefinition, contract: ContractJson, report: Report): GenesisObject[] {
  const first = typeof definition.genesis === "function" ? definition.genesis() : (definition.genesis ?? []);
  const seen = new Set<string>();
  return first.map(({ object, value }) => {
    const type = object.split("/")[0] ?? "";
    if (correlationOf(contract, object) === undefined) report(object, "is no object name of the contract");
    else {
      const parsed = definition.objects[type]?.schema.safeParse(value);
      if (parsed && !parsed.success) report(object, z.prettifyError(parsed.error));
    }
    if (seen.has(object)) report(object, "is listed twice");
    seen.add(object);
    return { object, value: JSON.parse(JSON.stringify(value)) as unknown };
  });
}

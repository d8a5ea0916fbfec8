/**
 * The acceptance test of one change (paper §3.3, DESIGN §8): the checks that every application gets, around the routine
 * the developer wrote. One pure, synchronous function, the same in replicas, acceptance test servers, shadow runs and the
 * simulator, so that testers that look at the same record say the same. It trusts the record's reads and befores (the
 * caller's own store) and nothing in writes and reply.
 */
import type { ObjectAccess } from "../contract/access.ts";
import { evaluateAccess } from "../contract/access.ts";
import type { OperationContract } from "../contract/contract-json.ts";
import { objectContractOf, operationOf } from "../contract/contract-json.ts";
import { refusalProblem } from "../contract/refusal-problem.ts";
import { MissingEvidence, viewOf } from "./acceptance-view.ts";
import type { FindConfidential } from "./confidentiality.ts";
import { checkConfidentiality } from "./confidentiality.ts";
import { inCurrentSchemas, schemaFailure } from "./current-schemas.ts";
import type { CheckFailure } from "./define-acceptance.ts";
import { jsonEqual } from "./json-values.ts";
import type { AcceptanceApplication } from "./prepare-acceptance.ts";
import type { AcceptanceOutcome, AcceptanceRecord } from "./record.ts";

export interface AcceptanceHelpers {
  /** Looks confidential texts up in the caller's store; without it the leak check is left to the caller. */
  readonly findConfidential?: FindConfidential;
}

/**
 * Decides whether a change is accepted. Stable names of the built-in checks: `operation`, `access-template`, `access-log`, `read-only`,
 * `reply-status`, `reply-schema`, `object-schema`, `completeness`, `refusal-unknown`, `refusal-with-writes`,
 * `refusal-unproved`, `missing-evidence`, `acceptance-error`, `confidentiality`; of the combinators `conserves`,
 * `only-changes`, `unchanged`; `must` gives its own.
 */
export function runAcceptance(
  application: AcceptanceApplication,
  record: AcceptanceRecord,
  helpers: AcceptanceHelpers = {},
): AcceptanceOutcome {
  const failure = firstFailure(application, record, helpers);
  return failure ? { pass: false, ...failure } : { pass: true };
}

function firstFailure(
  application: AcceptanceApplication,
  given: AcceptanceRecord,
  helpers: AcceptanceHelpers,
): CheckFailure | undefined {
  try {
    const written = schemaFailure(application, given);
    if (written) return written;
    const record = inCurrentSchemas(application, given);
    const operation = operationOf(application.contract, record.operation);
    if (!operation) return { check: "operation", detail: `"${record.operation}" is no operation of the contract` };
    const access = evaluateAccess(application.contract, operation.name, record.input);
    if (!access.ok)
      return { check: "access-template", detail: `field ${access.error.field} of the input: ${access.error.expected}` };
    const failure =
      checkAccess(operation, access.value, record) ??
      (record.reply.status === 200
        ? checkSuccess(application, operation, access.value, record)
        : checkRefusal(application, operation, record));
    if (failure) return failure;
    return helpers.findConfidential ? checkConfidentiality(access.value, record, helpers.findConfidential) : undefined;
  } catch (error) {
    if (error instanceof MissingEvidence) return { check: "missing-evidence", detail: error.message };
    return { check: "acceptance-error", detail: error instanceof Error ? error.message : "the routine threw" };
  }
}

/** Reads and writes stay within the access templates (A9–A11, A14, R45), each object is written at most once. */
function checkAccess(
  operation: OperationContract,
  access: readonly ObjectAccess[],
  record: AcceptanceRecord,
): CheckFailure | undefined {
  if (operation.readOnly && record.writes.length > 0)
    return { check: "read-only", detail: `${operation.name} is read-only but wrote ${record.writes[0]?.object}` };
  const check = "access-template";
  const allowed = new Map(access.map((entry) => [entry.object, entry.mode]));
  for (const { object } of record.reads)
    if (!allowed.has(object)) return { check, detail: `${operation.name} read ${object}, which it does not declare` };
  for (const { object, granted } of record.accesses ?? [])
    if (!granted || !allowed.has(object))
      return { check: "access-log", detail: `${operation.name} asked for ${object}, which it does not declare` };
  const written = new Set<string>();
  for (const { object, before } of record.writes) {
    const mode = allowed.get(object);
    if (mode !== "write" && mode !== "create")
      return {
        check,
        detail: `${operation.name} wrote ${object}, which it ${mode ? "may only read" : "does not declare"}`,
      };
    if (written.has(object)) return { check, detail: `${object} was written twice` };
    if ((before === null) !== (mode === "create"))
      return { check, detail: mode === "create" ? `${object} exists already` : `${object} does not exist` };
    written.add(object);
  }
  return undefined;
}

function checkSuccess(
  application: AcceptanceApplication,
  operation: OperationContract,
  access: readonly ObjectAccess[],
  record: AcceptanceRecord,
): CheckFailure | undefined {
  const output = application.outputs.get(operation.name)?.safeParse(record.reply.body);
  if (!output?.success) return { check: "reply-schema", detail: `reply: ${issueText(output?.error?.issues[0])}` };
  for (const { object, after } of record.writes) {
    const type = objectContractOf(application.contract, object);
    const parsed = application.objects.get(type?.type ?? "")?.safeParse(after);
    if (!parsed?.success)
      return { check: "object-schema", detail: `${object}: ${issueText(parsed?.error?.issues[0])}` };
  }
  const read = new Set(record.reads.map(({ object }) => object));
  const written = new Set(record.writes.map(({ object }) => object));
  for (const { object, mode, complete } of access)
    if (complete && !(mode === "read" ? read : written).has(object))
      return { check: "completeness", detail: `${operation.name} must ${mode} ${object}, and did not` };
  return application.routines.get(operation.name)?.accept(viewOf(record));
}

/** A refusal changes nothing, reads as the contract says, and its predicate holds on the versions read (DESIGN §5, A37). */
function checkRefusal(
  application: AcceptanceApplication,
  operation: OperationContract,
  record: AcceptanceRecord,
): CheckFailure | undefined {
  const refusal = Object.keys(operation.refusals).find((name) =>
    jsonEqual(refusalProblem(application.contract, operation, name), record.reply.body),
  );
  if (refusal === undefined || operation.refusals[refusal]?.status !== record.reply.status) {
    const statuses = [200, ...Object.values(operation.refusals).map(({ status }) => status)];
    if (!statuses.includes(record.reply.status))
      return { check: "reply-status", detail: `${operation.name} replied with status ${record.reply.status}` };
    return { check: "refusal-unknown", detail: `the reply is no refusal that ${operation.name} declares` };
  }
  if (record.writes.length > 0)
    return { check: "refusal-with-writes", detail: `refused as ${refusal} but wrote ${record.writes[0]?.object}` };
  const predicate = application.routines.get(operation.name)?.refusals?.[refusal];
  if (predicate?.(viewOf(record)) === true) return undefined;
  return { check: "refusal-unproved", detail: `${refusal} is not justified by the versions read` };
}

/** First problem of a schema check as `field: message`, without any value. */
function issueText(issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined): string {
  if (!issue) return "does not match its schema";
  return `${issue.path.length === 0 ? "value" : issue.path.join(".")}: ${issue.message}`;
}

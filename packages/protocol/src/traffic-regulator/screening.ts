/**
 * Preliminary screening (paper §3.1): is this request fit to be looked at, in the order in which a refusal gives least
 * away. Each rule is a pure function with a stable outcome; the first that refuses wins. Nothing here remembers anything.
 */
import { type Digest, LIMITS, type RequestId } from "@redoubt/shared";
import { GENESIS_OPERATION } from "../application-port.ts";
import { normaliseAddress } from "./addresses.ts";
import { describeProblems, type ProblemName } from "./problems.ts";
import type { MalformedSignature, Quarantine } from "./quarantine.ts";
import type { AdmitRequest, FieldProblem, RegulatedApplication } from "./types.ts";

export interface Client {
  readonly id: string;
  readonly name: string;
  readonly keyHash: Digest;
  readonly roles: readonly string[];
}

/** Clients by id and by the hash of their key. */
export class ClientDirectory {
  #byId = new Map<string, Client>();
  #byKeyHash = new Map<string, Client>();

  configure(clients: readonly Client[]): void {
    this.#byId = new Map(clients.map((client) => [client.id, client]));
    this.#byKeyHash = new Map(clients.map((client) => [client.keyHash, client]));
  }

  find(who: { readonly clientId?: string; readonly credentialDigest?: string }): Client | undefined {
    if (who.clientId !== undefined) return this.#byId.get(who.clientId);
    return who.credentialDigest === undefined ? undefined : this.#byKeyHash.get(who.credentialDigest);
  }
}

/** A refusal at the door. `counted` names it for traffic counters and L1. */
export interface Refusal {
  readonly problem: ProblemName;
  readonly counted: string;
  readonly detail?: string;
  readonly errors?: readonly FieldProblem[];
  readonly clientId?: string;
  readonly retryAfterSeconds?: number;
}

export type Screened =
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "passed"; readonly client: Client; readonly address: string };

export interface ScreeningRules {
  readonly clients: ClientDirectory;
  readonly quarantine: Quarantine;
  readonly application: RegulatedApplication;
}

const refused = (refusal: Refusal): Screened => ({ kind: "refused", refusal });

/** Who is it, is it blocked, may it call this, is the text of the request in order? */
export function screenSender(rules: ScreeningRules, request: AdmitRequest): Screened {
  const address = normaliseAddress(request.address);
  if (rules.quarantine.isAddressBlocked(address)) return refused({ problem: "rejected", counted: "blocked" });
  const client = rules.clients.find(request);
  if (!client) return refused({ problem: "unauthenticated", counted: "credential" });
  if (rules.quarantine.isPrincipalBlocked(client.id))
    return refused({ problem: "rejected", counted: "blocked", clientId: client.id });
  const text = screenOperation(rules.application, request, client) ?? screenText(rules.application, request);
  return text ? refused({ ...text, clientId: client.id }) : { kind: "passed", client, address };
}

export function screenOperation(
  application: RegulatedApplication,
  request: Pick<AdmitRequest, "operation">,
  client: Client,
): Refusal | undefined {
  const operation = request.operation === GENESIS_OPERATION ? undefined : application.operationOf(request.operation);
  if (!operation) return { problem: "unknown-operation", counted: "operation" };
  if (operation.allow.length > 0 && !operation.allow.some((role) => client.roles.includes(role)))
    return { problem: "forbidden", counted: "role" };
  return undefined;
}

/** Visible ASCII: a key travels in a header and is shown to people. */
const KEY = /^[\x21-\x7e]+$/;

export function screenText(application: RegulatedApplication, request: AdmitRequest): Refusal | undefined {
  const { inputProblem, key, inputText } = request;
  if (inputProblem) {
    const { status, detail, errors } = inputProblem;
    const problem = status === 413 ? "too-large" : status === 415 ? "unsupported-media-type" : "malformed-request";
    return { problem, counted: "input", detail, errors };
  }
  if (key !== undefined && (key.length > LIMITS.idempotencyKeyBytesMax || !KEY.test(key))) {
    const expected = `1 to ${LIMITS.idempotencyKeyBytesMax} visible ASCII characters`;
    const errors = [{ field: "Idempotency-Key", expected }];
    return { problem: "malformed-request", counted: "input", detail: describeProblems(errors), errors };
  }
  if (inputText.length > LIMITS.inputBytesMax) return { problem: "too-large", counted: "input" };
  if (request.validatedBy === application.version) return undefined;
  const errors = application.validate(request.operation, inputText);
  if (errors.length === 0) return undefined;
  return { problem: "malformed-request", counted: "input", detail: describeProblems(errors), errors };
}

/** Is it known to be malformed (signatures), or against a rule? */
export function screenContent(
  quarantine: Quarantine,
  request: { readonly operation: string; readonly inputDigest: Digest },
): MalformedSignature | undefined {
  return quarantine.match(request);
}

export interface Load {
  readonly pending: number;
  readonly pendingMax: number;
  readonly pendingOfClient: number;
  readonly pendingOfClientMax: number;
}

/** Is there room for it? */
export function screenLoad(load: Load): Refusal | undefined {
  if (load.pendingOfClient >= load.pendingOfClientMax)
    return { problem: "too-many-requests", counted: "client-limit", retryAfterSeconds: 1 };
  if (load.pending >= load.pendingMax) return { problem: "overloaded", counted: "overload", retryAfterSeconds: 1 };
  return undefined;
}

/** The same key of the same client named another request before. */
export const isKeyReused = (known: RequestId | undefined, requestId: RequestId): boolean =>
  known !== undefined && known !== requestId;

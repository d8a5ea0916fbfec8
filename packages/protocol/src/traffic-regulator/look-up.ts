/** `GET /v1/requests/{id}`: what became of a request, told to its owner only (DESIGN §8). Anybody else gets 404. */
import type { RequestId } from "@redoubt/shared";
import { isRequestId } from "@redoubt/shared";
import { normaliseAddress } from "./addresses.ts";
import { type Regulator, respond } from "./context.ts";
import { isAdmitting } from "./endings.ts";
import { heldView } from "./held-response.ts";
import { type ProblemName, problemResponse } from "./problems.ts";

export interface LookUp {
  readonly exchange: string;
  readonly credentialDigest?: string;
  readonly clientId?: string;
  readonly address: string;
  readonly requestId: string;
}

export function lookUp(regulator: Regulator, question: LookUp): void {
  const { exchange } = question;
  const answer = findAnswer(regulator, question);
  if (typeof answer === "string") {
    const retry = answer === "not-ready" ? { retryAfterSeconds: 1 } : {};
    respond(regulator, exchange, problemResponse(answer, retry));
    return;
  }
  const headers = { "content-type": "application/json", "redoubt-request-id": question.requestId };
  respond(regulator, exchange, { status: 200, headers, bodyText: answer.bodyText });
}

function findAnswer(regulator: Regulator, question: LookUp): ProblemName | { readonly bodyText: string } {
  const { quarantine, clients, logs } = regulator;
  if (!isAdmitting(regulator)) return "not-ready";
  const client = clients.find(question);
  // Holding a request blocks its sender, who may still ask about it, and about nothing else.
  const held = client && isRequestId(question.requestId) ? logs.held.get(question.requestId) : undefined;
  if (held && held.clientId === client?.id) return { bodyText: JSON.stringify(heldView(held)) };
  if (quarantine.isAddressBlocked(normaliseAddress(question.address))) return "rejected";
  if (!client) return "unauthenticated";
  if (quarantine.isPrincipalBlocked(client.id)) return "rejected";
  if (!isRequestId(question.requestId)) return "unknown-request";
  return describeTo(regulator, client.id, question.requestId) ?? "unknown-request";
}

function describeTo(
  { logs }: Regulator,
  clientId: string,
  requestId: RequestId,
): { readonly bodyText: string } | undefined {
  const verified = logs.verified(requestId);
  if (verified?.clientId === clientId) {
    const { status, bodyText, operation } = verified;
    const body = bodyText === "" ? "null" : bodyText;
    const head = JSON.stringify({ requestId, operation, state: "verified", status }).slice(0, -1);
    return { bodyText: `${head},"body":${body}}` };
  }
  const pending = logs.pending(requestId);
  if (pending?.record.clientId === clientId)
    return { bodyText: JSON.stringify({ requestId, operation: pending.record.operation, state: "pending" }) };
  const malformed = logs.malformed(requestId);
  if (malformed?.clientId === clientId)
    return { bodyText: JSON.stringify({ requestId, operation: malformed.operation, state: "rejected" }) };
  return undefined;
}

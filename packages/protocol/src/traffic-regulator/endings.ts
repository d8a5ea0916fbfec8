/**
 * Out of L3: with a reply into L2 (paper §3.1), or, closed by the masters, into L1 with everything that follows from
 * blame: blocks, the learned signature, facts for the manager. The record is journalled before the answer leaves.
 */
import type { RequestTraceSeen } from "@redoubt/shared";
import { digestText } from "../digests.ts";
import { isExempt } from "./addresses.ts";
import { settleChange } from "./answers.ts";
import { considerAudit } from "./audits.ts";
import { addFact, append, isPrimary, note, publish, type Regulator, respond } from "./context.ts";
import { dispatchOldest } from "./dispatch.ts";
import { judgeDivergenceNow } from "./divergence.ts";
import { clearSuspicion } from "./failures.ts";
import { advanceGenesis } from "./genesis.ts";
import { heldResponse } from "./held-response.ts";
import { problemResponse } from "./problems.ts";
import { noteRelease } from "./quorum.ts";
import { contentTypeOf, splitReply } from "./reply-content.ts";
import type { Ending, PendingRequest } from "./request.ts";
import type { VerifiedEntry } from "./request-logs.ts";
import { noteAttribution } from "./shadow-outcomes.ts";
import type { Hold, QuarantinedRecord, RespondEffect, VerifiedRecord } from "./types.ts";

const UNREADABLE = { status: 500, bodyText: "" };

export function enterEnded(regulator: Regulator, request: PendingRequest): void {
  const { ending, current } = request;
  for (const digest of request.awaited) regulator.ancestors.forget(digest, request);
  request.awaited = [];
  regulator.shadows.drop(request);
  regulator.traces.keep(request.requestId, request.trace);
  clearSuspicion(regulator, request);
  if (ending?.kind === "reply") endVerified(regulator, request, ending);
  else if (ending?.kind === "expired") endExpired(regulator, request);
  else endQuarantined(regulator, request, ending?.kind === "held" ? ending.hold : undefined);
  for (const { exchange } of request.exchanges) regulator.exchanges.delete(exchange);
  request.exchanges.length = 0;
  if (current) judgeDivergenceNow(regulator, request, current);
  dispatchOldest(regulator);
  if (request.internal === "genesis") advanceGenesis(regulator, request.requestId);
}

function endVerified(regulator: Regulator, request: PendingRequest, ending: Extract<Ending, { kind: "reply" }>): void {
  const { requestId, record } = request;
  const { status, bodyText } = splitReply(ending.reply) ?? UNREADABLE;
  const verified: VerifiedRecord = {
    kind: "verified",
    requestId,
    status,
    bodyText,
    at: Math.trunc(regulator.wall),
  };
  append(regulator, verified);
  regulator.logs.verify(verified);
  if (!request.internal) regulator.inGoodStanding.add(record.clientId);
  regulator.traffic.count("released");
  considerAudit(regulator, request, ending.changeDigest);
  noteRelease(regulator);
  regulator.traffic.answered(regulator.now - request.arrivedAt);
  publish(regulator, {
    kind: "released",
    requestId,
    attempt: request.verified?.change.attempt ?? request.current?.number ?? request.attempt,
    changeDigest: ending.changeDigest,
    by: ending.by,
  });
  if (!request.readOnly) {
    regulator.lastReleased = { requestId, attempt: request.current?.number ?? request.attempt };
    settleChange(regulator, request, ending.changeDigest, request.clusters);
  }
  noteAnswered(regulator, request, replyResponse({ requestId, status, bodyText }, false).status, ending.by);
  for (const { exchange, repeated } of request.exchanges)
    respond(regulator, exchange, replyResponse({ requestId, status, bodyText }, repeated));
}

function noteAnswered(
  regulator: Regulator,
  request: PendingRequest,
  status: number,
  because: "all-members" | "masters" | "closed" | "expired" | "held",
): void {
  const exchanges = request.exchanges.length;
  const repeated = request.exchanges.filter((each) => each.repeated).length;
  note(regulator, request, { kind: "answered", status, exchanges, repeated, because });
}

function endExpired(regulator: Regulator, request: PendingRequest): void {
  const { requestId, exchanges } = request;
  append(regulator, { kind: "withdrawn", requestId });
  regulator.logs.withdraw(requestId);
  regulator.traffic.count("rejected.key-expired");
  const expired = problemResponse("key-expired", { requestId });
  noteAnswered(regulator, request, expired.status, "expired");
  for (const { exchange } of exchanges) respond(regulator, exchange, expired);
}

/** The logged reply as HTTP: the same bytes for every repeat (REQUIREMENTS R21). */
export function replyResponse(
  { requestId, status, bodyText }: Pick<VerifiedEntry, "requestId" | "status" | "bodyText">,
  repeated: boolean,
): Omit<RespondEffect, "kind" | "exchange"> {
  if (status === UNREADABLE.status) return problemResponse("unreadable-reply", { requestId });
  const headers = { "content-type": contentTypeOf(status), "redoubt-request-id": requestId };
  return { status, headers: repeated ? { ...headers, "idempotent-replayed": "true" } : headers, bodyText };
}

/** Closed by the masters, or held for a person. */
function endQuarantined(regulator: Regulator, request: PendingRequest, hold: Hold | undefined): void {
  const { record, blame, requestId, attempt } = request;
  const blamed = request.blamed && blame !== undefined && request.internal === undefined;
  const { clientId, key, address, operation, applicationVersion, inputText, inputDigest } = record;
  const entry: QuarantinedRecord = {
    kind: "quarantined",
    requestId,
    attempt: blame?.attempt ?? attempt,
    clientId,
    key,
    address,
    operation,
    applicationVersion,
    inputText,
    inputDigest,
    reason: blame?.reason ?? "acceptance-test",
    check: blame?.check ?? "closed-before",
    detail: blame?.detail ?? "the masters had closed this request id before",
    executionServer: blame?.server ?? "",
    blamed,
    at: Math.trunc(regulator.wall),
    ...(hold ? { hold } : {}),
  };
  if (blame) {
    const { check, detail } = entry;
    noteAttribution(regulator, request, { guilty: blamed ? "request" : "acceptance-test", servers: [], check, detail });
  }
  const answer = quarantineResponse(entry);
  noteAnswered(regulator, request, answer.status, hold ? "held" : "closed");
  quarantineRequest(regulator, entry, request.trace.seen);
  if (blamed) learnExactSignature(regulator, entry);
  for (const { exchange } of request.exchanges) respond(regulator, exchange, answer);
}

/**
 * 202 while it is held. Else definite, as the masters closed the id. What was withheld without blame is a 503, never a
 * word about the rule.
 */
export function quarantineResponse(
  entry: Pick<QuarantinedRecord, "requestId" | "operation" | "blamed" | "check" | "hold">,
): Omit<RespondEffect, "kind" | "exchange"> {
  const { requestId, operation, blamed, check, hold } = entry;
  if (hold) return heldResponse({ requestId, operation, hold });
  if (blamed || check === "closed-before") return problemResponse("rejected", { requestId });
  return problemResponse("withheld", { requestId, detail: NEVER_UNDER_THIS_KEY, retryAfterSeconds: 60 });
}

const NEVER_UNDER_THIS_KEY =
  "It was not carried out, and will not be under this Idempotency-Key; another one may be used.";

/** Into L1 with its fact; with blame also the blocks of principal and address (paper §3.1, DESIGN §5). */
export function quarantineRequest(regulator: Regulator, entry: QuarantinedRecord, trace?: RequestTraceSeen): void {
  append(regulator, entry);
  if (entry.signature !== undefined) regulator.recognised.add(entry.clientId);
  regulator.logs.quarantine(entry);
  regulator.traffic.count(`quarantined.${entry.reason}`);
  const { requestId, attempt, operation, clientId, address, reason, check, detail, executionServer, blamed } = entry;
  addFact(regulator, {
    kind: "quarantined",
    requestId,
    attempt,
    operation,
    clientId,
    host: address,
    reason,
    check,
    detail,
    executionServer,
    payload: entry.inputText,
    state: entry.hold ? "held" : "rejected",
    ...(entry.hold ? { heldUntil: entry.hold.until } : {}),
    evidence: {
      blamed,
      ...(entry.signature === undefined ? {} : { signature: entry.signature }),
      // What led here outlives this process with the fact.
      ...(trace ? { trace } : {}),
    },
  });
  if (blamed) blockSender(regulator, entry);
}

function blockSender(regulator: Regulator, entry: QuarantinedRecord): void {
  const { clientId: principal, address, requestId, reason } = entry;
  const at = Math.trunc(regulator.wall);
  const withheld = isExempt(address, regulator.wanted?.exemptAddresses ?? []);
  const who = withheld ? { principal } : { principal, address };
  append(regulator, { kind: "blocked", ...who, requestId, reason, at });
  regulator.quarantine.block({ ...who, requestId, reason });
  addFact(regulator, { kind: "hostBlocked", ...who, requestId, reason });
  if (withheld) addFact(regulator, { kind: "blockWithheld", address, requestId, reason });
}

function learnExactSignature(regulator: Regulator, entry: QuarantinedRecord): void {
  const { operation, inputDigest, requestId } = entry;
  if (regulator.quarantine.match({ operation, inputDigest })) return;
  const name = digestText(regulator.dependencies.hasher, "signature", `${operation} ${inputDigest}`);
  const signature = `exact-${name.slice(0, 16)}`;
  append(regulator, { kind: "signature", signature, operation, inputDigest, requestId });
  regulator.quarantine.learn({ kind: "exact-digest", signature, operation, inputDigest, requestId });
  addFact(regulator, { kind: "signatureLearned", signature, requestId, operation });
}

export const isAdmitting = (regulator: Regulator): boolean => isPrimary(regulator) && regulator.genesis.done;

/**
 * States in which the masters have the word: asking for a forgotten outcome, waiting for a survivor's verdicts, closing a
 * condemned id (docs/PROTOCOL.md §4, §5, §7).
 */
import type { OutcomesMessage, RequestId, RequestOutcome } from "@redoubt/shared";
import { isPastWindow } from "./admission.ts";
import { takeVerified } from "./answers.ts";
import { domainOf, isUsable, type Regulator, retryAfter, sendToMasters } from "./context.ts";
import { FIRST_RETRY_MS, makeAttempt } from "./dispatch.ts";
import { clearSuspicion, doomAgain } from "./failures.ts";
import { readmit } from "./held-release.ts";
import { endedByMasters, holdOf } from "./holding.ts";
import { advance } from "./lifecycle.ts";
import type { PendingRequest } from "./request.ts";

export const OUTCOME_REPEAT_MS = 300;
const CLOSE_REPEAT_MS = 300;

/** Asks only once its clusters are settled in this regulator's time: before, "unknown" would mean nothing. */
export function enterChecking(regulator: Regulator, request: PendingRequest): void {
  askOutcome(regulator, request);
}

export function askOutcome(regulator: Regulator, request: PendingRequest): void {
  const settled = request.clusters.every((cluster) => isUsable(regulator, regulator.placement.domainOf(cluster)));
  if (settled) regulator.outcomeQuestions.add(request.requestId);
  retryAfter(regulator, request, OUTCOME_REPEAT_MS);
}

const QUESTIONS_PER_MESSAGE = 512;

export function sendOutcomeQuestions(regulator: Regulator): void {
  if (regulator.outcomeQuestions.size === 0) return;
  const requests = [...regulator.outcomeQuestions];
  regulator.outcomeQuestions.clear();
  for (let from = 0; from < requests.length; from += QUESTIONS_PER_MESSAGE)
    sendToMasters(regulator, { kind: "outcomeOf", requests: requests.slice(from, from + QUESTIONS_PER_MESSAGE) });
}

export function onOutcomes(regulator: Regulator, { outcomes }: OutcomesMessage): void {
  for (const { requestId, outcome } of outcomes) {
    const request = pendingAfter(regulator, requestId, outcome.kind);
    if (!request) continue;
    if (isExpired(regulator, request, outcome)) expire(regulator, request);
    else if (outcome.kind === "verified") takeVerified(regulator, request, outcome);
    else if (outcome.kind === "closed") closedByMasters(regulator, requestId);
    else advance(regulator, request, "unknown");
  }
}

/** What is held goes back into L3 for a reply that the masters have verified; what they have closed is rejected. */
function pendingAfter(
  regulator: Regulator,
  requestId: RequestId,
  outcome: RequestOutcome["kind"],
): PendingRequest | undefined {
  const held = regulator.logs.held.get(requestId);
  if (held && outcome === "verified") return readmit(regulator, held);
  if (held && outcome === "closed") endedByMasters(regulator, held);
  return regulator.logs.pending(requestId);
}

/** It was verified in an earlier window, and this repetition is too late to get the reply. */
const isExpired = (regulator: Regulator, { state, internal }: PendingRequest, outcome: RequestOutcome): boolean =>
  state === "checking" &&
  internal === undefined &&
  outcome.kind === "verified" &&
  outcome.admittedAt !== undefined &&
  isPastWindow(regulator, outcome.admittedAt);

function expire(regulator: Regulator, request: PendingRequest): void {
  request.ending = { kind: "expired" };
  advance(regulator, request, "closed");
}

/** No change of this id can be verified any more. */
export function closedByMasters(regulator: Regulator, requestId: RequestId): void {
  const request = regulator.logs.pending(requestId);
  if (!request) {
    const held = regulator.logs.held.get(requestId);
    if (held) endedByMasters(regulator, held);
    if (regulator.logs.which(requestId) === undefined) regulator.logs.seen.add(requestId);
    return;
  }
  request.ending = { kind: "closed" };
  advance(regulator, request, "closed");
}

const UNKNOWN = { server: "", incarnation: "", publicKey: "" };

/** A change of it outlived its epoch; in which regulator's time it was made does not matter any more. */
export function enterSurviving(regulator: Regulator, request: PendingRequest): void {
  const { survivor, assigned } = request;
  const domain = regulator.placement.domainOf(request.home);
  if (survivor && request.current?.number !== survivor.attempt) {
    const server = assigned?.attempt === survivor.attempt ? assigned : UNKNOWN;
    const deadlineAt = Number.POSITIVE_INFINITY;
    request.attempt = Math.max(request.attempt, survivor.attempt);
    request.current = makeAttempt({
      number: survivor.attempt,
      domain,
      testers: [],
      server,
      disposable: false,
      startedAt: regulator.now,
      deadlineAt,
    });
  }
  if (doomAgain(regulator, request)) return;
  regulator.toJudge.add(request);
  request.retryDelayMs = FIRST_RETRY_MS;
  retryAfter(regulator, request, FIRST_RETRY_MS);
}

export function enterClosing(regulator: Regulator, request: PendingRequest): void {
  regulator.shadows.drop(request);
  const hold = holdOf(regulator, request);
  if (hold) {
    request.ending = { kind: "held", hold };
    advance(regulator, request, "held");
  } else askToClose(regulator, request);
}

export function askToClose(regulator: Regulator, request: PendingRequest): void {
  const { requestId, home } = request;
  sendToMasters(regulator, { kind: "close", requestId, home });
  retryAfter(regulator, request, CLOSE_REPEAT_MS);
}

/** After an attempt came to nothing by a settlement. */
export function settleDead(regulator: Regulator, request: PendingRequest): void {
  if (request.disposition === "condemn") advance(regulator, request, "deadCondemned");
  else if (request.disposition === "shadow") advance(regulator, request, "deadBlamed");
  else {
    clearSuspicion(regulator, request);
    advance(regulator, request, "deadInnocent");
  }
}

export const isCheckable = (regulator: Regulator, request: PendingRequest): boolean =>
  request.state === "checking" && isUsable(regulator, domainOf(regulator, request));

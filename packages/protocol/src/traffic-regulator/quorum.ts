/**
 * Knows when so few servers of the state farm are there that nothing can be decided, so that clients are told at once (503)
 * instead of waiting for their deadline. It judges by results: only when something has waited for long without any release
 * does it ask why, and only silent members, an epoch that is not settled, or masters that decide nothing count as an answer. Slow is not missing. It
 * decides nothing about requests: those taken in stay in L3 and go on when the servers are back.
 */
import { askMember, type Regulator, respond } from "./context.ts";
import { isHeard } from "./health.ts";
import { problemResponse } from "./problems.ts";
import type { PendingRequest } from "./request.ts";

/** Longer than an election and a settlement with a member missing take. */
export const STALLED_MS = 2_500;
const PING_MS = 500;
const RETRY_AFTER_SECONDS = 2;

export class QuorumWatch {
  isMissing = false;
  /** Last release; before one is seen, since when something waits. */
  progressAt = Number.NEGATIVE_INFINITY;
  /** When the masters' decisions advanced last, and how far. */
  decidedAt = Number.NEGATIVE_INFINITY;
  decidedThrough = -1;
  /** When every domain was settled last: without that, no request there can be given out. */
  settledAt = Number.NEGATIVE_INFINITY;
  pingedAt = Number.NEGATIVE_INFINITY;
}

/** Part of the housekeeping. */
export function watchQuorum(regulator: Regulator): void {
  const { quorum, logs, now, link, placement } = regulator;
  if (link.through !== quorum.decidedThrough) {
    quorum.decidedThrough = link.through;
    quorum.decidedAt = now;
  }
  if (placement.domains.every(({ settled }) => settled)) quorum.settledAt = now;
  const oldest = logs.oldestPending;
  const stalledMs = oldest === undefined ? 0 : now - Math.max(quorum.progressAt, oldest.arrivedAt);
  if (stalledMs >= STALLED_MS / 2) pingAll(regulator);
  const wasMissing = quorum.isMissing;
  quorum.isMissing = stalledMs >= STALLED_MS && isQuorumMissing(regulator);
  if (quorum.isMissing && !wasMissing) for (const request of logs.inProgress()) answerBelowQuorum(regulator, request);
}

/** A change was released: whatever is missing, it is no quorum. */
export function noteRelease({ quorum, now }: Regulator): void {
  quorum.progressAt = now;
  quorum.isMissing = false;
}

function isQuorumMissing(regulator: Regulator): boolean {
  const { wanted, now, quorum } = regulator;
  if (!wanted) return false;
  const heard = wanted.members.filter((member) => isHeard(regulator, member)).length;
  if (heard < Math.min(wanted.faultsTolerated + 1, wanted.members.length)) return true;
  if (now - quorum.settledAt >= STALLED_MS) return true;
  // With every member there replies leave without the masters.
  return heard < wanted.members.length && now - quorum.decidedAt >= STALLED_MS;
}

/** All members, since a request that waits for an epoch asks none. What is asked about does not matter. */
function pingAll(regulator: Regulator): void {
  const { quorum, now, lastReleased, wanted } = regulator;
  if (!lastReleased || now < quorum.pingedAt + PING_MS) return;
  quorum.pingedAt = now;
  for (const member of wanted?.members ?? [])
    askMember(regulator, member, { ...lastReleased, test: false, reply: false, escalate: false });
}

/** Everybody who waits for it is told; it stays in L3. */
export function answerBelowQuorum(regulator: Regulator, { exchanges, requestId }: PendingRequest): void {
  for (const { exchange } of exchanges.splice(0)) {
    regulator.exchanges.delete(exchange);
    refuseBelowQuorum(regulator, exchange, requestId);
  }
}

/** @param requestId of a request that was taken in; without one, nothing was. */
export function refuseBelowQuorum(
  regulator: Regulator,
  exchange: string,
  requestId?: PendingRequest["requestId"],
): void {
  regulator.traffic.count("rejected.below-quorum");
  const detail =
    requestId === undefined
      ? "The request was not taken in. Send it again."
      : "The request was taken in and may still be carried out. Repeat it with the same Idempotency-Key.";
  const about = requestId === undefined ? {} : { requestId };
  respond(
    regulator,
    exchange,
    problemResponse("below-quorum", { detail, ...about, retryAfterSeconds: RETRY_AFTER_SECONDS }),
  );
}

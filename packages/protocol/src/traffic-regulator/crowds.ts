/**
 * What was inside something that ended: any of it may be to blame, most of it is not (docs/PROTOCOL.md §6, ADR 0019,
 * REQUIREMENTS U24). A few are screened at once, each alone. Many are sifted first: they run again a few at a time among
 * others, and only those inside the next thing that ends are screened alone. Only what fails alone is condemned; the times
 * it was inside before count then, so that three processes are enough.
 */
import { reasonOf } from "./attribution.ts";
import { note, type Regulator } from "./context.ts";
import type { Finding } from "./failures.ts";
import type { PendingRequest } from "./request.ts";
import type { ExecutionServer } from "./servers.ts";
import { strikeKind } from "./strikes.ts";
import { noteAttempt } from "./trail.ts";

/** So many at most are screened alone at once: each takes a fresh worker. */
const SCREENED_MAX = 16;
/** Of a larger crowd so many run at a time. */
export const SIFTED_MAX = 8;

/** Requests that may have ended the process: dispatched to it, and no member has heard of a change of theirs. */
export function insideOf({ logs }: Regulator, { running }: ExecutionServer): PendingRequest[] {
  const inside: PendingRequest[] = [];
  for (const requestId of running) {
    const request = logs.pending(requestId);
    if (request?.current?.votes.size === 0 && isScreened(request)) inside.push(request);
  }
  return inside;
}

const isScreened = ({ state, internal }: PendingRequest): boolean => state === "running" && internal === undefined;

/** They ended together with what they ran in, for the reason of `finding`. */
export function screenCrowd(regulator: Regulator, crowd: readonly PendingRequest[], finding: Finding): void {
  const inside = crowd.filter(isScreened);
  for (const request of inside) {
    const isSifted = request.isSifted || inside.length <= SCREENED_MAX;
    request.isSifted = true;
    blameIndirectly(regulator, request, finding, isSifted && !regulator.wanted?.strictPaper ? "shadow" : "retry");
  }
}

function blameIndirectly(
  regulator: Regulator,
  request: PendingRequest,
  finding: Finding,
  disposition: PendingRequest["disposition"],
): void {
  const { current } = request;
  if (!current) return;
  const { detector, check, detail } = finding;
  const { server, incarnation, number } = current;
  const reason = reasonOf(detector, check);
  request.strikes.set(`${server} ${incarnation}`, strikeKind(detector, check));
  request.blame = { ...finding, reason, server, incarnation, attempt: number, reads: [], direct: false };
  request.disposition = disposition;
  note(regulator, request, { kind: "failed", attempt: number, server, ...finding });
  noteAttempt(regulator, request, current, { outcome: "inside", check, detail });
}

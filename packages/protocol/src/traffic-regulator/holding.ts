/**
 * Holding quarantined requests for a person (DESIGN §5, REQUIREMENTS U34, ADR 0021). Where the contract says so, a condemned
 * request is not closed: it goes to L1 with everything that follows from blame (blocks, signature, facts), its client is
 * told 202, and the masters hear nothing of it until a person or its time decides. Released, it is admitted once more
 * under the same id; else the masters close the id, and from then on it is rejected like any other.
 *
 * Who may release it, and the record of that, is the manager's business.
 */
import type { RequestId } from "@redoubt/shared";
import { computeRequestId, digestInput } from "../digests.ts";
import { findAccess } from "./access.ts";
import { addFact, append, isPrimary, type Regulator, respond, sendToMasters } from "./context.ts";
import type { HeldEntry } from "./held-requests.ts";
import { heldResponse } from "./held-response.ts";
import type { PendingRequest } from "./request.ts";
import type { AdmitRequest, AdmittedRecord, Hold } from "./types.ts";
import { applicationOf } from "./versions.ts";

const CLOSE_REPEAT_MS = 300;
/** Nobody gave this order. */
const EXPIRY_ORDER = "expiry/nobody";

/**
 * Terms under which a condemned request is held; undefined: it is rejected. Whoever is released in time must still find its
 * reply, which is remembered for a window from its admission: hence no longer than half of it.
 */
export function holdTerms(
  regulator: Regulator,
  record: AdmittedRecord,
  { home, attempts }: Pick<Hold, "home" | "attempts">,
): Hold | undefined {
  const { wall, settings, logs } = regulator;
  const { admittedAt, seed } = record;
  const holdMs = applicationOf(regulator, record).operationOf(record.operation)?.holdMs;
  if (holdMs === undefined || record.released) return undefined;
  const until = Math.trunc(Math.min(wall + holdMs, admittedAt + settings.windowMs / 2));
  if (until <= wall || !logs.held.hasRoomFor(record)) return undefined;
  return { until, home, admittedAt, seed, attempts };
}

/** Of a request about to be closed: only what would be rejected with blame is held (otherwise its client is told 503). */
export function holdOf(regulator: Regulator, request: PendingRequest): Hold | undefined {
  const { record, blame, blamed, internal, home, attempt } = request;
  if (!blame || !blamed || internal !== undefined) return undefined;
  return holdTerms(regulator, record, { home, attempts: attempt });
}

/** Of one that a signature stops at the door. */
export function holdAtDoor(regulator: Regulator, record: AdmittedRecord): Hold | undefined {
  const access = findAccess(regulator.application, record.operation, record.inputText);
  return "problem" in access ? undefined : holdTerms(regulator, record, { home: access.home, attempts: 0 });
}

/**
 * A blocked client that repeats what is held gets the answer it had before, and nothing else. True when it was answered:
 * holding blocks its sender, who could otherwise never learn that it is held.
 */
export function answerHeld(regulator: Regulator, request: AdmitRequest): boolean {
  const { clients, logs, dependencies } = regulator;
  const { exchange, key, operation, inputText, inputProblem } = request;
  const client = clients.find(request);
  if (!client || key === undefined || inputProblem || !logs.held.isOwner(client.id)) return false;
  const { hasher } = dependencies;
  const entry = logs.held.get(computeRequestId(hasher, client.id, key, operation, digestInput(hasher, inputText)));
  if (!entry) return false;
  regulator.traffic.count("held");
  respond(regulator, exchange, heldResponse(entry));
  return true;
}

/** Decided: it will be rejected. Journalled before the masters are asked, so that nobody releases what they may be closing. */
export function endHold(regulator: Regulator, entry: HeldEntry): void {
  if (entry.isEnding) return;
  const { requestId } = entry;
  append(regulator, { kind: "holdEnding", requestId });
  regulator.logs.held.end(requestId);
  regulator.logs.held.askedAt = Number.NEGATIVE_INFINITY;
  keepHeld(regulator);
}

/** Housekeeping: what is held for too long is rejected, and the masters are asked until they have closed it. */
export function keepHeld(regulator: Regulator): void {
  const { logs, now, wall } = regulator;
  const { held } = logs;
  if (held.size === 0 || !isPrimary(regulator)) return;
  for (const { requestId, isEnding, hold } of held.all()) {
    if (isEnding || wall < hold.until) continue;
    append(regulator, { kind: "holdEnding", requestId });
    held.end(requestId);
    noteExpired(regulator, requestId);
  }
  if (now < held.askedAt + CLOSE_REPEAT_MS) return;
  held.askedAt = now;
  for (const { requestId, isEnding, hold } of held.all())
    if (isEnding) sendToMasters(regulator, { kind: "close", requestId, home: hold.home });
}

const noteExpired = (regulator: Regulator, requestId: RequestId): void =>
  addFact(regulator, { kind: "quarantineChanged", requestId, state: "expired", order: EXPIRY_ORDER });

/** The masters have closed it: the rejection is definite. */
export function endedByMasters(regulator: Regulator, entry: HeldEntry): void {
  const { requestId, isEnding } = entry;
  append(regulator, { kind: "holdEnded", requestId });
  // Asked for by a process of this regulator whose journal a power cut has shortened.
  if (!isEnding) noteExpired(regulator, requestId);
  regulator.logs.endHold(requestId);
  regulator.traffic.count("hold-ended");
}

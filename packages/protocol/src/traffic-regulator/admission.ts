/**
 * The door: a client's request is screened, recognised as a repeat, or taken into L3 (paper §3.1). L3 is journalled before
 * anything is dispatched (REQUIREMENTS R19).
 */
import type { RequestId } from "@redoubt/shared";
import { computeRequestId, digestInput } from "../digests.ts";
import { type Access, findAccess } from "./access.ts";
import { normaliseAddress } from "./addresses.ts";
import { append, note, noteById, type Regulator, respond, schedule } from "./context.ts";
import { isAdmitting, quarantineRequest, quarantineResponse, replyResponse } from "./endings.ts";
import { answerHeld, holdAtDoor } from "./holding.ts";
import { problemResponse } from "./problems.ts";
import { answerBelowQuorum, refuseBelowQuorum } from "./quorum.ts";
import type { PendingRequest } from "./request.ts";
import { type Client, isKeyReused, type Refusal, screenContent, screenLoad, screenSender } from "./screening.ts";
import { RequestTrace } from "./traces.ts";
import type { AdmitRequest, AdmittedRecord, QuarantinedRecord } from "./types.ts";
import { applicationOf, noteAdmitted } from "./versions.ts";
import { answerWithheld } from "./withholding.ts";

/** Exchanges that may wait for one request. */
const EXCHANGES_MAX = 16;
const TEXT_KEPT_MAX = 200;

export function admit(regulator: Regulator, request: AdmitRequest): void {
  regulator.traffic.countEdge("client", "traffic-regulator");
  if (!isAdmitting(regulator)) {
    regulator.traffic.count("rejected.not-ready");
    respond(regulator, request.exchange, problemResponse("not-ready", { retryAfterSeconds: 1 }));
    return;
  }
  const screened = screenSender(regulator, request);
  if (screened.kind === "refused") {
    const isBlocked = screened.refusal.counted === "blocked";
    const isAnswered = isBlocked
      ? answerHeld(regulator, request)
      : isAnsweredBefore(regulator, request, screened.refusal);
    if (!isAnswered) refuse(regulator, request, screened.refusal);
  } else admitScreened(regulator, request, screened.client, screened.address);
}

/** Refusals that another version of the application might not give. */
const BY_CONTRACT: ReadonlySet<string> = new Set(["input", "operation", "role"]);

/**
 * A repeated request that an earlier version admitted and the current one would refuse gets its answer all the same: that it
 * was taken in may not be forgotten because versions changed.
 */
function isAnsweredBefore(regulator: Regulator, request: AdmitRequest, { counted, clientId }: Refusal): boolean {
  const { exchange, key, operation, inputText, inputProblem } = request;
  if (clientId === undefined || key === undefined || inputProblem || !BY_CONTRACT.has(counted)) return false;
  const { hasher } = regulator.dependencies;
  const requestId = computeRequestId(hasher, clientId, key, operation, digestInput(hasher, inputText));
  return answerKnown(regulator, exchange, requestId);
}

function admitScreened(regulator: Regulator, request: AdmitRequest, client: Client, address: string): void {
  const { dependencies, logs, settings } = regulator;
  const { exchange, operation, inputText } = request;
  const key = request.key ?? `made-${dependencies.makeKey()}`;
  const inputDigest = digestInput(dependencies.hasher, inputText);
  const requestId = computeRequestId(dependencies.hasher, client.id, key, operation, inputDigest);
  if (answerKnown(regulator, exchange, requestId)) return;
  if (isKeyReused(logs.idOfKey(client.id, key), requestId)) {
    refuse(regulator, request, { problem: "key-reused", counted: "key-reused", clientId: client.id });
    return;
  }
  const record: AdmittedRecord = {
    kind: "admitted",
    requestId,
    clientId: client.id,
    key,
    address,
    operation,
    applicationVersion: regulator.application.version,
    inputText,
    inputDigest,
    admittedAt: Math.trunc(regulator.wall),
    seed: dependencies.makeKey() as AdmittedRecord["seed"],
  };
  if (quarantineBySignature(regulator, exchange, record)) return;
  if (regulator.quorum.isMissing) {
    refuseBelowQuorum(regulator, exchange);
    return;
  }
  const refusal = screenLoad({
    pending: logs.counts.L3,
    pendingMax: settings.pendingRequestsMax,
    pendingOfClient: logs.pendingOf(client.id),
    pendingOfClientMax: settings.pendingRequestsPerClientMax,
  });
  const used = regulator.quota.isUsedUp(client.id, regulator.wall);
  const access = refusal ?? (used ? overQuota(regulator) : findAccess(regulator.application, operation, inputText));
  if ("problem" in access) {
    refuse(regulator, request, { ...access, clientId: client.id });
    return;
  }
  const pending = makePending(regulator, record, access, undefined, noteAdmitted(regulator, record));
  // A key of the client's choice may have been used before the logs reach back.
  pending.state = request.key !== undefined && logs.seen.mayHave(requestId) ? "checking" : "waiting";
  attach(regulator, pending, exchange, false);
  takeIn(regulator, pending);
}

const overQuota = ({ quota, wall }: Regulator): Refusal => ({
  problem: "quota-used-up",
  counted: "quota",
  retryAfterSeconds: quota.retryAfterSeconds(wall),
});

/** Older than the window: whoever repeats it now has waited too long for its reply (PROTOCOL §7). */
export const isPastWindow = ({ settings, wall }: Regulator, admittedAt: number): boolean =>
  wall - admittedAt > settings.windowMs;

/** → L3, journalled, and on its way. */
export function takeIn(regulator: Regulator, pending: PendingRequest): void {
  append(regulator, pending.record);
  regulator.logs.admit(pending);
  // A released one was counted when it came.
  if (!pending.internal && !pending.record.released)
    regulator.quota.add(pending.record.clientId, pending.record.admittedAt);
  regulator.traffic.count("admitted");
  note(regulator, pending, { kind: "entered", state: pending.state, because: "admitted" });
  regulator.enter[pending.state](regulator, pending);
  schedule(regulator, pending);
}

/** A request id that stands in a log already. True when it was answered or attached. */
function answerKnown(regulator: Regulator, exchange: string, requestId: RequestId): boolean {
  const { logs, traffic } = regulator;
  const verified = logs.verified(requestId);
  if (verified && isPastWindow(regulator, verified.admittedAt)) {
    traffic.count("rejected.key-expired");
    respond(regulator, exchange, problemResponse("key-expired", { requestId }));
    return true;
  }
  if (verified) {
    traffic.count("replayed");
    respond(regulator, exchange, replyResponse(verified, true));
    noteReplay(regulator, requestId, verified.status);
    return true;
  }
  const pending = logs.pending(requestId);
  if (pending) {
    if (pending.exchanges.length >= EXCHANGES_MAX) {
      traffic.count("rejected.client-limit");
      respond(regulator, exchange, problemResponse("too-many-requests", { requestId, retryAfterSeconds: 1 }));
    } else {
      attach(regulator, pending, exchange, true);
      note(regulator, pending, { kind: "repeated" });
      if (regulator.quorum.isMissing) answerBelowQuorum(regulator, pending);
      else if (pending.withheldFor !== undefined) answerWithheld(regulator, pending);
      else schedule(regulator, pending);
    }
    return true;
  }
  const malformed = logs.malformed(requestId);
  if (!malformed) return false;
  traffic.count(malformed.hold ? "held" : "rejected.known-malformed");
  const answer = quarantineResponse(malformed);
  respond(regulator, exchange, answer);
  noteReplay(regulator, requestId, answer.status);
  return true;
}

/** Whoever repeats a request that has ended gets the logged answer. */
function noteReplay(regulator: Regulator, requestId: RequestId, status: number): void {
  noteById(regulator, requestId, { kind: "repeated" });
  noteById(regulator, requestId, { kind: "answered", status, exchanges: 1, repeated: 1, because: "logged" });
}

function attach(regulator: Regulator, pending: PendingRequest, exchange: string, repeated: boolean): void {
  const expiresAt = regulator.now + regulator.settings.clientDeadlineMs;
  pending.exchanges.push({ exchange, repeated, expiresAt });
  regulator.exchanges.set(exchange, pending);
}

/**
 * Known to be malformed (REQUIREMENTS R15, R9): straight into L1, rejected or held; whoever sends it again is treated like the
 * first.
 */
function quarantineBySignature(regulator: Regulator, exchange: string, record: AdmittedRecord): boolean {
  const signature = screenContent(regulator.quarantine, record);
  if (!signature) return false;
  const { requestId, clientId, key, address, operation, applicationVersion, inputText, inputDigest } = record;
  regulator.traffic.count("screen.signature");
  const hold = holdAtDoor(regulator, record);
  const entry: QuarantinedRecord = {
    kind: "quarantined",
    requestId,
    attempt: 0,
    clientId,
    key,
    address,
    operation,
    applicationVersion,
    inputText,
    inputDigest,
    reason: "signature",
    check: signature.signature,
    detail: `learned from ${signature.requestId}`,
    executionServer: "",
    signature: signature.signature,
    blamed: true,
    at: Math.trunc(regulator.wall),
    ...(hold ? { hold } : {}),
  };
  quarantineRequest(regulator, entry);
  respond(regulator, exchange, quarantineResponse(entry));
  return true;
}

export function makePending(
  regulator: Regulator,
  record: AdmittedRecord,
  access: Access,
  internal: PendingRequest["internal"],
  onTrial = false,
): PendingRequest {
  const application = applicationOf(regulator, record);
  return {
    record,
    requestId: record.requestId,
    internal,
    readOnly: application.isReadOnly(record.operation),
    clusters: access.clusters,
    home: access.home,
    deadlineMs: application.deadlineMsOf(record.operation),
    arrivedAt: regulator.now,
    trace: new RequestTrace(record.address, regulator.wall, regulator.now),
    exchanges: [],
    replies: new Map(),
    strikes: new Map(),
    trail: [],
    state: "checking",
    attempt: 0,
    current: undefined,
    disposition: "retry",
    blame: undefined,
    blamed: true,
    doomedAfter: 0,
    suspect: false,
    isSifted: false,
    hasFailedAlone: false,
    failures: 0,
    softFailures: 0,
    untestable: 0,
    invalidated: undefined,
    onTrial,
    cameSuspect: false,
    isRehearsed: false,
    withheldFor: undefined,
    verified: undefined,
    survivor: undefined,
    assigned: undefined,
    ending: undefined,
    awaited: [],
    hintAt: Number.NEGATIVE_INFINITY,
    retryAt: undefined,
    retryDelayMs: 0,
    scheduledAt: undefined,
  };
}

/** Says no; what was wrong with the request itself is written to L1 as unqualified (REQUIREMENTS R14, R18). */
function refuse(regulator: Regulator, request: AdmitRequest, refusal: Refusal): void {
  const { problem, counted, detail, errors, clientId, retryAfterSeconds } = refusal;
  regulator.traffic.count(`rejected.${counted}`);
  const response = problemResponse(problem, {
    ...(detail === undefined ? {} : { detail }),
    ...(errors === undefined ? {} : { errors }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
  if (UNQUALIFIED.has(counted)) logUnqualified(regulator, request, clientId ?? "", response.status, counted, detail);
  respond(regulator, request.exchange, response);
}

const UNQUALIFIED: ReadonlySet<string> = new Set(["credential", "role", "operation", "input", "access"]);

function logUnqualified(
  regulator: Regulator,
  request: AdmitRequest,
  clientId: string,
  status: number,
  problem: string,
  detail = "",
): void {
  const omitted = regulator.unqualified.take(regulator.now);
  if (omitted === undefined) return;
  const record = {
    kind: "unqualified",
    clientId,
    address: normaliseAddress(request.address),
    operation: request.operation.slice(0, TEXT_KEPT_MAX),
    status,
    problem,
    detail: detail.slice(0, TEXT_KEPT_MAX),
    omitted,
    at: Math.trunc(regulator.wall),
  } as const;
  append(regulator, record);
  regulator.logs.addUnqualified(record);
}

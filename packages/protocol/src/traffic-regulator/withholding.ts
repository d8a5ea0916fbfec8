/**
 * What follows when the breaker trips (PROTOCOL §10): failures of the suspect check are withheld (503) and stay in L3
 * without an attempt, so that the request can still be served once the version is rolled back; whatever was blamed on the
 * same check before is taken back; and requests of the operation are tried in a shadow run first, which costs no server
 * and no epoch, so that other operations do not suffer from a test that is wrong.
 */
import { findAccess, isSameWay } from "./access.ts";
import type { CircuitName } from "./breaker.ts";
import { addFact, append, note, type Regulator, respond } from "./context.ts";
import { exonerate, takeBack } from "./exoneration.ts";
import { clearSuspicion } from "./failures.ts";
import { advance } from "./lifecycle.ts";
import { problemResponse } from "./problems.ts";
import type { PendingRequest } from "./request.ts";

/** Withheld requests kept in L3; beyond, and beyond each client's share, they are closed without blame. */
const WITHHELD_MAX = 1_000;
const WITHHELD_PER_CLIENT_MAX = 16;
const RETRY_AFTER_SECONDS = 60;

const circuitOf = ({ record }: PendingRequest, check: string): CircuitName => ({
  applicationVersion: record.applicationVersion,
  operation: record.operation,
  check,
});

/** A confirmed failure: true when nobody is blamed for it because the acceptance test is the suspect. */
export function isWithheld(regulator: Regulator, request: PendingRequest, check: string): boolean {
  const { breaker, wall, inGoodStanding, recognised } = regulator;
  const { clientId } = request.record;
  const circuit = circuitOf(request, check);
  const standing = inGoodStanding.has(clientId) && !recognised.has(clientId) && !request.cameSuspect;
  const failure = { ...circuit, principal: clientId, inGoodStanding: standing, onTrial: request.onTrial };
  const { withhold, tripped, since } = breaker.count(failure, wall);
  if (tripped) trip(regulator, circuit, since);
  if (withhold) {
    breaker.noteWithheld(circuit);
    remember(regulator, circuit);
  }
  return withhold;
}

function trip(regulator: Regulator, circuit: CircuitName, since: number): void {
  const suspects = regulator.logs
    .malformedByCheck(circuit)
    .filter(({ at, blamed, review }) => blamed && review === "new" && at >= since);
  for (const entry of suspects) {
    // What is held goes on waiting for a person: the breaker takes blame back, and releases nothing.
    if (entry.hold) takeBack(regulator, entry);
    else exonerate(regulator, entry, `breaker/${entry.requestId}`);
  }
  // Condemned, but the masters have not closed it yet: it ends without blame.
  for (const request of regulator.logs.inProgress())
    if (request.state === "closing" && isOf(request, circuit)) request.blamed = false;
  const previousVersion = regulator.versions.choice?.replaces;
  addFact(regulator, {
    kind: "breakerTripped",
    ...circuit,
    ...(previousVersion === undefined ? {} : { previousVersion }),
    retracted: suspects.length,
  });
}

const isOf = ({ record, blame }: PendingRequest, circuit: CircuitName): boolean =>
  record.applicationVersion === circuit.applicationVersion &&
  record.operation === circuit.operation &&
  blame?.check === circuit.check;

/** Answers 503 and keeps the request without an attempt. False when there is no room: it is to be closed instead. */
export function withhold(regulator: Regulator, request: PendingRequest, check: string): boolean {
  const { withheld } = regulator;
  const { clientId } = request.record;
  let ofClient = 0;
  for (const other of withheld) if (other.record.clientId === clientId) ofClient++;
  if (request.internal || withheld.size >= WITHHELD_MAX || ofClient >= WITHHELD_PER_CLIENT_MAX) return false;
  withheld.add(request);
  request.withheldFor = check;
  request.blame = undefined;
  request.strikes.clear();
  regulator.shadows.drop(request);
  clearSuspicion(regulator, request);
  answerWithheld(regulator, request);
  advance(regulator, request, "innocent");
  return true;
}

/** Not definite: the same key is served when the version is rolled back. */
export function answerWithheld(regulator: Regulator, request: PendingRequest): void {
  const { requestId, exchanges } = request;
  if (exchanges.length === 0) return;
  const detail = "It was not carried out. Repeat the request with the same Idempotency-Key.";
  const answer = problemResponse("withheld", { requestId, detail, retryAfterSeconds: RETRY_AFTER_SECONDS });
  regulator.traffic.count("withheld");
  note(regulator, request, {
    kind: "answered",
    status: answer.status,
    exchanges: exchanges.length,
    repeated: exchanges.filter(({ repeated }) => repeated).length,
    because: "withheld",
  });
  for (const { exchange } of exchanges.splice(0)) {
    regulator.exchanges.delete(exchange);
    respond(regulator, exchange, answer);
  }
}

/** Another version admits requests: what the old one's test withheld is run under the new one, or ends without blame. */
export function endVersion(regulator: Regulator, applicationVersion: string): void {
  const closed = regulator.breaker.closeAll(applicationVersion, regulator.wall);
  // Before it is primary the regulator only reads again what it journalled then.
  if (regulator.epoch === 0) return;
  for (const circuit of closed) {
    append(regulator, { kind: "breaker", circuit: { ...circuit, openUntil: regulator.wall } });
    const { operation, check } = circuit;
    const cause = "another version admits requests now";
    addFact(regulator, { kind: "breakerClosed", applicationVersion, operation, check, cause });
  }
  for (const request of [...regulator.withheld])
    if (request.record.applicationVersion === applicationVersion) passOn(regulator, request);
}

function passOn(regulator: Regulator, request: PendingRequest): void {
  const { application } = regulator;
  const { record, requestId } = request;
  const { operation, inputText } = record;
  const isKnown = application.operationOf(operation) !== undefined;
  const isValid = isKnown && application.validate(operation, inputText).length === 0;
  const access = isValid ? findAccess(application, operation, inputText) : undefined;
  const isSame = access && !("problem" in access) && isSameWay(request, access);
  if (!isSame || application.isReadOnly(operation) !== request.readOnly) {
    giveUp(regulator, request);
    return;
  }
  append(regulator, { kind: "passedOn", requestId, applicationVersion: application.version });
  request.record = { ...record, applicationVersion: application.version };
  serve(regulator, request);
}

function serve(regulator: Regulator, request: PendingRequest): void {
  regulator.withheld.delete(request);
  request.withheldFor = undefined;
  request.isRehearsed = false;
  request.failures = 0;
  request.blamed = true;
  regulator.enter.waiting(regulator, request);
}

/** Closed by the masters, and nobody blamed. */
function giveUp(regulator: Regulator, request: PendingRequest): void {
  regulator.withheld.delete(request);
  request.withheldFor = undefined;
  request.blamed = false;
  advance(regulator, request, "malformed");
}

/** Circuits that were quiet for long enough close: what they withheld ends, and the check condemns again. */
export function reviewBreaker(regulator: Regulator): void {
  for (const circuit of regulator.breaker.takeClosed(regulator.wall)) {
    const { applicationVersion, operation, check } = circuit;
    const cause = "no further request failed it";
    addFact(regulator, { kind: "breakerClosed", applicationVersion, operation, check, cause });
    for (const request of [...regulator.withheld])
      if (request.withheldFor === check && isOfOperation(request, circuit)) giveUp(regulator, request);
  }
}

const isOfOperation = ({ record }: PendingRequest, { applicationVersion, operation }: CircuitName): boolean =>
  record.applicationVersion === applicationVersion && record.operation === operation;

/** True when a shadow run comes before the attempt: a check of its operation is suspect. */
export const isToRehearse = (
  { breaker, wall }: Regulator,
  { record, isRehearsed, internal }: PendingRequest,
): boolean => !isRehearsed && !internal && breaker.isSuspect(record.applicationVersion, record.operation, wall);

/** A rehearsal failed the very check that is suspect: no further run is needed to withhold it. */
export const failsSuspectCheck = (regulator: Regulator, request: PendingRequest, check: string): boolean =>
  regulator.breaker.isOpen(circuitOf(request, check), regulator.wall);

function remember(regulator: Regulator, circuit: CircuitName): void {
  const state = regulator.breaker.view(circuit);
  // The first failures, and then now and then: a restart may forget how many there were, not that it is open.
  if (state && (state.withheld === 1 || state.withheld % 16 === 0))
    append(regulator, { kind: "breaker", circuit: state });
}

/**
 * Restart (docs/PROTOCOL.md §7): the journal, from its newest checkpoint on, brings back L1–L3, blocks, signatures and unread
 * facts. Whatever a record changes here must be in the checkpoint too (checkpoint.ts). Nothing
 * pending is dispatched before every domain has an epoch of this regulator's own time and the masters said what they know of it.
 */
import { GENESIS_OPERATION } from "../application-port.ts";
import type { DamagedRecord } from "../core.ts";
import { findAccess } from "./access.ts";
import { makePending } from "./admission.ts";
import { assign, forgetAmbiguous } from "./assignments.ts";
import { note, type Regulator } from "./context.ts";
import { RERUN_KEY_PREFIX, rememberOrder, restoreConfiguration } from "./orders.ts";
import type { PendingRequest } from "./request.ts";
import type { AdmittedRecord, QuarantinedRecord, RegulatorRecord } from "./types.ts";
import { applicationOf, noteRecovered, restoreVersions } from "./versions.ts";

/** Among so many replies there is one that was written, which every member must hold. */
const RECENT = 64;

/** Takes in records in their order; nothing is done about them before {@link begin}. */
export function replay(regulator: Regulator, records: readonly (RegulatorRecord | DamagedRecord)[]): void {
  for (const record of records) {
    // There is nobody to ask what was there, and what follows would mean something else without it.
    if (record.kind === "damaged") throw new Error(`record ${regulator.records} of the journal is damaged`);
    takeRecord(regulator, record);
    regulator.records += 1;
  }
}

/** The journal is taken in. */
export function begin(regulator: Regulator): void {
  regulator.started = true;
  for (const request of regulator.logs.allPending()) {
    note(regulator, request, { kind: "restored" });
    regulator.enter.checking(regulator, request);
  }
  const written = regulator.logs
    .newestVerified(RECENT)
    .find(({ operation }) => !regulator.applications.isReadOnly(operation));
  if (written) regulator.lastReleased = { requestId: written.requestId, attempt: 1 };
}

export function takeRecord(regulator: Regulator, record: RegulatorRecord): void {
  const { logs, quarantine, facts } = regulator;
  switch (record.kind) {
    case "admitted":
      takeAdmitted(regulator, record);
      return;
    case "withdrawn":
      if (logs.pending(record.requestId)) logs.withdraw(record.requestId);
      return;
    case "attempt":
      takeAttempt(regulator, record);
      return;
    case "verified": {
      const request = logs.pending(record.requestId);
      if (!request) return;
      if (!request.internal) regulator.inGoodStanding.add(request.record.clientId);
      logs.verify(record);
      return;
    }
    case "quarantined":
    case "holdEnding":
    case "holdEnded":
      takeQuarantine(regulator, record);
      return;
    case "unqualified":
      logs.addUnqualified(record);
      return;
    case "blocked":
      quarantine.block(record);
      return;
    case "unblocked":
      quarantine.unblock(record);
      return;
    case "signature": {
      const { signature, operation, inputDigest, requestId } = record;
      quarantine.learn({ kind: "exact-digest", signature, operation, inputDigest, requestId });
      return;
    }
    case "signatureRevoked":
      quarantine.revoke(record.signature);
      return;
    case "reviewed":
      logs.review(record.requestId, record.state);
      rememberOrder(regulator, record.order);
      return;
    case "fact": {
      const { number, at, fact } = record;
      facts.restore({ number, at, fact });
      if (fact.kind === "discardServer") regulator.servers.remove(fact.server, fact.incarnation);
      return;
    }
    case "factsAcknowledged":
      facts.acknowledge(record.through);
      return;
    case "configuration":
      restoreConfiguration(regulator, record.configuration);
      return;
    case "genesisDone":
      regulator.genesis.noteDone(record.applicationVersion, regulator.applications.first.version);
      return;
    case "passedOn":
    case "trial":
    case "breaker":
      restoreVersions(regulator, record);
      return;
    case "placement":
      regulator.savedPlacement = record;
      regulator.placement.restore(record.domains, regulator.now);
      regulator.link.through = Math.max(regulator.link.through, record.through);
      regulator.ancestors.restore(record.heads);
      forgetAmbiguous(regulator);
      return;
  }
}

function takeAttempt(
  regulator: Regulator,
  { requestId, attempt }: Pick<QuarantinedRecord, "requestId" | "attempt">,
): void {
  const request = regulator.logs.pending(requestId);
  if (!request) return;
  request.attempt = Math.max(request.attempt, attempt);
  assign(regulator, request, attempt);
}

function takeAdmitted(regulator: Regulator, record: AdmittedRecord): void {
  const { logs, quota } = regulator;
  if (record.released) logs.release(record.requestId);
  if (logs.which(record.requestId) !== undefined) return;
  const request = recoverRequest(regulator, record);
  logs.admit(request);
  assign(regulator, request, request.attempt);
  // A released one was counted when it came.
  if (record.operation !== GENESIS_OPERATION && !record.released) quota.add(record.clientId, record.admittedAt);
}

function takeQuarantine(
  { logs, recognised }: Regulator,
  record: Extract<RegulatorRecord, { kind: "quarantined" | "holdEnding" | "holdEnded" }>,
): void {
  if (record.kind === "holdEnding") logs.held.end(record.requestId);
  else if (record.kind === "holdEnded") logs.endHold(record.requestId);
  else {
    if (record.signature !== undefined) recognised.add(record.clientId);
    if ((logs.which(record.requestId) ?? "L3") === "L3") logs.quarantine(record);
  }
}

export function recoverRequest(regulator: Regulator, record: AdmittedRecord): PendingRequest {
  const access = findAccess(applicationOf(regulator, record), record.operation, record.inputText);
  // An operation that a new contract no longer has: members will refuse it, and it ends by the ordinary rules.
  const known = "problem" in access ? { clusters: [0], home: 0 } : access;
  const internal = internalKind(record);
  const request = makePending(regulator, record, known, internal, noteRecovered(regulator, record));
  // The first attempt is not journalled by itself: it may have been dispatched.
  request.attempt = 1;
  return request;
}

function internalKind(record: AdmittedRecord): PendingRequest["internal"] {
  if (record.operation === GENESIS_OPERATION) return "genesis";
  return record.key.startsWith(RERUN_KEY_PREFIX) ? "rerun" : undefined;
}

/**
 * Versions of the application at the regulator: which one admits requests now, and how far its trial is. The manager decides
 * it (configuration), the regulator takes it up once it has the bundle; a request stays with the version that admitted it
 * (REQUIREMENTS R38), so a change of version interrupts nothing.
 */
import type { ApplicationChoice, ToConfigurationManager } from "@redoubt/shared";
import { append, type Regulator, sendTo } from "./context.ts";
import type { AdmittedRecord, RegulatedApplication, RegulatorRecord } from "./types.ts";
import { endVersion } from "./withholding.ts";

type ApplicationStatusMessage = Extract<ToConfigurationManager, { kind: "applicationStatus" }>;

/** The trial's count is journalled so often, not with every request. */
const TRIAL_RECORD_EVERY = 32;
const STATUS_MS = 1_000;
const STATUS_IDLE_MS = 5_000;

export class VersionProgress {
  /** The manager's decision that holds here. */
  choice: ApplicationChoice | undefined;
  /** Requests admitted under the choice of this order. */
  counted = { order: 0, admitted: 0 };
  statusAt = 0;
  statusText = "";
  /** When each operation was admitted last, milliseconds since 1970. */
  readonly lastUsed = new Map<string, number>();

  choose(choice: ApplicationChoice): void {
    this.choice = choice;
    if (this.counted.order !== choice.order) this.counted = { order: choice.order, admitted: 0 };
  }

  /** The next request admitted is one of the first of a version that replaced another. */
  get isOnTrial(): boolean {
    const { choice, counted } = this;
    return choice?.replaces !== undefined && counted.admitted < choice.trialRequests;
  }

  export(): {
    readonly counted: VersionProgress["counted"];
    readonly lastUsed: readonly (readonly [string, number])[];
  } {
    return { counted: { ...this.counted }, lastUsed: [...this.lastUsed] };
  }

  restore({ counted, lastUsed }: ReturnType<VersionProgress["export"]>): void {
    this.counted = { ...counted };
    this.lastUsed.clear();
    for (const [operation, at] of lastUsed) this.lastUsed.set(operation, at);
  }
}

/** The version that judges this request; the current one where the bundle of its own is gone. */
export const applicationOf = (
  { applications, application }: Regulator,
  { applicationVersion }: Pick<AdmittedRecord, "applicationVersion">,
): RegulatedApplication => applications.of(applicationVersion) ?? application;

/** The manager's choice holds from now on if its bundle is here; else from when it is. */
export function takeChoice(regulator: Regulator, choice: ApplicationChoice | undefined): void {
  const { versions } = regulator;
  if (!choice || choice.order === versions.choice?.order) return;
  const next = regulator.applications.of(choice.current);
  if (!next) return;
  const before = regulator.application;
  versions.choose(choice);
  versions.statusAt = 0;
  if (next === before) return;
  regulator.application = next;
  endVersion(regulator, before.version);
}

/** The journal's last word about it; where its bundle is not here, the version before serves until it is. */
export function restoreChoice(regulator: Regulator, choice: ApplicationChoice | undefined): void {
  const next = choice && regulator.applications.of(choice.current);
  if (!choice || !next) return;
  regulator.versions.choose(choice);
  regulator.application = next;
}

/** A bundle has come: requests it admitted can go on, and it may be the one that the manager has chosen. */
export function takeLoaded(regulator: Regulator, application: RegulatedApplication): void {
  regulator.applications.add(application);
  takeChoice(regulator, regulator.wanted?.application);
}

/** Called for every request that is taken into L3. True when it is one of a trial. */
export function noteAdmitted(regulator: Regulator, { operation, admittedAt }: AdmittedRecord): boolean {
  const { versions } = regulator;
  versions.lastUsed.set(operation, admittedAt);
  const isTrial = versions.isOnTrial;
  if (!isTrial) return false;
  const admitted = ++versions.counted.admitted;
  if (admitted % TRIAL_RECORD_EVERY === 0 || !versions.isOnTrial)
    append(regulator, { kind: "trial", order: versions.counted.order, admitted });
  return true;
}

/** The same for one that the journal brings back. */
export function noteRecovered({ versions }: Regulator, record: AdmittedRecord): boolean {
  const { operation, admittedAt, applicationVersion } = record;
  versions.lastUsed.set(operation, Math.max(admittedAt, versions.lastUsed.get(operation) ?? 0));
  if (!versions.isOnTrial || applicationVersion !== versions.choice?.current) return false;
  versions.counted.admitted++;
  return true;
}

export function restoreVersions(
  { versions, logs, breaker }: Regulator,
  record: Extract<RegulatorRecord, { kind: "passedOn" | "trial" | "breaker" }>,
): void {
  if (record.kind === "breaker") breaker.restore(record.circuit);
  else if (record.kind === "trial") {
    const { order, admitted } = record;
    const known = order === versions.counted.order ? versions.counted.admitted : 0;
    versions.counted = { order, admitted: Math.max(known, admitted) };
  } else {
    const request = logs.pending(record.requestId);
    if (request) request.record = { ...request.record, applicationVersion: record.applicationVersion };
  }
}

/** Tells the manager how the versions stand, when that is news or after a while. */
export function reportVersions(regulator: Regulator): void {
  const { versions, now, settings } = regulator;
  if (now < versions.statusAt) return;
  const message = statusOf(regulator);
  const text = JSON.stringify(message);
  versions.statusAt = now + (text === versions.statusText ? STATUS_IDLE_MS : STATUS_MS);
  versions.statusText = text;
  for (const manager of settings.managers) sendTo(regulator, "configuration-manager", manager, message);
}

function statusOf(regulator: Regulator): ApplicationStatusMessage {
  const { versions, application, breaker, wall, logs } = regulator;
  const inProgress: Record<string, number> = {};
  for (const { record } of logs.inProgress())
    inProgress[record.applicationVersion] = (inProgress[record.applicationVersion] ?? 0) + 1;
  const { choice, counted } = versions;
  return {
    kind: "applicationStatus",
    current: application.version,
    order: choice?.order ?? 0,
    trial: choice?.replaces === undefined ? null : { requests: counted.admitted, of: choice.trialRequests },
    inProgress,
    lastUsed: Object.fromEntries(versions.lastUsed),
    breakers: breaker.views(wall),
  };
}

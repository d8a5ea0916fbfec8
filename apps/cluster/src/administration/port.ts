/**
 * Everything the administration interface needs from the configuration manager, as plain data over promises.
 *
 * The router authenticates, authorises, checks input and audits; the port does the work. An implementation may trust the shape
 * of what it is handed and must not check roles again, except where a decision depends on who asks (two persons, own
 * subscriptions), for which each change carries its actor. Failures an operator can understand are thrown as
 * `AdministrationError`; anything else is a fault of ours and is shown without detail.
 */

import type { FeedComponent } from "@redoubt/shared";
import type { Delivery, NewSubscription, Subscription } from "./data/alerts.ts";
import type { ApplicationCheck, ApplicationsStatus, ApplicationVersion } from "./data/applications.ts";
import type { ClusterStatus, DegreeChange, DegreeDetail, DegreePlan, NodeDetail, Traffic } from "./data/cluster.ts";
import type { MastersComparison, MastersStatus } from "./data/masters.ts";
import type {
  QuarantineDecision,
  QuarantineFilter,
  QuarantineItem,
  QuarantinePage,
  QuarantinePayload,
} from "./data/quarantine.ts";
import type {
  AuditEntry,
  AuditPage,
  AuditVerification,
  BlockedHost,
  ClientAccount,
  ClusterSettings,
  DrillRun,
  Incident,
  LogName,
  LogPage,
  Signature,
} from "./data/records.ts";
import type { RequestHistory } from "./data/request.ts";
import type {
  CorruptedRecord,
  Placement,
  StateObjectHistory,
  StateObjectSummary,
  VersionFilter,
  VersionPage,
} from "./data/state.ts";

export type * from "./data/alerts.ts";
export type * from "./data/applications.ts";
export type * from "./data/cluster.ts";
export type * from "./data/masters.ts";
export type * from "./data/quarantine.ts";
export type * from "./data/records.ts";
export type * from "./data/request.ts";
export type * from "./data/state.ts";

/** Roles of CONSOLE §8, least first; `auditor` stands beside the others. */
export const roles = ["viewer", "operator", "reviewer", "approver", "admin", "auditor"] as const;
export type Role = (typeof roles)[number];

/** Who asks: a person through the console (session token) or the command line on this machine (administration token). */
export interface Actor {
  name: string;
  role: Role;
  via: "console" | "local";
}

export type AdministrationErrorCode = "not-found" | "invalid" | "conflict" | "refused" | "unavailable";

/** A failure that the person who asked can understand and act on. */
export class AdministrationError extends Error {
  readonly code: AdministrationErrorCode;
  /** Name of the input field at fault, when one is. */
  readonly field: string | null;
  constructor(code: AdministrationErrorCode, message: string, field: string | null = null) {
    super(message);
    this.name = "AdministrationError";
    this.code = code;
    this.field = field;
  }
}

/** What the router asks to be recorded before it lets a change take effect (I12). */
export interface AuditRecord {
  actor: Actor;
  action: string;
  subject: string;
  reason: string | null;
  /** Input of the procedure as canonical JSON, secrets left out, at most 4 KiB. */
  detail: string;
}

export interface AdministrationPort {
  /** Resolves when the entry is durable; a rejection means that the change must not happen. */
  audit(record: AuditRecord): Promise<AuditEntry>;
  auditList(filter: { limit: number; before?: number | undefined }): Promise<AuditPage>;
  auditVerify(): Promise<AuditVerification>;

  status(): Promise<ClusterStatus>;
  nodes(): Promise<NodeDetail[]>;
  traffic(): Promise<Traffic>;
  settings(): Promise<ClusterSettings>;
  shutdown(actor: Actor): Promise<void>;

  /** Ends one server and keeps it ended. Returns once that is ordered; refuses to end more than is tolerated unless forced. */
  serverEnd(request: { server: string; kill: boolean; force: boolean }, actor: Actor): Promise<void>;
  serverStart(request: { server: string }, actor: Actor): Promise<void>;

  degrees(): Promise<DegreeDetail[]>;
  /** `target` counts servers for unit "count" and faults tolerated for unit "faults". Changes nothing. */
  planDegree(
    request: {
      component: FeedComponent;
      unit: "count" | "faults";
      target: number;
    },
    actor: Actor,
  ): Promise<DegreePlan>;
  /** Refuses (`conflict`) a plan that is expired or was made on another version. Returns once the change is recorded. */
  applyDegree(request: { planId: string; version: string }, actor: Actor): Promise<DegreeChange>;
  stopDegree(request: { changeId: string }, actor: Actor): Promise<DegreeChange>;
  /** Plans the way back; applying it is a step of its own. */
  rollbackDegree(request: { changeId: string }, actor: Actor): Promise<DegreePlan>;

  /** Every version there was, the breaker, and the way back. */
  applications(): Promise<ApplicationsStatus>;
  /** Compares a bundle on the manager's node with the current version. */
  applicationCheck(request: { hash: string }): Promise<ApplicationCheck>;
  /**
   * Makes a bundle on the manager's node the version under which requests are admitted; resolves when it is. Refuses an
   * incompatible contract.
   */
  applicationDeploy(
    request: { hash: string; trialRequests: number; reason: string },
    actor: Actor,
  ): Promise<ApplicationVersion>;
  /** One step: the version before (or the one named) admits requests again; resolves when it does. */
  applicationRollback(request: { to?: string | undefined; reason: string }, actor: Actor): Promise<ApplicationVersion>;

  quarantineList(filter: QuarantineFilter): Promise<QuarantinePage>;
  quarantineItem(requestId: string): Promise<QuarantineItem>;
  quarantinePayload(request: { requestId: string; unmask: boolean }): Promise<QuarantinePayload>;
  quarantineClaim(request: { requestId: string }, actor: Actor): Promise<QuarantineDecision>;
  /** Only records that a second person must decide; nothing is released. */
  quarantineRequestRelease(request: { requestId: string; reason: string }, actor: Actor): Promise<QuarantineDecision>;
  quarantineRelease(
    request: { requestId: string; reason: string; rerun: boolean },
    actor: Actor,
  ): Promise<QuarantineDecision>;
  quarantineConfirm(request: { requestId: string; reason: string }, actor: Actor): Promise<QuarantineDecision>;

  hosts(): Promise<BlockedHost[]>;
  /** Clears block, counters and shadowed blocks together; resolves when every regulator confirmed. */
  hostUnblock(request: { host: string; reason: string }, actor: Actor): Promise<{ confirmedBy: string[] }>;
  signatures(): Promise<Signature[]>;
  incidents(filter: { limit: number; openOnly: boolean }): Promise<Incident[]>;

  /** By name, those after `after`. */
  stateList(filter: { prefix: string; limit: number; after?: string | undefined }): Promise<StateObjectSummary[]>;
  /** The newest `limit` versions, or those before `before` (`older` of the page before). */
  stateShow(request: { object: string; limit: number; before?: string | undefined }): Promise<StateObjectHistory>;
  stateVersions(filter: VersionFilter): Promise<VersionPage>;
  placement(): Promise<Placement>;
  /** Flips bytes of the object's newest verified version in that replica's journal; refused unless all nodes are this machine. */
  stateCorrupt(request: { server: string; object: string }): Promise<CorruptedRecord>;
  requestShow(requestId: string): Promise<RequestHistory>;
  log(request: { log: LogName; limit: number; before?: number | undefined }): Promise<LogPage>;
  mastersStatus(): Promise<MastersStatus>;
  /** Reads every row of every master's database: for when somebody asks, not for every second. */
  mastersCompare(): Promise<MastersComparison>;

  clients(): Promise<ClientAccount[]>;
  /** The key is in this answer and nowhere else. */
  clientAdd(request: { client: string; roles: string[] }, actor: Actor): Promise<{ client: string; key: string }>;
  clientRevoke(request: { client: string }, actor: Actor): Promise<void>;

  /** Of one owner, or of everybody when `owner` is null. */
  subscriptions(owner: string | null): Promise<Subscription[]>;
  /** Sends a verification code through the channel itself. */
  subscriptionAdd(request: NewSubscription, actor: Actor): Promise<Subscription>;
  subscriptionVerify(request: { subscriptionId: string; code: string }, actor: Actor): Promise<Subscription>;
  subscriptionRemove(request: { subscriptionId: string }, actor: Actor): Promise<void>;
  /** Through the same outbox as real alerts. */
  subscriptionTestSend(request: { subscriptionId: string }, actor: Actor): Promise<Delivery>;
  deliveries(filter: { owner: string | null; limit: number }): Promise<Delivery[]>;

  drillStart(request: { drill: string }, actor: Actor): Promise<DrillRun>;
  drillResult(drillId: string): Promise<DrillRun>;
}

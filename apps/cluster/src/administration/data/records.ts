/** Plain data about logs, hosts, signatures, incidents, clients, audit and drills. */
import type { FeedSeverity } from "@redoubt/shared";

export type LogName = "L1" | "L2" | "L3";

export interface LogEntry {
  number: number;
  requestId: string | null;
  operation: string | null;
  client: string | null;
  host: string;
  at: string;
  outcome: string;
  replyStatus: number | null;
}

export interface LogPage {
  log: LogName;
  total: number;
  entries: LogEntry[];
}

export interface BlockedHost {
  host: string;
  client: string | null;
  since: string;
  until: string | null;
  requestId: string | null;
  reason: string;
}

export interface Signature {
  signatureId: string;
  operation: string;
  summary: string;
  requestId: string;
  mode: "off" | "shadow" | "enforce";
  hits: number;
  learnedAt: string;
}

export interface Incident {
  incidentId: string;
  title: string;
  subject: string;
  severity: FeedSeverity;
  openedAt: string;
  closedAt: string | null;
  timeline: { at: string; text: string }[];
}

export interface ClientAccount {
  client: string;
  roles: string[];
  createdAt: string;
  createdBy: string;
  lastSeenAt: string | null;
  revokedAt: string | null;
  blocked: boolean;
}

export interface AuditEntry {
  number: number;
  at: string;
  actor: string;
  role: string;
  via: "console" | "local";
  /** `<subject>.<verb>`, the name of the procedure. */
  action: string;
  subject: string;
  reason: string | null;
  detail: string;
  previousHash: string;
  hash: string;
}

export interface AuditPage {
  asOf: string;
  total: number;
  entries: AuditEntry[];
}

export interface AuditVerification {
  at: string;
  intact: boolean;
  entries: number;
  /** First row that does not fit the chain; null when all do. */
  firstBadEntry: number | null;
  sentence: string;
}

/** The event by which something was found out. */
export interface DrillEvidence {
  /** Its number in the feed. */
  event: number;
  kind: string;
  server: string;
  cause: string;
  requestId: string | null;
  reporters: string[];
  changeDigests: string[];
  /** Where a share is measured: what was found of how much. */
  measured?: string | undefined;
}

export interface DrillResult {
  drill: string;
  title: string;
  detected: boolean;
  by: string | null;
  evidence: DrillEvidence | null;
  detectedInMs: number | null;
  containedInMs: number | null;
  wrongReplyReleased: number;
  bystandersHarmed: number;
  /** Asked by clients of the drill and by bystanders meanwhile. */
  requests: number;
  verdict: "detected" | "survived" | "failed" | "open";
}

export interface DrillRun {
  drillId: string;
  drill: string;
  state: "running" | "done" | "failed";
  startedAt: string;
  /** In the order in which they ended. */
  results: DrillResult[];
  error: string | null;
}

export interface ClusterSettings {
  profile: string;
  strictPaper: boolean;
  application: { name: string; version: string };
  clientUrl: string;
  drillsAllowed: boolean;
  /** What confines the application's code on each node. */
  sandbox: { node: string; means: string[]; sentence: string }[];
}

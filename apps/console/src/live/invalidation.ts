/** Which parts of the cached answers an event makes out of date. Total over the catalogue: a new event kind must be decided here. */
import type { FeedEventKind } from "@redoubt/shared";

export type Subject =
  | "cluster"
  | "degrees"
  | "quarantine"
  | "hosts"
  | "signatures"
  | "incidents"
  | "state"
  | "masters"
  | "requests"
  | "clients"
  | "subscriptions"
  | "applications"
  | "audit";

export const touchedBy: Record<FeedEventKind, readonly Subject[]> = {
  "node.state": ["cluster", "degrees", "masters"],
  "server.state": ["cluster", "degrees", "masters", "state"],
  "server.discarded": ["cluster", "degrees", "state", "requests"],
  "server.misbehaved": [],
  "worker.attempt": [],
  "storage.damage": ["state", "masters"],
  "degree.changed": ["cluster", "degrees"],
  "degree.progress": ["degrees", "cluster"],
  "quarantine.added": ["quarantine", "requests"],
  "quarantine.changed": ["quarantine", "requests"],
  "host.blocked": ["hosts"],
  "host.unblocked": ["hosts"],
  "block.withheld": ["hosts"],
  "incident.opened": ["incidents"],
  "incident.closed": ["incidents"],
  "epoch.opened": ["state", "masters"],
  "request.rejected": [],
  "signature.learned": ["signatures"],
  "application.changed": ["applications", "cluster"],
  "breaker.changed": ["applications", "incidents"],
  "alert.delivery": ["subscriptions"],
  "audit.appended": ["audit"],
};

/** What has changed when requests were answered, which only the counters tell: versions are far too many for events. */
export const touchedByTraffic: readonly Subject[] = ["state", "masters"];

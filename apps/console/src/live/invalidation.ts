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
  | "requests"
  | "clients"
  | "subscriptions"
  | "audit";

export const touchedBy: Record<FeedEventKind, readonly Subject[]> = {
  "node.state": ["cluster", "degrees"],
  "server.state": ["cluster", "degrees"],
  "server.discarded": ["cluster", "degrees"],
  "server.misbehaved": [],
  "degree.changed": ["cluster", "degrees"],
  "degree.progress": ["degrees", "cluster"],
  "quarantine.added": ["quarantine"],
  "quarantine.changed": ["quarantine"],
  "host.blocked": ["hosts"],
  "host.unblocked": ["hosts"],
  "block.withheld": ["hosts"],
  "incident.opened": ["incidents"],
  "incident.closed": ["incidents"],
  "epoch.opened": [],
  "request.rejected": [],
  "signature.learned": ["signatures"],
  "alert.delivery": ["subscriptions"],
  "audit.appended": ["audit"],
};

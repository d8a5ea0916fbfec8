/**
 * Who may do what (CONSOLE §8). One table, read by every procedure and by the socket for every event; what is not in it is refused.
 */
import type { FeedEventKind } from "@redoubt/shared";
import type { Role } from "./port.ts";

const everybody: readonly Role[] = ["viewer", "operator", "reviewer", "approver", "admin", "auditor"];
const reviewers: readonly Role[] = ["reviewer", "approver", "admin"];
const admin: readonly Role[] = ["admin"];

export const permissions = {
  /** Health, metadata of requests, versions and logs. */
  "metadata.read": everybody,
  /** Payload with confidential fields masked. */
  "payload.read": ["reviewer", "approver"],
  /** Payload as it came in; always with a reason. */
  "payload.unmask": reviewers,
  "quarantine.claim": reviewers,
  /** Low severity: alone. High severity: a second person with the approver's role. */
  "quarantine.release": reviewers,
  "quarantine.approve": ["approver"],
  "quarantine.confirm": reviewers,
  "host.unblock": ["approver", "admin"],
  "degree.plan": ["operator", "admin"],
  "degree.apply": admin,
  "application.deploy": admin,
  /** Back to what served before: whoever is on watch when an acceptance test turns out to be wrong. */
  "application.rollback": ["operator", "approver", "admin"],
  "subscription.own": everybody,
  "subscription.all": admin,
  "client.manage": admin,
  "drill.start": admin,
  "server.end": admin,
  /** Damage to a replica's disk, to see it found and repaired. */
  "state.corrupt": admin,
  "cluster.shutdown": admin,
  "audit.read": ["admin", "auditor"],
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof permissions;

export function isAllowed(role: Role, permission: Permission): boolean {
  const allowed: readonly Role[] = permissions[permission];
  return allowed.includes(role);
}

export function permissionsOf(role: Role): Permission[] {
  return (Object.keys(permissions) as Permission[]).filter((permission) => isAllowed(role, permission));
}

/** Who may see an event of this kind; kinds not named here carry only metadata. */
const eventPermissions: Partial<Record<FeedEventKind, Permission>> = { "audit.appended": "audit.read" };

export function maySeeEvent(role: Role, kind: FeedEventKind): boolean {
  return isAllowed(role, eventPermissions[kind] ?? "metadata.read");
}

/**
 * Two-person rule for releases (CONSOLE §1.5, §8), as a pure decision: low severity is one person's, high severity takes a request
 * and a different person with the approver's role. There is no exemption for administrators or for the command line.
 */
import { isAllowed } from "./permissions.ts";
import type { Actor, QuarantineItem } from "./port.ts";

export type ReleaseDecision = { kind: "release" } | { kind: "request-second" } | { kind: "refuse"; sentence: string };

export function decideRelease(
  item: Pick<QuarantineItem, "severity" | "state" | "who">,
  actor: Pick<Actor, "name" | "role">,
): ReleaseDecision {
  if (item.state === "released" || item.state === "confirmed" || item.state === "expired") {
    return { kind: "refuse", sentence: `This request was already ${item.state}; a decision is taken once.` };
  }
  if (item.severity === "low") return { kind: "release" };
  const requester = item.who.releaseRequestedBy;
  if (requester === null) return { kind: "request-second" };
  if (requester === actor.name) {
    return { kind: "refuse", sentence: "You asked for this release yourself; another person must approve it." };
  }
  if (!isAllowed(actor.role, "quarantine.approve")) {
    return {
      kind: "refuse",
      sentence: `${requester} asked for this release; a person with the approver's role must approve it.`,
    };
  }
  return { kind: "release" };
}

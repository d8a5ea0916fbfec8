/**
 * Released ⇒ never voided (I3), at both ends: when a reply leaves, its change is decided or on the disk of every correct
 * member of the epochs it names, and so is everything it follows; and afterwards no settlement, on no master, voids it,
 * calls it invalid or closes its request.
 */
import type { ServerName } from "@redoubt/shared";
import { type Checker, type Observation, type Release, type Violation, verifiedChanges } from "../observation.ts";

export const checkReleased: Checker = (observation) => [...checkBearers(observation), ...checkFate(observation)];

function checkBearers({ releases, stored, faultyReplicas, operations, lostDisks }: Observation): Violation[] {
  const violations: Violation[] = [];
  const reads = new Set(operations.filter(({ operation }) => operation === "read").map(({ requestId }) => requestId));
  const members = new Map<string, readonly ServerName[]>();
  const epochs = new Map<string, number>();
  for (const changes of stored.values()) {
    for (const { digest, record } of changes) {
      epochs.set(digest, Math.max(...record.links.map(({ epoch }) => epoch)));
      members.set(digest, [...new Set(record.ticket.body.clusters.flatMap((cluster) => cluster.members))]);
    }
  }
  const isFaulty = (member: ServerName, digest: string): boolean =>
    faultyReplicas.has(member) || (epochs.get(digest) ?? 0) <= (lostDisks?.get(member) ?? -1);
  const lacking = (digest: string, holders: ReadonlySet<ServerName>): ServerName[] =>
    (members.get(digest) ?? []).filter((member) => !isFaulty(member, digest) && !holders.has(member));
  const flawOf = (change: Release["changes"][number]): string | undefined => {
    if (change.verified) return undefined;
    const [missing] = lacking(change.digest, change.holders);
    if (missing !== undefined) return `${change.digest} was undecided and not on ${missing}`;
    for (const { digest, holders } of change.undecidedAncestors) {
      const [without] = lacking(digest, holders);
      if (without !== undefined) return `${digest}, which it follows, was undecided and not on ${without}`;
    }
    return undefined;
  };
  for (const { requestId, at, changes } of releases) {
    if (reads.has(requestId)) continue;
    const flaws = changes.map(flawOf);
    if (flaws.includes(undefined)) continue;
    const why = flaws[0] ?? "no replica had a change with that reply";
    violations.push({ invariant: "I3", detail: `reply to ${requestId} left at ${at.toFixed(1)} ms, but ${why}` });
  }
  return violations;
}

function checkFate(observation: Observation): Violation[] {
  const violations: Violation[] = [];
  const answered = new Set(observation.releases.map(({ requestId }) => requestId));
  const released = new Map<string, string>(
    verifiedChanges(observation)
      .filter(({ requestId }) => answered.has(requestId))
      .map(({ digest, requestId }) => [digest, requestId]),
  );
  for (const [master, stream] of observation.decisions) {
    for (const decision of stream.flatMap((slot) => slot.decisions)) {
      const dead =
        decision.kind === "settled" ? decision.voided : decision.kind === "epochOpened" ? decision.invalid : [];
      for (const { digest } of dead) {
        if (released.has(digest))
          violations.push({ invariant: "I3", detail: `${master}: ${digest} was released and is void or invalid` });
      }
      if (decision.kind === "closed" && answered.has(decision.requestId))
        violations.push({ invariant: "I4", detail: `${master}: ${decision.requestId} was answered and is closed` });
    }
  }
  return violations;
}

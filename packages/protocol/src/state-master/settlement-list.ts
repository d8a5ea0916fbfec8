/**
 * Checks one member's list of undecided changes. A correct member's list is a possible state of it: one content per
 * version and per request id, one successor per change in every object cluster, only tickets of the regulator. (The
 * masters' entry is bound into each member's own, so a correct member never holds a change whose masters' entry is
 * wrong.) A list that is none of this proves its sender faulty: it is dropped and the sender counts as struck off.
 */
import type { ChangeSummary, Digest, Epoch, ObjectClusterNumber } from "@redoubt/shared";
import type { Hasher } from "../core.ts";
import { digestTicket, ticketEntry } from "../digests.ts";
import { type MasterChange, toMasterChange } from "./commands.ts";
import { digestSummary } from "./summary-shape.ts";

export type CheckedList =
  | { readonly kind: "list"; readonly changes: readonly MasterChange[] }
  | { readonly kind: "impossible"; readonly reason: string };

const impossible = (reason: string): CheckedList => ({ kind: "impossible", reason });

/**
 * `keyOf` gives the masters' key of a regulator epoch; undefined when it is no longer kept, and then the entry counts
 * as right. `isOwn` names the clusters the sender is a member of: of others it cannot know the order.
 */
export function checkList(
  hasher: Hasher,
  keyOf: (regulatorEpoch: Epoch) => string | undefined,
  isOwn: (cluster: ObjectClusterNumber) => boolean,
  summaries: readonly ChangeSummary[],
): CheckedList {
  const changes = new Map<Digest, MasterChange>();
  for (const summary of summaries) {
    const digest = digestSummary(hasher, summary);
    if (digest === undefined) return impossible("malformed");
    if (summary.ticket.readOnly) continue;
    const key = keyOf(summary.ticket.regulatorEpoch);
    if (key !== undefined && ticketEntry(hasher, key, digestTicket(hasher, summary.ticket)) !== summary.mastersEntry) {
      return impossible("masters' entry");
    }
    changes.set(digest, toMasterChange(digest, summary));
  }
  return findConflict([...changes.values()], isOwn) ?? { kind: "list", changes: [...changes.values()] };
}

function findConflict(
  changes: readonly MasterChange[],
  isOwn: (cluster: ObjectClusterNumber) => boolean,
): CheckedList | undefined {
  const requestIds = new Set<string>();
  const versions = new Set<string>();
  const followed = new Set<string>();
  for (const change of changes) {
    if (requestIds.has(change.requestId)) return impossible("two contents for a request id");
    requestIds.add(change.requestId);
    const isWhollyOwn = change.links.every(({ cluster }) => isOwn(cluster));
    for (const { object, number, epoch } of isWhollyOwn ? change.writes : []) {
      const version = `${number} ${epoch} ${object}`;
      if (versions.has(version)) return impossible("two contents for a version");
      versions.add(version);
    }
    for (const { cluster, follows } of change.links) {
      if (!isOwn(cluster)) continue;
      const place = `${cluster} ${follows}`;
      if (followed.has(place)) return impossible("broken chain");
      followed.add(place);
    }
  }
  return undefined;
}

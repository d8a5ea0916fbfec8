/**
 * What must hold of a summary before anything of it is used or hashed. Members refuse changes that break any of this
 * (`state-replica/well-formed.ts`), so a summary that does comes from no correct member.
 */
import {
  type ChangeSummary,
  type Digest,
  isDigest,
  isRequestId,
  LIMITS,
  OBJECT_CLUSTERS,
  type ParentReference,
} from "@redoubt/shared";
import type { Hasher } from "../core.ts";
import { digestChange } from "../digests.ts";

const TEXT_MAX = 1024;
const LIST_MAX = 64;

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isText = (text: string): boolean => text.length <= TEXT_MAX;
const isParent = ({ number, epoch, c1 }: ParentReference): boolean => isCount(number) && isCount(epoch) && isDigest(c1);

function isTicketWellFormed({ ticket }: ChangeSummary): boolean {
  if (!isRequestId(ticket.requestId) || !isDigest(ticket.inputDigest) || !isDigest(ticket.seed)) return false;
  const counts = [ticket.attempt, ticket.now, ticket.regulatorEpoch, ticket.faultsTolerated, ticket.expiresAt];
  if (!counts.every(isCount)) return false;
  const texts = [ticket.operation, ticket.applicationVersion, ticket.principal, ticket.executionServer];
  if (!texts.every(isText)) return false;
  if (ticket.testers.length > LIST_MAX || !ticket.testers.every(isText)) return false;
  if (ticket.clusters.length === 0 || ticket.clusters.length > OBJECT_CLUSTERS) return false;
  if (!ticket.clusters.some(({ cluster }) => cluster === ticket.home)) return false;
  let previous = -1;
  for (const { cluster, epoch, members } of ticket.clusters) {
    if (!Number.isInteger(cluster) || cluster <= previous || cluster >= OBJECT_CLUSTERS || !isCount(epoch))
      return false;
    if (members.length > LIST_MAX || !members.every(isText)) return false;
    previous = cluster;
  }
  return true;
}

function areLinksWellFormed({ ticket, links }: ChangeSummary): boolean {
  if (links.length !== ticket.clusters.length) return false;
  return links.every((link, index) => {
    const entry = ticket.clusters[index];
    if (link.cluster !== entry?.cluster || link.epoch !== entry.epoch) return false;
    return isCount(link.predecessorSerial) && isDigest(link.follows);
  });
}

/** True when the summary can be hashed and says for every cluster of its ticket what it follows there. */
export function isWellFormed(summary: ChangeSummary): boolean {
  const { ticket, reads, writes } = summary;
  if (!isTicketWellFormed(summary) || !areLinksWellFormed(summary)) return false;
  if (!isDigest(summary.mastersEntry) || !isDigest(summary.replyDigest) || !isCount(summary.serial)) return false;
  if (reads.length > LIMITS.objectsPerRequestMax || writes.length > LIMITS.objectsPerRequestMax) return false;
  if (ticket.readOnly && writes.length > 0) return false;
  if (new Set(writes.map(({ object }) => object)).size !== writes.length) return false;
  if (!reads.every((read) => isText(read.object) && isParent(read))) return false;
  return writes.every((write) => isText(write.object) && isParent(write) && isParent(write.parent));
}

/** Digest of a summary that somebody sent; undefined when it is not well-formed. */
export const digestSummary = (hasher: Hasher, summary: ChangeSummary): Digest | undefined =>
  isWellFormed(summary) ? digestChange(hasher, summary) : undefined;

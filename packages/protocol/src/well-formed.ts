/**
 * Shape of what untrusted servers send beyond what types say: sizes, order, repetitions, numbers that can be hashed.
 * Everything later may rely on it. Of truth it judges only what a digest proves (a version's C1, a ticket's input).
 */
import {
  type ChainLink,
  type ChangeRecord,
  type ChangeSummary,
  isDigest,
  isNestedWithin,
  isRequestId,
  LIMITS,
  OBJECT_CLUSTERS,
  type ParentReference,
  type StoredVersion,
  type Ticket,
  type TicketBody,
  type VersionReference,
} from "@redoubt/shared";
import type { Hasher } from "./core.ts";
import { computeC1, digestInput } from "./digests.ts";

const NAME_MAX = 256;
const MEMBERS_MAX = 32;

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isName = (text: string): boolean => text.length > 0 && text.length <= NAME_MAX;

/** UTF-8 length without encoding: exact enough for a limit (never above the real length). */
const isWithin = (text: string, bytesMax: number): boolean => text.length <= bytesMax;

const isParent = (parent: ParentReference): boolean =>
  isCount(parent.number) && isCount(parent.epoch) && isDigest(parent.c1);

const isReference = (reference: VersionReference): boolean =>
  isWithin(reference.object, LIMITS.objectNameBytesMax) && isParent(reference);

/** What is wrong with a ticket's shape, or undefined. */
export function findTicketFlaw({ body, mastersEntry }: Pick<Ticket, "body" | "mastersEntry">): string | undefined {
  if (!isDigest(mastersEntry)) return "ticket: masters' entry";
  if (!isRequestId(body.requestId) || !isDigest(body.inputDigest) || !isDigest(body.seed)) return "ticket: digests";
  for (const count of [body.attempt, body.now, body.regulatorEpoch, body.home, body.faultsTolerated, body.expiresAt]) {
    if (!isCount(count)) return "ticket: numbers";
  }
  for (const name of [body.operation, body.applicationVersion, body.executionServer]) {
    if (!isName(name)) return "ticket: names";
  }
  if (!isWithin(body.principal, NAME_MAX)) return "ticket: principal";
  if (body.testers.length > MEMBERS_MAX || !body.testers.every(isName)) return "ticket: testers";
  if (body.clusters.length === 0 || body.clusters.length > LIMITS.objectsPerRequestMax) return "ticket: clusters";
  let previous = -1;
  for (const { cluster, epoch, members } of body.clusters) {
    if (!isCount(cluster) || cluster <= previous || cluster >= OBJECT_CLUSTERS) return "ticket: order of clusters";
    if (!isCount(epoch) || epoch === 0) return "ticket: epochs";
    if (members.length === 0 || members.length > MEMBERS_MAX || !members.every(isName)) return "ticket: members";
    previous = cluster;
  }
  if (!body.clusters.some((entry) => entry.cluster === body.home)) return "ticket: home";
  return undefined;
}

function findLinksFlaw(body: TicketBody, links: readonly ChainLink[], serial: number): string | undefined {
  if (!isCount(serial)) return "serial";
  if (links.length !== body.clusters.length) return "links: one per cluster of the ticket expected";
  for (const [index, link] of links.entries()) {
    const entry = body.clusters[index];
    if (link.cluster !== entry?.cluster || link.epoch !== entry.epoch) return "links: order or epochs of the ticket";
    if (!isDigest(link.follows)) return "links: follows";
    if (!isCount(link.predecessorSerial)) return "links: predecessor";
  }
  return undefined;
}

/** What is wrong with a record's shape, or undefined. Serials are compared with predecessors by admission only. */
export function findRecordFlaw(record: ChangeRecord): string | undefined {
  const { ticket, links, serial, reads, writes } = record;
  const flaw = findTicketFlaw(ticket) ?? findLinksFlaw(ticket.body, links, serial);
  if (flaw) return flaw;
  if (!isWithin(record.input, LIMITS.inputBytesMax)) return "input: size";
  if (!isWithin(record.reply, LIMITS.replyBytesMax)) return "reply: size";
  if (!isNestedWithin(record.reply, LIMITS.valueDepthMax)) return "reply: nesting";
  if (reads.length > LIMITS.objectsPerRequestMax) return "reads: count";
  if (writes.length > LIMITS.objectsPerRequestMax) return "writes: count";
  if (record.ticket.body.readOnly && writes.length > 0) return "writes: a read-only request has none";
  let bytes = record.input.length + record.reply.length;
  for (const read of reads) if (!isReference(read)) return "reads: reference";
  for (const write of writes) {
    if (!isWithin(write.object, LIMITS.objectNameBytesMax)) return "writes: object name";
    if (!isCount(write.epoch) || !isCount(write.number) || !isParent(write.parent)) return "writes: reference";
    if (!isWithin(write.bytes, LIMITS.objectBytesMax)) return "writes: size";
    if (!isNestedWithin(write.bytes, LIMITS.valueDepthMax)) return "writes: nesting";
    bytes += write.bytes.length;
  }
  if (bytes > LIMITS.changeBytesMax) return "size";
  if (new Set(reads.map((read) => read.object)).size !== reads.length) return "reads: an object twice";
  if (new Set(writes.map((write) => write.object)).size !== writes.length) return "writes: an object twice";
  return undefined;
}

/** What is wrong with a summary's shape, or undefined: a summary without a flaw can be hashed. */
export function findSummaryFlaw(summary: ChangeSummary): string | undefined {
  const { ticket, mastersEntry, replyDigest, reads, writes, serial, links } = summary;
  const flaw = findTicketFlaw({ body: ticket, mastersEntry }) ?? findLinksFlaw(ticket, links, serial);
  if (flaw) return flaw;
  if (!isDigest(replyDigest)) return "reply digest";
  if (reads.length > LIMITS.objectsPerRequestMax || !reads.every(isReference)) return "reads";
  if (writes.length > LIMITS.objectsPerRequestMax) return "writes";
  return writes.every((write) => isReference(write) && isParent(write.parent)) ? undefined : "writes";
}

/** The bytes have the C1 claimed: the version is what somebody once stored under that name. */
export function hasRightC1(hasher: Hasher, version: StoredVersion): boolean {
  const { parent, requestId, c1 } = version;
  const isWellFormed = isReference(version) && isParent(parent) && isRequestId(requestId);
  return isWellFormed && computeC1(hasher, version, requestId) === c1;
}

/** The change digest binds the input's digest, not its text. */
export const hasRightInput = (hasher: Hasher, { input, ticket }: Pick<ChangeRecord, "input" | "ticket">): boolean =>
  digestInput(hasher, input) === ticket.body.inputDigest;

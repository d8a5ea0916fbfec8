/**
 * Shape of what execution servers send beyond what types say: sizes, order, repetitions, numbers that can be hashed.
 * Everything later may rely on it. It judges no truth: tickets, digests and versions are checked in `examination.ts`
 * and `admission.ts`.
 */
import {
  type ChangeRecord,
  isDigest,
  isRequestId,
  LIMITS,
  OBJECT_CLUSTERS,
  type ParentReference,
  type Ticket,
  type VersionReference,
} from "@redoubt/shared";

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
export function findTicketFlaw(ticket: Ticket): string | undefined {
  const { body } = ticket;
  if (!isDigest(ticket.mastersEntry)) return "ticket: masters' entry";
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

function findLinksFlaw({ ticket, links, serial }: ChangeRecord): string | undefined {
  if (!isCount(serial)) return "serial";
  if (links.length !== ticket.body.clusters.length) return "links: one per cluster of the ticket expected";
  for (const [index, link] of links.entries()) {
    const entry = ticket.body.clusters[index];
    if (link.cluster !== entry?.cluster || link.epoch !== entry.epoch) return "links: order or epochs of the ticket";
    if (!isDigest(link.follows)) return "links: follows";
    if (!isCount(link.predecessorSerial)) return "links: predecessor";
  }
  return undefined;
}

/** What is wrong with a record's shape, or undefined. Serials are compared with predecessors by admission only. */
export function findRecordFlaw(record: ChangeRecord): string | undefined {
  const flaw = findTicketFlaw(record.ticket) ?? findLinksFlaw(record);
  if (flaw) return flaw;
  const { reads, writes } = record;
  if (!isWithin(record.input, LIMITS.inputBytesMax)) return "input: size";
  if (!isWithin(record.reply, LIMITS.replyBytesMax)) return "reply: size";
  if (reads.length > LIMITS.objectsPerRequestMax) return "reads: count";
  if (writes.length > LIMITS.objectsPerRequestMax) return "writes: count";
  if (record.ticket.body.readOnly && writes.length > 0) return "writes: a read-only request has none";
  let bytes = record.input.length + record.reply.length;
  for (const read of reads) if (!isReference(read)) return "reads: reference";
  for (const write of writes) {
    if (!isWithin(write.object, LIMITS.objectNameBytesMax)) return "writes: object name";
    if (!isCount(write.epoch) || !isCount(write.number) || !isParent(write.parent)) return "writes: reference";
    if (!isWithin(write.bytes, LIMITS.objectBytesMax)) return "writes: size";
    bytes += write.bytes.length;
  }
  if (bytes > LIMITS.changeBytesMax) return "size";
  if (new Set(reads.map((read) => read.object)).size !== reads.length) return "reads: an object twice";
  if (new Set(writes.map((write) => write.object)).size !== writes.length) return "writes: an object twice";
  return undefined;
}

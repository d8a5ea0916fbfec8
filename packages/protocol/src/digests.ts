/**
 * Every digest of PROTOCOL §1 in one place: request id, ticket digest, C1, C2, change digest, and the summary of a
 * change. All are SHA-256 over length-prefixed fields with a domain in front, so that no digest can pass for another.
 */
import {
  ByteWriter,
  type ChangeRecord,
  type ChangeSummary,
  type Digest,
  OBJECT_CLUSTERS,
  type ObjectClusterNumber,
  type ParentReference,
  type RequestId,
  type Ticket,
  type TicketBody,
  utf8,
  type VersionReference,
  ZERO_DIGEST,
} from "@redoubt/shared";
import type { Hasher } from "./core.ts";

const writeParent = (writer: ByteWriter, parent: ParentReference): ByteWriter =>
  writer.integer(parent.number).integer(parent.epoch).digest(parent.c1);

const writeReference = (writer: ByteWriter, reference: VersionReference): ByteWriter =>
  writer.text(reference.object).integer(reference.number).integer(reference.epoch).digest(reference.c1);

/** Digest of any text under a domain of its own (input digest, reply digest, seeds, keys). */
export function digestText(hasher: Hasher, domain: string, text: string): Digest {
  return hasher.sha256(new ByteWriter(64 + text.length * 3).text(domain).text(text).finish());
}

export const digestInput = (hasher: Hasher, input: string): Digest => digestText(hasher, "input", input);

export const digestReply = (hasher: Hasher, reply: string): Digest => digestText(hasher, "reply", reply);

/**
 * Request id = SHA-256(client id ‖ key ‖ operation ‖ input digest), every text with its length in front, so that no client can
 * make an id of another's: the same key with another operation or body is a different request (ADR 0013).
 */
export function computeRequestId(
  hasher: Hasher,
  client: string,
  key: string,
  operation: string,
  inputDigest: Digest,
): RequestId {
  const writer = new ByteWriter().text("request").text(client).text(key).text(operation).digest(inputDigest);
  return hasher.sha256(writer.finish()) as string as RequestId;
}

export function digestTicket(hasher: Hasher, body: TicketBody): Digest {
  const writer = new ByteWriter().text("ticket").digest(body.requestId).integer(body.attempt).text(body.operation);
  writer.text(body.applicationVersion).digest(body.inputDigest).text(body.principal).integer(body.now);
  writer
    .digest(body.seed)
    .u8(body.readOnly ? 1 : 0)
    .text(body.executionServer)
    .integer(body.regulatorEpoch);
  writer.list(body.clusters, (entry) => {
    writer
      .integer(entry.cluster)
      .integer(entry.epoch)
      .list(entry.members, (member) => writer.text(member));
  });
  writer
    .integer(body.home)
    .text(body.profile)
    .list(body.testers, (tester) => writer.text(tester));
  return hasher.sha256(writer.integer(body.faultsTolerated).integer(body.expiresAt).finish());
}

/** Authenticates the ticket to the masters. */
export const ticketEntry = (hasher: Hasher, keyHex: string, ticketDigest: Digest): Digest =>
  hasher.hmac(keyHex, ticketDigest);

/**
 * Authenticates the ticket *and* the masters' entry to one member. Members cannot check the masters' entry themselves;
 * were it not bound here, an execution server could send a right ticket with a wrong masters' entry, have the change
 * accepted and released, and see it void in the next settlement (I3).
 */
export const memberEntry = (hasher: Hasher, keyHex: string, ticketDigest: Digest, mastersEntry: Digest): Digest =>
  hasher.hmac(
    keyHex,
    hasher.sha256(new ByteWriter(128).text("member-entry").digest(ticketDigest).digest(mastersEntry).finish()),
  );

/** Makes a ticket with an entry for every member of every cluster it names. `keyOf` gives a member's key. */
export function issueTicket(
  hasher: Hasher,
  body: TicketBody,
  keyOf: (member: string) => string,
  mastersKey: string,
): Ticket {
  const digest = digestTicket(hasher, body);
  const mastersEntry = ticketEntry(hasher, mastersKey, digest);
  const entries: Record<string, Digest> = {};
  for (const { members } of body.clusters) {
    for (const member of members) entries[member] ??= memberEntry(hasher, keyOf(member), digest, mastersEntry);
  }
  return { body, entries, mastersEntry };
}

/** C1 = SHA-256(domain ‖ object ‖ number ‖ epoch ‖ parent ‖ request id ‖ bytes) (PROTOCOL §1). */
export function computeC1(
  hasher: Hasher,
  version: {
    readonly object: string;
    readonly number: number;
    readonly epoch: number;
    readonly parent: ParentReference;
    readonly bytes: string;
  },
  requestId: RequestId,
): Digest {
  const writer = new ByteWriter(256 + version.bytes.length * 3).text("C1").text(version.object);
  writer.integer(version.number).integer(version.epoch);
  return hasher.sha256(writeParent(writer, version.parent).digest(requestId).text(version.bytes).finish());
}

/** C2 = SHA-256(C2 of parent ‖ C1 ‖ verdict digest), over verified versions only. */
export function extendC2(hasher: Hasher, previous: Digest, c1: Digest, verdictDigest: Digest): Digest {
  return hasher.sha256(new ByteWriter().text("C2").digest(previous).digest(c1).digest(verdictDigest).finish());
}

/** Digest of a positive verdict on a change; all passes over one change are equal. */
export const passDigest = (hasher: Hasher, changeDigest: Digest): Digest =>
  hasher.sha256(new ByteWriter().text("pass").digest(changeDigest).finish());

/** Everything of a change but its bytes. The C1 of every write is computed from its bytes here. */
export function summarize(hasher: Hasher, record: ChangeRecord): ChangeSummary {
  const { ticket } = record;
  return {
    ticket: ticket.body,
    mastersEntry: ticket.mastersEntry,
    replyDigest: digestReply(hasher, record.reply),
    reads: record.reads,
    writes: record.writes.map(({ object, number, epoch, parent, bytes }) => ({
      object,
      number,
      epoch,
      parent,
      c1: computeC1(hasher, { object, number, epoch, parent, bytes }, ticket.body.requestId),
    })),
    serial: record.serial,
    links: record.links,
  };
}

/** The change digest everybody votes on (PROTOCOL §1). Whoever has the ticket's digest already saves its second computation. */
export function digestChange(
  hasher: Hasher,
  summary: ChangeSummary,
  ticketDigest: Digest = digestTicket(hasher, summary.ticket),
): Digest {
  const writer = new ByteWriter(1024).text("change").digest(summary.ticket.requestId);
  writer.digest(ticketDigest).digest(summary.mastersEntry);
  writer.integer(summary.ticket.attempt).integer(summary.serial);
  writer.list(summary.links, (link) => {
    writer.integer(link.cluster).integer(link.epoch).integer(link.predecessorSerial).digest(link.follows);
  });
  writer.list(summary.reads, (read) => writeReference(writer, read));
  writer.list(summary.writes, (write) => writeParent(writeReference(writer, write), write.parent));
  return hasher.sha256(writer.digest(summary.replyDigest).finish());
}

/** Object cluster of a correlation key (DESIGN §5): the first 32 bits of its digest modulo the number of clusters. */
export function objectClusterOf(hasher: Hasher, correlation: string): ObjectClusterNumber {
  return Number.parseInt(digestText(hasher, "object-cluster", correlation).slice(0, 8), 16) % OBJECT_CLUSTERS;
}

/** What an execution server signs for a batch of changes (PROTOCOL §3). */
export function digestEvidence(hasher: Hasher, digests: readonly Digest[]): Digest {
  const writer = new ByteWriter(64 + digests.length * 32).text("evidence");
  return hasher.sha256(writer.list(digests, (digest) => writer.digest(digest)).finish());
}

/** Reference to "the object does not exist". */
export const absent = (object: string): VersionReference => ({ object, number: 0, epoch: 0, c1: ZERO_DIGEST });

export const utf8Length = (text: string): number => utf8(text).length;

/**
 * Hand-laid layout of the request path's records (PERFORMANCE: several times cheaper than a general codec). Reading
 * checks shape and limits, so that whatever an execution server sends is either a well-formed value or a RangeError at
 * the edge. The same layout is what replicas journal.
 */
import type { ByteReader, ByteWriter } from "../bytes.ts";
import type {
  ChainLink,
  ChangeRecord,
  ChangeSummary,
  ParentReference,
  StoredVersion,
  Ticket,
  TicketBody,
  VersionReference,
  VersionWrite,
} from "../change.ts";
import { type Digest, OBJECT_CLUSTERS, type RequestId } from "../ids.ts";
import { LIMITS } from "../limits.ts";

const MEMBERS_MAX = 32;

export const readDigest = (reader: ByteReader): Digest => reader.digest() as Digest;
export const readRequestId = (reader: ByteReader): RequestId => reader.digest() as RequestId;

export function readText(reader: ByteReader, bytesMax: number): string {
  const text = reader.text();
  if (text.length > bytesMax) throw new RangeError(`text of ${text.length} characters, at most ${bytesMax} expected`);
  return text;
}

const readName = (reader: ByteReader): string => readText(reader, 256);

export function readCluster(reader: ByteReader): number {
  const cluster = reader.u32();
  if (cluster >= OBJECT_CLUSTERS) throw new RangeError(`object cluster ${cluster} of ${OBJECT_CLUSTERS}`);
  return cluster;
}

export function writeTicketBody(writer: ByteWriter, body: TicketBody): void {
  writer.digest(body.requestId).integer(body.attempt).text(body.operation).text(body.applicationVersion);
  writer.digest(body.inputDigest).text(body.principal).integer(body.now).digest(body.seed);
  writer
    .u8(body.readOnly ? 1 : 0)
    .text(body.executionServer)
    .integer(body.regulatorEpoch);
  writer.list(body.clusters, (entry) => {
    writer
      .u32(entry.cluster)
      .integer(entry.epoch)
      .list(entry.members, (member) => writer.text(member));
  });
  writer
    .u32(body.home)
    .u8(body.profile === "basic" ? 1 : 0)
    .list(body.testers, (tester) => writer.text(tester));
  writer.integer(body.faultsTolerated).integer(body.expiresAt);
}

export function readTicketBody(reader: ByteReader): TicketBody {
  return {
    requestId: readRequestId(reader),
    attempt: reader.integer(),
    operation: readName(reader),
    applicationVersion: readName(reader),
    inputDigest: readDigest(reader),
    principal: readName(reader),
    now: reader.integer(),
    seed: readDigest(reader),
    readOnly: reader.u8() === 1,
    executionServer: readName(reader),
    regulatorEpoch: reader.integer(),
    clusters: reader.list(
      () => ({
        cluster: readCluster(reader),
        epoch: reader.integer(),
        members: reader.list(() => readName(reader), MEMBERS_MAX),
      }),
      LIMITS.objectsPerRequestMax,
    ),
    home: readCluster(reader),
    profile: reader.u8() === 1 ? "basic" : "optimized",
    testers: reader.list(() => readName(reader), MEMBERS_MAX),
    faultsTolerated: reader.integer(),
    expiresAt: reader.integer(),
  };
}

export function writeTicket(writer: ByteWriter, ticket: Ticket): void {
  writeTicketBody(writer, ticket.body);
  writer.list(Object.entries(ticket.entries), ([member, entry]) => writer.text(member).digest(entry));
  writer.digest(ticket.mastersEntry);
}

export function readTicket(reader: ByteReader): Ticket {
  const body = readTicketBody(reader);
  const pairs = reader.list(() => [readName(reader), readDigest(reader)] as const, MEMBERS_MAX * 4);
  return { body, entries: Object.fromEntries(pairs), mastersEntry: readDigest(reader) };
}

const writeParent = (writer: ByteWriter, parent: ParentReference): ByteWriter =>
  writer.integer(parent.number).integer(parent.epoch).digest(parent.c1);

const readParent = (reader: ByteReader): ParentReference => ({
  number: reader.integer(),
  epoch: reader.integer(),
  c1: readDigest(reader),
});

export const writeReference = (writer: ByteWriter, reference: VersionReference): ByteWriter =>
  writer.text(reference.object).integer(reference.number).integer(reference.epoch).digest(reference.c1);

export const readReference = (reader: ByteReader): VersionReference => ({
  object: readText(reader, LIMITS.objectNameBytesMax),
  number: reader.integer(),
  epoch: reader.integer(),
  c1: readDigest(reader),
});

function writeVersion(writer: ByteWriter, write: VersionWrite): void {
  writer.text(write.object).integer(write.number).integer(write.epoch);
  writeParent(writer, write.parent).text(write.bytes);
}

const readVersion = (reader: ByteReader): VersionWrite => ({
  object: readText(reader, LIMITS.objectNameBytesMax),
  number: reader.integer(),
  epoch: reader.integer(),
  parent: readParent(reader),
  bytes: readText(reader, LIMITS.objectBytesMax),
});

const writeLink = (writer: ByteWriter, link: ChainLink): ByteWriter =>
  writer.u32(link.cluster).integer(link.epoch).integer(link.predecessorSerial).digest(link.follows);

const readLink = (reader: ByteReader): ChainLink => ({
  cluster: readCluster(reader),
  epoch: reader.integer(),
  predecessorSerial: reader.integer(),
  follows: readDigest(reader),
});

export function writeRecord(writer: ByteWriter, record: ChangeRecord): void {
  writeTicket(writer, record.ticket);
  writer.text(record.input).text(record.reply);
  writer.list(record.reads, (read) => writeReference(writer, read));
  writer.list(record.writes, (write) => writeVersion(writer, write));
  writer.integer(record.serial).list(record.links, (link) => writeLink(writer, link));
}

export function readRecord(reader: ByteReader): ChangeRecord {
  return {
    ticket: readTicket(reader),
    input: readText(reader, LIMITS.inputBytesMax),
    reply: readText(reader, LIMITS.replyBytesMax),
    reads: reader.list(() => readReference(reader), LIMITS.objectsPerRequestMax),
    writes: reader.list(() => readVersion(reader), LIMITS.objectsPerRequestMax),
    serial: reader.integer(),
    links: reader.list(() => readLink(reader), LIMITS.objectsPerRequestMax),
  };
}

export function writeSummary(writer: ByteWriter, summary: ChangeSummary): void {
  writeTicketBody(writer, summary.ticket);
  writer.digest(summary.mastersEntry).digest(summary.replyDigest);
  writer.list(summary.reads, (read) => writeReference(writer, read));
  writer.list(summary.writes, (write) => writeParent(writeReference(writer, write), write.parent));
  writer.integer(summary.serial).list(summary.links, (link) => writeLink(writer, link));
}

export function readSummary(reader: ByteReader): ChangeSummary {
  return {
    ticket: readTicketBody(reader),
    mastersEntry: readDigest(reader),
    replyDigest: readDigest(reader),
    reads: reader.list(() => readReference(reader), LIMITS.objectsPerRequestMax),
    writes: reader.list(() => ({ ...readReference(reader), parent: readParent(reader) }), LIMITS.objectsPerRequestMax),
    serial: reader.integer(),
    links: reader.list(() => readLink(reader), LIMITS.objectsPerRequestMax),
  };
}

export function writeStoredVersion(writer: ByteWriter, version: StoredVersion): void {
  writeVersion(writer, version);
  writer.digest(version.requestId).digest(version.c1);
}

export const readStoredVersion = (reader: ByteReader): StoredVersion => ({
  ...readVersion(reader),
  requestId: readRequestId(reader),
  c1: readDigest(reader),
});

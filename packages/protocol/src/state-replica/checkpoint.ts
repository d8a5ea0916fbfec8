/**
 * A member's state as bytes, and back (see `CheckpointedCore` in `core.ts`). The tables go out as they are, without a
 * copy; chains, undecided changes and the rest follow in a canonical encoding. What a restart forgets anyway is left out:
 * caches, held changes, read confirmations, versions of dropped changes. The bytes come from this member's own file, whose
 * checksum was right: anything that does not fit is a bug, or another version of the program, and is refused by throwing.
 */
import {
  assert,
  ByteReader,
  ByteWriter,
  type Digest,
  type RequestId,
  readRecord,
  writeRecord,
  ZERO_DIGEST,
} from "@redoubt/shared";
import type { Checkpoint, RecordNumber } from "../core.ts";
import { type ChangeEntry, type ChangePlace, entryOf } from "./change-entry.ts";
import type { ClusterState, ClusterTable, EpochDescription } from "./clusters.ts";
import type { Replica } from "./context.ts";
import { FingerprintTable } from "./fingerprint-table.ts";
import { ObjectTable } from "./object-table.ts";

const FORMAT = "redoubt state replica checkpoint 4";
/** With more of undecided changes in memory there is none until some are decided. */
const UNDECIDED_BYTES_MAX = 32 * 1024 * 1024;
const LIST_MAX = 1_000_000;

/** Undefined while too much is undecided. */
export function takeCheckpoint(replica: Replica): Checkpoint | undefined {
  const { store, journal } = replica;
  if (store.undecidedBytes > UNDECIDED_BYTES_MAX) return undefined;
  const writer = new ByteWriter(64 * 1024).text(FORMAT).integer(journal.next);
  writeClusters(writer, store.clusters);
  writeChanges(writer, replica);
  writeStream(writer, replica);
  writer.list([...store.verifiedDigests.keys()], (digest) => writer.digest(digest));
  writer.integer(store.objects.table.size);
  return { through: journal.next, parts: [writer.finish(), ...store.requests.parts(), ...store.objects.table.parts()] };
}

/** Into a replica that has taken nothing in yet. Throws on bytes that are no checkpoint of this version. */
export function restoreCheckpoint(replica: Replica, parts: readonly Uint8Array[], through: RecordNumber): void {
  const { store, journal } = replica;
  const reader = new ByteReader(parts[0] ?? new Uint8Array());
  assert(reader.text() === FORMAT, "a checkpoint of this version");
  assert(reader.integer() === through, "a checkpoint says itself which records it stands for");
  readClusters(reader, replica);
  const undecided = reader.list(() => readChange(reader, replica), LIST_MAX);
  const fetched = reader.list(() => readChange(reader, replica), LIST_MAX);
  readStream(reader, replica);
  for (const digest of reader.list(() => reader.digest() as Digest, LIST_MAX)) store.verifiedDigests.add(digest);
  const objects = reader.integer();
  reader.end();
  const tables = 1 + FingerprintTable.partCount;
  store.restoreRequests(new FingerprintTable(parts.slice(1, tables)));
  store.objects.restore(new ObjectTable(objects, parts.slice(tables)));
  for (const entry of undecided) store.insert(entry);
  for (const { digest, record, summary, place } of fetched) {
    assert(summary, "the summary was just computed");
    replica.stream.fetched.set(digest, { record, summary, place });
  }
  journal.next = through;
}

/**
 * Whether two checkpoints stand for the same state. The index of request ids is compared by its size alone: the places
 * of its entries depend on how it grew.
 */
export function isSameState(one: Checkpoint, other: Checkpoint): boolean {
  const tables = 1 + FingerprintTable.partCount;
  const sizesOf = ({ parts }: Checkpoint) => new FingerprintTable(parts.slice(1, tables)).size;
  const compared = ({ parts }: Checkpoint) => [
    ...parts.slice(0, 1),
    ...parts.slice(tables + FingerprintTable.partCount),
  ];
  const others = compared(other);
  return (
    one.through === other.through &&
    one.parts.length === other.parts.length &&
    sizesOf(one) === sizesOf(other) &&
    compared(one).every((part, index) => isSameBytes(part, others[index] as Uint8Array))
  );
}

const isSameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index]);

function writeEpoch(writer: ByteWriter, { epoch, holder, members, faultsTolerated, wanted }: EpochDescription): void {
  writer.integer(epoch).text(holder).integer(faultsTolerated);
  writer.list(members, (member) => writer.text(member));
  writer.list(wanted ?? members, (member) => writer.text(member));
}

function readEpoch(reader: ByteReader): EpochDescription {
  const [epoch, holder, faultsTolerated] = [reader.integer(), reader.text(), reader.integer()];
  const members = reader.list(() => reader.text(), LIST_MAX);
  return { epoch, holder, faultsTolerated, members, wanted: reader.list(() => reader.text(), LIST_MAX) };
}

/** False for one that was only looked at. */
const isTouched = ({ opened, promised }: ClusterState): boolean => opened.epoch > 0 || promised > 0;

/** Epochs are shared by many clusters: each is written once. */
function writeClusters(writer: ByteWriter, table: ClusterTable): void {
  const clusters = [...table.all()].filter(isTouched).sort((one, other) => one.cluster - other.cluster);
  const epochs = [...new Set(clusters.flatMap(({ opened, installed }) => [opened, installed]))];
  const numbers = new Map(epochs.map((epoch, number) => [epoch, number]));
  writer.list(epochs, (epoch) => writeEpoch(writer, epoch));
  writer.list(clusters, ({ cluster, opened, installed, promised, verifiedHead }) => {
    writer
      .integer(cluster)
      .u32(numbers.get(opened) ?? 0)
      .u32(numbers.get(installed) ?? 0);
    writer.integer(promised).digest(verifiedHead);
  });
}

function readClusters(reader: ByteReader, { store }: Replica): void {
  const epochs = reader.list(() => readEpoch(reader), LIST_MAX);
  reader.list(() => {
    const state = store.clusters.get(reader.integer());
    const [opened, installed] = [epochs[reader.u32()], epochs[reader.u32()]];
    assert(opened && installed, "an epoch of the list");
    Object.assign(state, { opened, installed, promised: reader.integer(), verifiedHead: reader.digest() as Digest });
  }, LIST_MAX);
}

/** Undecided changes in the order of acceptance, which is a possible order of insertion; then fetched ones. */
function writeChanges(writer: ByteWriter, { store, stream }: Replica): void {
  writer.list([...store.undecided()], ({ record, place }) => writeChange(writer, record, place));
  const placed = [...stream.fetched.values()].filter(({ place }) => place !== undefined);
  placed.sort((one, other) => (one.place?.number ?? 0) - (other.place?.number ?? 0));
  writer.list(placed, ({ record, place }) => writeChange(writer, record, place));
}

function writeChange(writer: ByteWriter, record: ChangeEntry["record"], place: ChangePlace | undefined): void {
  assert(place, "a journalled change has a place");
  writeRecord(writer.integer(place.number), record);
  writer.list(place.parents, (parent) => writer.digest(parent ?? ZERO_DIGEST));
}

function readChange(reader: ByteReader, { hasher }: Replica): ChangeEntry {
  const number = reader.integer();
  const record = readRecord(reader);
  const parents = reader.list(() => {
    const parent = reader.digest();
    return parent === ZERO_DIGEST ? null : (parent as string as RequestId);
  }, LIST_MAX);
  return entryOf(hasher, record, { number, parents });
}

function writeStream(writer: ByteWriter, { stream, regulator, journal }: Replica): void {
  const { server, epoch } = regulator.decided;
  writer.list(journal.abandoned, ({ from, through }) => writer.integer(from).integer(through));
  writer.text(journal.identity).integer(stream.journalledThrough).text(server).integer(epoch);
  writer.list([...stream.peers], (peer) => writer.text(peer));
}

function readStream(reader: ByteReader, { stream, regulator, journal }: Replica): void {
  journal.abandoned = reader.list(() => ({ from: reader.integer(), through: reader.integer() }), LIST_MAX);
  journal.identity = reader.text();
  stream.journalledThrough = reader.integer();
  stream.appliedThrough = stream.journalledThrough;
  stream.coveredThrough = stream.journalledThrough;
  regulator.decided = { server: reader.text(), epoch: reader.integer() };
  regulator.server = regulator.decided.server;
  regulator.epoch = regulator.decided.epoch;
  for (const peer of reader.list(() => reader.text(), LIST_MAX)) stream.peers.add(peer);
}

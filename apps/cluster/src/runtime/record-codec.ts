/**
 * Bytes of durable records and of control messages. Change records have the hand-laid layout of the wire, so that a
 * replica journals what it was sent; everything else is msgpack. A first byte tells which.
 */
import {
  ByteReader,
  ByteWriter,
  type ChangeRecord,
  LIMITS,
  type RequestId,
  readRecord,
  readRequestId,
  writeRecord,
  ZERO_DIGEST,
} from "@redoubt/shared";
import { Packr } from "msgpackr";

export interface RecordCodec {
  readonly encode: (record: unknown) => Uint8Array;
  /** Throws on bytes that are no record of ours: the journal's checksum was right, so it is a bug or another version. */
  readonly decode: (payload: Uint8Array) => unknown;
}

const GENERAL = 0;
const CHANGE = 1;

/** `mapsAsObjects` and no record extension: what is read depends on nothing but the bytes. */
const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

/** Change records in a replica's journal: accepted from an execution server, or fetched from another member. */
const CHANGE_KINDS = ["accepted", "fetched"] as const;

interface JournalledChange {
  readonly kind: (typeof CHANGE_KINDS)[number];
  readonly record: ChangeRecord;
  readonly parents: readonly (RequestId | null)[];
}

const isChange = (record: unknown): record is JournalledChange =>
  typeof record === "object" &&
  record !== null &&
  "record" in record &&
  CHANGE_KINDS.includes((record as JournalledChange).kind);

function readParent(reader: ByteReader): RequestId | null {
  const requestId = readRequestId(reader);
  return requestId === (ZERO_DIGEST as string) ? null : requestId;
}

export const recordCodec: RecordCodec = {
  encode(record) {
    if (isChange(record)) {
      const writer = new ByteWriter(1024).u8(CHANGE).u8(CHANGE_KINDS.indexOf(record.kind));
      writeRecord(writer, record.record);
      writer.list(record.parents, (parent) => writer.digest(parent ?? ZERO_DIGEST));
      return writer.finish();
    }
    const body = packr.pack(record);
    const bytes = new Uint8Array(body.length + 1);
    bytes[0] = GENERAL;
    bytes.set(body, 1);
    return bytes;
  },
  decode(payload) {
    if (payload[0] === GENERAL) return packr.unpack(payload.subarray(1));
    const reader = new ByteReader(payload);
    if (reader.u8() !== CHANGE) throw new RangeError("journal record of an unknown kind");
    const kind = CHANGE_KINDS[reader.u8()];
    if (kind === undefined) throw new RangeError("change record of an unknown kind");
    const record = readRecord(reader);
    const parents = reader.list(() => readParent(reader), LIMITS.objectsPerRequestMax);
    reader.end();
    return { kind, record, parents };
  },
};

/** msgpack for messages of trusted senders that have no layout. */
export const packGeneral = (message: unknown): Uint8Array => packr.pack(message);
export const unpackGeneral = (bytes: Uint8Array): unknown => packr.unpack(bytes);

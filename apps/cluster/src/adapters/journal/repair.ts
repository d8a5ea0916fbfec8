/**
 * Writing a damaged record again, in its place, from bytes that somebody else has kept.
 *
 * Nothing is believed: bytes are written only if the journal's own hash chain leads through them to an intact record behind (or to the
 * beginning of the next segment), or if they fit the record's own checksum and length. A stretch of records whose headers are gone
 * too can only be judged as a whole: candidates are kept (bounded) until all of it have one.
 */
import { join } from "node:path";
import { encodeArchive } from "./archive-format.ts";
import { type JournalDisk, writeFully } from "./disk.ts";
import { publishFile } from "./publish-file.ts";
import type { SegmentKind } from "./segment-catalogue.ts";
import {
  decodeRecord,
  encodeRecord,
  nextChain,
  RECORD_HEADER_BYTES,
  recordBytes,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  storedChain,
} from "./segment-format.ts";
import { fileNameOf, loadSegmentFile } from "./segment-load.ts";
import { type ScannedRecord, type SegmentClosing, scanRecords } from "./segment-scan.ts";

const PENDING_BYTES_MAX = 16 * 1024 * 1024;

export interface RepairPlace {
  readonly segmentNumber: number;
  readonly kind: SegmentKind;
  readonly firstRecord: number;
  /** Where the records of the segment end, as far as they are written. */
  readonly closing: SegmentClosing;
}

/** Candidates for records that cannot be judged alone, by record number. */
export class RepairCandidates {
  readonly #payloads = new Map<number, Uint8Array>();
  #bytes = 0;

  get(record: number): Uint8Array | undefined {
    return this.#payloads.get(record);
  }

  keep(record: number, payload: Uint8Array): void {
    this.delete(record);
    this.#payloads.set(record, Uint8Array.from(payload));
    this.#bytes += payload.length;
    for (const oldest of this.#payloads.keys()) {
      if (this.#bytes <= PENDING_BYTES_MAX) break;
      this.delete(oldest);
    }
  }

  delete(record: number): void {
    this.#bytes -= this.#payloads.get(record)?.length ?? 0;
    this.#payloads.delete(record);
  }
}

interface Segment {
  readonly header: SegmentHeader;
  readonly bytes: Buffer;
  readonly records: readonly ScannedRecord[];
  readonly closing: SegmentClosing;
}

/** A stretch of records [from, through] to be written at `offset`. */
interface Stretch {
  readonly from: number;
  readonly through: number;
  readonly offset: number;
  readonly payloads: readonly Uint8Array[];
}

/**
 * Repairs one record. True: the record on disk is intact and is `payload`. False: these are not its bytes, or they can be judged
 * only together with their damaged neighbours. Throws the system's errors.
 */
export async function repairRecord(
  disk: JournalDisk,
  directory: string,
  place: RepairPlace,
  record: number,
  payload: Uint8Array,
  candidates: RepairCandidates,
): Promise<boolean> {
  const { header, bytes } = await loadSegmentFile(disk, directory, place);
  const records = [...scanRecords(bytes, header, place.closing)];
  const segment: Segment = { header, bytes, records, closing: place.closing };
  const index = record - place.firstRecord;
  const current = records[index]?.payload;
  if (current !== undefined && Buffer.compare(current, payload) === 0) return true;
  candidates.keep(record, payload);
  const stretch = judgeAlone(segment, index, payload) ?? judgeTogether(segment, place, index, candidates);
  if (stretch === undefined) return false;
  await writeStretch(disk, directory, place, segment, stretch);
  for (let done = stretch.from; done <= stretch.through; done++) candidates.delete(place.firstRecord + done);
  return true;
}

/** By its own header, when only the payload is damaged, or by the chain to the record behind it. */
function judgeAlone(segment: Segment, index: number, payload: Uint8Array): Stretch | undefined {
  const offset = segment.records[index]?.offset;
  if (offset === undefined) return undefined;
  const stretch = { from: index, through: index, offset, payloads: [payload] };
  return fitsOwnHeader(segment, stretch, payload) || isChained(segment, stretch) ? stretch : undefined;
}

/** A checksum alone could be matched by somebody who wants to deceive; the chain value in the header cannot. */
function fitsOwnHeader(segment: Segment, { from, offset }: Stretch, payload: Uint8Array): boolean {
  const { header, bytes } = segment;
  if (offset + RECORD_HEADER_BYTES > bytes.length || bytes.readUInt32LE(offset) !== payload.length) return false;
  const whole = Buffer.concat([bytes.subarray(offset, offset + RECORD_HEADER_BYTES), payload]);
  if (decodeRecord(whole, 0, offset, header.salt) === undefined) return false;
  const chain = chainBefore(segment, from);
  return chain !== undefined && nextChain(chain, payload).equals(storedChain(bytes, offset));
}

/** The chain value before a record, as the header of the one before it says; undefined if nothing tells where that one is. */
function chainBefore({ header, bytes, records }: Segment, index: number): Uint8Array | undefined {
  if (index === 0) return header.startChain;
  const offset = records[index - 1]?.offset;
  return offset === undefined || offset + RECORD_HEADER_BYTES > bytes.length ? undefined : storedChain(bytes, offset);
}

/** The whole stretch of damaged records around one, if there is a candidate for each. */
function judgeTogether(
  segment: Segment,
  place: RepairPlace,
  index: number,
  candidates: RepairCandidates,
): Stretch | undefined {
  const { records } = segment;
  const isDamaged = (at: number): boolean => records[at] !== undefined && records[at]?.payload === undefined;
  let [from, through] = [index, index];
  while (isDamaged(from - 1)) from--;
  while (isDamaged(through + 1)) through++;
  const offset = records[from]?.offset;
  if (offset === undefined) return undefined;
  const payloads: Uint8Array[] = [];
  for (let at = from; at <= through; at++) {
    const payload = candidates.get(place.firstRecord + at);
    if (payload === undefined) return undefined;
    payloads.push(payload);
  }
  const stretch = { from, through, offset, payloads };
  if (isChained(segment, stretch)) return stretch;
  // One of them is wrong and nothing tells which: all are asked for again.
  for (let at = from; at <= through; at++) candidates.delete(place.firstRecord + at);
  return undefined;
}

/** Whether the chain leads from the record before the stretch through it to what is behind it, and it takes exactly the room there is. */
function isChained(segment: Segment, { from, through, offset, payloads }: Stretch): boolean {
  const { header, bytes, records, closing } = segment;
  let chain = chainBefore(segment, from);
  if (chain === undefined) return false;
  let end = offset;
  for (const payload of payloads) {
    chain = nextChain(chain, payload);
    end += recordBytes(payload.length);
  }
  if (through + 1 === closing.records) {
    return end <= header.segmentBytes && Buffer.compare(chain, closing.chain) === 0;
  }
  const next = records[through + 1]?.offset;
  const following = next === undefined ? undefined : decodeRecord(bytes, next, next, header.salt);
  if (next === undefined || following === undefined || next !== end) return false;
  return nextChain(chain, following).equals(storedChain(bytes, next));
}

async function writeStretch(
  disk: JournalDisk,
  directory: string,
  place: RepairPlace,
  segment: Segment,
  stretch: Stretch,
): Promise<void> {
  const { header } = segment;
  const chain = Buffer.from(chainBefore(segment, stretch.from) ?? header.startChain);
  const length = stretch.payloads.reduce((sum, payload) => sum + recordBytes(payload.length), 0);
  const patch = Buffer.alloc(length);
  const offsets: number[] = [];
  let at = 0;
  for (const [step, payload] of stretch.payloads.entries()) {
    const offset = stretch.offset + at;
    // What was before it is durable: whoever reads it after a crash must not take it for a torn write.
    const recordPlace = { salt: header.salt, offset, index: stretch.from + step, durableThrough: offset };
    encodeRecord(patch, at, payload, recordPlace, chain);
    offsets.push(offset);
    at += recordBytes(payload.length);
  }
  const path = join(directory, fileNameOf(place));
  if (place.kind === "segment") {
    const descriptor = await disk.open(path, "r+");
    try {
      await writeFully(disk, descriptor, patch, length, stretch.offset);
      await disk.dataSync(descriptor);
    } finally {
      await disk.close(descriptor);
    }
    return;
  }
  await publishFile(disk, directory, fileNameOf(place), [await archiveAnew(segment, stretch, patch, offsets)]);
}

/** The archive with the stretch in its place. Other damaged records stay what they are. */
async function archiveAnew(segment: Segment, stretch: Stretch, patch: Buffer, offsets: number[]): Promise<Buffer> {
  const { records, bytes } = segment;
  const end = stretch.offset + patch.length;
  const whole = Buffer.alloc(Math.max(bytes.length, end));
  bytes.copy(whole, 0);
  patch.copy(whole, stretch.offset);
  const all: number[] = [];
  for (const [index, { offset }] of records.entries()) {
    const repaired = offsets[index - stretch.from];
    // A record whose place is unknown gets the place before it: the block then begins earlier and is gone through by headers.
    all.push(repaired ?? offset ?? all.at(-1) ?? SEGMENT_HEADER_BYTES);
  }
  const lastIsRepaired = stretch.through + 1 === records.length;
  return encodeArchive(whole, all, lastIsRepaired ? end : bytes.length);
}

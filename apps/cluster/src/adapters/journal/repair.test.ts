import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/temporary-directory.ts";
import { waitUntil } from "../testing/wait.ts";
import { archiveFileName } from "./archive-format.ts";
import { type Journal, type JournalOptions, locateRecord, openJournal } from "./index.ts";
import {
  decodeSegmentHeader,
  encodeRecord,
  RECORD_HEADER_BYTES,
  segmentFileName,
  storedChain,
} from "./segment-format.ts";

const SEGMENT_BYTES = 65_536;
const COUNT = 600;
let scratch: TemporaryDirectory;
let directory: string;
let journal: Journal;

const payload = (index: number): Buffer => Buffer.alloc(100 + (index % 200), `record ${index} `);

beforeEach(() => {
  scratch = temporaryDirectory();
  directory = join(scratch.path, "journal");
});

afterEach(async () => {
  await journal.close();
  scratch.remove();
});

/** A journal of three segments; the last record is in the third. */
async function filled(options: Partial<JournalOptions> = {}): Promise<Journal> {
  journal = await openJournal({ directory, segmentBytes: SEGMENT_BYTES, ...options });
  for (let index = 0; index < COUNT - 1; index++) journal.append(payload(index));
  await new Promise((resolve) => journal.append(payload(COUNT - 1), "synced", resolve));
  return journal;
}

async function flip(number: number, distance: number, bytes: number): Promise<void> {
  const place = await locateRecord(directory, number);
  if (place === undefined) throw new Error(`record ${number} is not there`);
  overwrite(place.path, place.offset + distance, bytes);
}

function overwrite(path: string, at: number, bytes: number): void {
  const whole = readFileSync(path);
  const descriptor = openSync(path, "r+");
  const flipped = Buffer.from(whole.subarray(at, at + bytes).map((byte) => byte ^ 0xff));
  writeSync(descriptor, flipped, 0, bytes, at);
  closeSync(descriptor);
}

async function expectIntact(): Promise<void> {
  const all = await Promise.all(Array.from({ length: COUNT }, (_, index) => journal.read(index)));
  expect(all.flatMap((bytes, index) => (payload(index).equals(bytes) ? [] : [index]))).toEqual([]);
}

describe("repair of a journal", () => {
  for (const [where, number] of [
    ["in an old segment", 50],
    ["first of a journal", 0],
    ["in the segment that is written to", COUNT - 40],
    ["last of a journal", COUNT - 1],
  ] as const) {
    it(`puts the right bytes back in place: ${where}`, async () => {
      await filled();
      const { path } = (await locateRecord(directory, number)) ?? { path: "" };
      const before = readFileSync(path);
      await flip(number, 3, 20);
      await expect(journal.read(number)).rejects.toMatchObject({ code: "JOURNAL_DAMAGED" });
      expect(await journal.repair(number, payload(number))).toBe(true);
      await expectIntact();
      // The repaired record says of itself when it was written anew; nothing else has changed.
      expect(readFileSync(path).length).toBe(before.length);
      await journal.close();
      journal = await openJournal({ directory, segmentBytes: SEGMENT_BYTES });
      expect(journal.records).toBe(COUNT);
      await expectIntact();
    });
  }

  it("refuses every other bytes, and then still takes the right ones", async () => {
    await filled();
    await flip(50, 3, 20);
    const other = payload(50);
    other[7] = (other[7] ?? 0) ^ 1;
    expect(await journal.repair(50, other)).toBe(false);
    expect(await journal.repair(50, payload(51))).toBe(false);
    expect(await journal.repair(50, Buffer.alloc(0))).toBe(false);
    await expect(journal.read(50)).rejects.toMatchObject({ code: "JOURNAL_DAMAGED" });
    expect(await journal.repair(50, payload(50))).toBe(true);
    await expectIntact();
  });

  it("changes nothing about an intact record", async () => {
    await filled();
    expect(await journal.repair(50, payload(50))).toBe(true);
    expect(await journal.repair(50, payload(51))).toBe(false);
    expect(await journal.repair(COUNT + 5, payload(51))).toBe(false);
    await expectIntact();
  });

  it("repairs a record whose header is gone too, by the chain to the next", async () => {
    await filled();
    await flip(50, -RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + 10);
    expect(await journal.repair(50, payload(50))).toBe(true);
    await expectIntact();
  });

  it("repairs a stretch of records of which nothing is left once all their bytes are known", async () => {
    await filled();
    await flip(50, -RECORD_HEADER_BYTES, 1_000);
    expect(await journal.repair(52, payload(52))).toBe(false);
    expect(await journal.repair(50, payload(50))).toBe(false);
    for (const number of [51, 53, 54, 55]) await journal.repair(number, payload(number));
    await expectIntact();
  });

  it("gives a stretch up when one of its candidates is wrong, and repairs it from the right ones afterwards", async () => {
    await filled();
    await flip(50, -RECORD_HEADER_BYTES, 500);
    const wrong = payload(51);
    wrong[0] = 0;
    for (const [number, bytes] of [
      [50, payload(50)],
      [51, wrong],
      [52, payload(52)],
    ] as const)
      expect(await journal.repair(number, bytes)).toBe(false);
    const done: boolean[] = [];
    for (const number of [50, 51, 52, 53]) done.push(await journal.repair(number, payload(number)));
    expect(done.at(-1)).toBe(true);
    await expectIntact();
  });

  it("puts the original back in the place of a record that somebody forged with checksum and chain", async () => {
    await filled();
    const place = await locateRecord(directory, 50);
    const path = place?.path ?? "";
    const at = (place?.offset ?? 0) - RECORD_HEADER_BYTES;
    const bytes = readFileSync(path);
    const header = decodeSegmentHeader(bytes);
    if (header === undefined) throw new Error("no header");
    const before = await locateRecord(directory, 49);
    const chain = Buffer.from(storedChain(bytes, (before?.offset ?? 0) - RECORD_HEADER_BYTES));
    const forged = payload(50).fill("forged ");
    encodeRecord(bytes, at, forged, { salt: header.salt, offset: at, index: 50, durableThrough: at }, chain);
    writeFileSync(path, bytes);
    expect(await journal.read(50)).toEqual(forged);
    expect(await journal.repair(50, payload(50))).toBe(true);
    await expectIntact();
  });

  it("repairs the block of an archive that holds many records, from all of them", async () => {
    await filled({ keepSegments: 0 });
    const archive = join(directory, archiveFileName(1));
    await waitUntil(() => existsSync(archive) && !existsSync(join(directory, segmentFileName(1))), "the archive");
    await expectIntact();
    const place = await locateRecord(directory, 10);
    expect(place?.path).toBe(archive);
    overwrite(archive, (place?.offset ?? 0) + 50, 8);
    await expect(journal.read(10)).rejects.toMatchObject({ code: "JOURNAL_DAMAGED" });
    const damaged: number[] = [];
    for (let index = 0; index < COUNT; index++)
      await journal.read(index).catch(() => {
        damaged.push(index);
      });
    const results = new Set<boolean>();
    for (const number of damaged) results.add(await journal.repair(number, payload(number)));
    expect(results).toEqual(new Set([false, true]));
    await expectIntact();
  });
});

import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/temporary-directory.ts";
import { JournalDamagedError, locateRecord, openJournal, type RecordLocation, readJournalDirectory } from "./index.ts";
import { RECORD_HEADER_BYTES, segmentFileName } from "./segment-format.ts";

const SEGMENT_BYTES = 8_192;
const RECORD_BYTES = RECORD_HEADER_BYTES + 104;
let scratch: TemporaryDirectory;
let directory: string;

beforeEach(() => {
  scratch = temporaryDirectory();
  directory = join(scratch.path, "journal");
});

afterEach(() => scratch.remove());

/** Appends records one batch after another (so that each relies on the ones before) and returns their numbers. */
async function write(count: number, from = 0, batch = 1): Promise<number[]> {
  const journal = await openJournal({ directory, segmentBytes: SEGMENT_BYTES });
  const numbers: number[] = [];
  for (let index = 0; index < count; index++) {
    const payload = Buffer.alloc(100, `record ${from + index} `);
    const synced = new Promise<number>((resolve) => numbers.push(journal.append(payload, "synced", resolve)));
    if ((index + 1) % batch === 0) await synced;
  }
  await journal.close();
  return numbers;
}

/** What each record says; undefined: damaged. */
async function contents(): Promise<(string | undefined)[]> {
  const journal = await openJournal({ directory, segmentBytes: SEGMENT_BYTES });
  const records: (string | undefined)[] = [];
  await journal
    .replay(0, ({ first, payloads }) => {
      expect(first).toBe(records.length);
      for (const payload of payloads)
        records.push(payload && (/^record \d+/.exec(Buffer.from(payload).toString())?.[0] ?? "forged"));
    })
    .finally(() => journal.close());
  return records;
}

async function place(number: number): Promise<RecordLocation> {
  const location = await locateRecord(directory, number);
  if (location === undefined) throw new Error(`record ${number} is not there`);
  return location;
}

/** Overwrites bytes of a record, `distance` bytes from the start of its header. */
async function damage(number: number, distance: number, bytes: Uint8Array): Promise<void> {
  const { path, offset } = await place(number);
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, offset - RECORD_HEADER_BYTES + distance);
  closeSync(descriptor);
}

const expected = (count: number, damaged: readonly number[] = []) =>
  Array.from({ length: count }, (_, index) => (damaged.includes(index) ? undefined : `record ${index}`));

async function failure(): Promise<JournalDamagedError> {
  const error = await contents().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(JournalDamagedError);
  return error as JournalDamagedError;
}

describe("recovery of a journal", () => {
  for (const [what, distance] of [
    ["payload", 48],
    ["checksum", 4],
    ["length", 0],
    ["salt", 12],
    ["index", 16],
    ["chain", 28],
  ] as const) {
    it(`cuts a last record whose ${what} is torn, keeps all before it, and appends in its place`, async () => {
      await write(10);
      await damage(9, distance, Buffer.from([0x5a, 0xa5, 0x5a, 0x3c]));
      expect(await contents()).toEqual(expected(9));
      expect(await write(1, 77)).toEqual([9]);
      expect((await contents()).at(-1)).toBe("record 77");
    });

    it(`reports a middle record whose ${what} has rotted by its number, cuts nothing, and reads all the others`, async () => {
      await write(20);
      const { path } = await place(5);
      await damage(5, distance, Buffer.from([0x5a, 0xa5, 0x5a, 0x3c]));
      const before = readFileSync(path);
      expect(await contents()).toEqual(expected(20, [5]));
      expect(readFileSync(path)).toEqual(before);
      expect(await write(1, 20)).toEqual([20]);
      expect(await contents()).toEqual(expected(21, [5]));
    });
  }

  it("cuts a whole batch of which only later records reached the disk", async () => {
    await write(20, 0, 10);
    await damage(12, 0, Buffer.alloc(RECORD_BYTES));
    expect(await contents()).toEqual(expected(12));
    await write(1, 12);
    expect(await contents()).toHaveLength(13);
  });

  it("keeps the numbers of what lies behind a stretch of records of which nothing is left", async () => {
    await write(200);
    await damage(5, 30, Buffer.alloc(7 * RECORD_BYTES, 0xaa));
    expect(await contents()).toEqual(expected(200, [5, 6, 7, 8, 9, 10, 11, 12]));
    const journal = await openJournal({ directory, segmentBytes: SEGMENT_BYTES });
    await expect(journal.read(8)).rejects.toMatchObject({ code: "JOURNAL_DAMAGED", message: /record 8 / });
    expect(Buffer.from(await journal.read(13)).toString()).toContain("record 13");
    await journal.close();
  });

  it("reports damage in an earlier segment, even of its last record, and records that vanished from its end", async () => {
    await write(200);
    const inFirst: number[] = [];
    for (let number = 0; number < 200; number++) {
      if (basename((await place(number)).path) === segmentFileName(1)) inFirst.push(number);
    }
    const last = inFirst.at(-1) as number;
    await damage(last, 50, Buffer.from([1]));
    expect(await contents()).toEqual(expected(200, [last]));
    const { path, offset } = await place(last - 1);
    truncateSync(path, offset - RECORD_HEADER_BYTES);
    expect(await contents()).toEqual(expected(200, [last - 1, last]));
  });

  it("reports a record that was replaced by an intact one from another place", async () => {
    await write(20);
    const { path, offset } = await place(3);
    const from = offset - RECORD_HEADER_BYTES;
    await damage(7, 0, readFileSync(path).subarray(from, from + RECORD_BYTES));
    expect(await contents()).toEqual(expected(20, [7]));
  });

  for (const [which, name] of [
    ["first", segmentFileName(1)],
    ["a middle", segmentFileName(2)],
    ["the last", segmentFileName(6)],
  ] as const) {
    it(`makes the rotten header of ${which} segment again from what is beside it`, async () => {
      await write(300);
      const path = join(directory, name);
      const before = readFileSync(path);
      const rotten = Buffer.from(before);
      rotten.fill(0x77, 3, 60);
      writeFileSync(path, rotten);
      expect(await contents()).toEqual(expected(300));
      expect(readFileSync(path).subarray(0, 64)).toEqual(before.subarray(0, 64));
    });
  }

  it("refuses a journal with a missing segment, a missing beginning, or a header that nothing tells", async () => {
    await write(300);
    writeFileSync(join(directory, "unrelated.txt"), "not a segment");
    const second = join(directory, segmentFileName(2));
    const saved = readFileSync(second);
    rmSync(second);
    expect(await failure()).toMatchObject({ segment: "0000000002.segment", message: /missing/ });
    writeFileSync(second, saved);
    const first = join(directory, segmentFileName(1));
    const beginning = readFileSync(first);
    rmSync(first);
    expect(await failure()).toMatchObject({ segment: "0000000001.segment", message: /beginning/ });
    writeFileSync(first, beginning);
    saved[20] = 9;
    // Its first record does not follow from the segment before it either.
    saved[64 + 40] = 0;
    writeFileSync(second, saved);
    expect(await failure()).toMatchObject({ segment: "0000000002.segment", message: /header is wrong/ });
  });

  it("refuses segments of two journals in one folder", async () => {
    await write(150);
    const second = readFileSync(join(directory, segmentFileName(2)));
    rmSync(directory, { recursive: true });
    await write(150);
    writeFileSync(join(directory, segmentFileName(2)), second);
    expect(await failure()).toMatchObject({ segment: "0000000002.segment", message: /another journal/ });
  });

  it("opens a last segment that lost its preallocated end", async () => {
    await write(10);
    const { path, offset, bytes } = await place(9);
    truncateSync(path, offset + bytes);
    await write(1, 10);
    expect(await contents()).toHaveLength(11);
  });

  it("starts over with a half-prepared next segment and with drafts that a crash left behind", async () => {
    await write(5);
    writeFileSync(join(directory, "prepared.tmp"), Buffer.alloc(100, 1));
    writeFileSync(join(directory, "0000000001.archive.draft"), Buffer.alloc(100, 1));
    await write(200, 5);
    expect(await contents()).toEqual(expected(205));
    expect(readdirSync(directory).filter((name) => name.endsWith(".draft"))).toEqual([]);
  });

  it("reads offline without changing a byte, stopping before a torn end", async () => {
    await write(10);
    const { path } = await place(9);
    await damage(9, 48, Buffer.from([1]));
    const before = readFileSync(path);
    const names = readdirSync(directory);
    const seen: number[] = [];
    for await (const { number } of readJournalDirectory(directory)) seen.push(number);
    expect(seen).toEqual(Array.from({ length: 9 }, (_, index) => index));
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(directory)).toEqual(names);
  });

  it("is not deceived by a payload that imitates records, at the end or in the middle", async () => {
    await write(3);
    const { path, offset } = await place(0);
    const stolen = readFileSync(path).subarray(offset - RECORD_HEADER_BYTES);
    const forged = Buffer.from(stolen.subarray(0, 2 * RECORD_BYTES));
    forged.writeUInt32LE(0xffff, 8);
    const journal = await openJournal({ directory, segmentBytes: SEGMENT_BYTES });
    const number = journal.append(forged);
    await journal.close();
    await damage(number, 4, Buffer.from([1, 2, 3, 4]));
    expect(await contents()).toEqual(expected(3));
    const again = await openJournal({ directory, segmentBytes: SEGMENT_BYTES });
    await new Promise((resolve) => again.append(forged, "synced", resolve));
    await again.close();
    await write(2, 4);
    await damage(3, 4, Buffer.from([1, 2, 3, 4]));
    expect(await contents()).toEqual(expected(6, [3]));
  });
});

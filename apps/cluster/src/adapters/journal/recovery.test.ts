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
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/temporary-directory.ts";
import { JournalDamagedError, openJournal, readJournalDirectory } from "./index.ts";
import { offsetOf, segmentFileName, segmentNumberOf } from "./segment-format.ts";

const SEGMENT_BYTES = 8_192;
let scratch: TemporaryDirectory;
let directory: string;

beforeEach(() => {
  scratch = temporaryDirectory();
  directory = join(scratch.path, "journal");
});

afterEach(() => scratch.remove());

/** Appends records one batch after another (so that each relies on the ones before) and returns their positions. */
async function write(count: number, from = 0, batch = 1): Promise<number[]> {
  const journal = await openJournal({ directory, segmentBytes: SEGMENT_BYTES });
  const positions: number[] = [];
  for (let index = 0; index < count; index++) {
    const payload = Buffer.alloc(100, `record ${from + index} `);
    const synced = new Promise<number>((resolve) => positions.push(journal.append(payload, "synced", resolve)));
    if ((index + 1) % batch === 0) await synced;
  }
  await journal.close();
  return positions;
}

async function contents(): Promise<string[]> {
  const journal = await openJournal({ directory, segmentBytes: SEGMENT_BYTES });
  const records: string[] = [];
  await journal
    .replay((payload) => {
      records.push(/^record \d+/.exec(Buffer.from(payload).toString())?.[0] ?? "forged");
    })
    .finally(() => journal.close());
  return records;
}

function fileOf(position: number): string {
  return join(directory, segmentFileName(segmentNumberOf(position)));
}

/** Overwrites bytes of the record at a position, `distance` bytes from its start. */
function damage(position: number, distance: number, bytes: Uint8Array): void {
  const descriptor = openSync(fileOf(position), "r+");
  writeSync(descriptor, bytes, 0, bytes.length, offsetOf(position) + distance);
  closeSync(descriptor);
}

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
    ["payload", 40],
    ["checksum", 4],
    ["length", 0],
    ["salt", 12],
    ["chain", 20],
  ] as const) {
    it(`cuts a last record whose ${what} is torn, keeps all before it, and appends in its place`, async () => {
      const positions = await write(10);
      damage(positions[9] as number, distance, Buffer.from([0x5a, 0xa5, 0x5a, 0x3c]));
      expect(await contents()).toEqual(Array.from({ length: 9 }, (_, index) => `record ${index}`));
      expect(await write(1, 77)).toEqual([positions[9]]);
      expect((await contents()).at(-1)).toBe("record 77");
    });
  }

  it("cuts a whole batch of which only later records reached the disk", async () => {
    const positions = await write(20, 0, 10);
    damage(positions[12] as number, 0, Buffer.alloc(132));
    expect(await contents()).toEqual(Array.from({ length: 12 }, (_, index) => `record ${index}`));
    await write(1, 12);
    expect(await contents()).toHaveLength(13);
  });

  it("reports damage that later records prove to have been durable, naming segment and offset, and cuts nothing", async () => {
    const positions = await write(20);
    const damaged = positions[5] as number;
    damage(damaged, 40, Buffer.from([1]));
    const before = readFileSync(fileOf(damaged));
    const error = await failure();
    expect(error).toMatchObject({ code: "JOURNAL_DAMAGED", segment: "0000000001.segment", offset: offsetOf(damaged) });
    expect(error.message).toContain(`0000000001.segment is damaged at offset ${offsetOf(damaged)}`);
    expect(readFileSync(fileOf(damaged))).toEqual(before);
  });

  it("reports damage in an earlier segment, even of its last record", async () => {
    const positions = await write(200);
    const inFirst = positions.filter((position) => segmentNumberOf(position) === 1);
    damage(inFirst.at(-1) as number, 50, Buffer.from([1]));
    expect(await failure()).toMatchObject({
      segment: "0000000001.segment",
      offset: offsetOf(inFirst.at(-1) as number),
    });
  });

  it("reports records that vanished from the end of an earlier segment", async () => {
    const positions = await write(200);
    const inSecond = positions.filter((position) => segmentNumberOf(position) === 2);
    damage(inSecond.at(-1) as number, 0, Buffer.alloc(136));
    expect(await failure()).toMatchObject({ segment: "0000000003.segment", message: /records are missing/ });
  });

  it("reports a record that was replaced by an intact one from another place", async () => {
    const positions = await write(20);
    const bytes = readFileSync(fileOf(positions[0] as number));
    const from = offsetOf(positions[3] as number);
    damage(positions[7] as number, 0, bytes.subarray(from, from + 132));
    expect(await failure()).toMatchObject({ offset: offsetOf(positions[7] as number) });
  });

  it("reports a missing segment and a wrong segment header", async () => {
    const positions = await write(300);
    writeFileSync(join(directory, "unrelated.txt"), "not a segment");
    const second = join(directory, segmentFileName(2));
    const saved = readFileSync(second);
    rmSync(second);
    expect(await failure()).toMatchObject({ segment: "0000000002.segment", message: /missing/ });
    saved[20] = 9;
    writeFileSync(second, saved);
    expect(await failure()).toMatchObject({ segment: "0000000002.segment", message: /header is wrong/ });
    expect(positions).toHaveLength(300);
  });

  it("opens a last segment that lost its preallocated end", async () => {
    const positions = await write(10);
    truncateSync(fileOf(positions[9] as number), offsetOf(positions[9] as number) + 132);
    await write(1, 10);
    expect(await contents()).toHaveLength(11);
  });

  it("starts over with a half-prepared next segment that a crash left behind", async () => {
    await write(5);
    writeFileSync(join(directory, "prepared.tmp"), Buffer.alloc(100, 1));
    await write(200, 5);
    expect(await contents()).toHaveLength(205);
  });

  it("reads offline without changing a byte, stopping before a torn end", async () => {
    const positions = await write(10);
    damage(positions[9] as number, 40, Buffer.from([1]));
    const before = readFileSync(fileOf(positions[9] as number));
    const names = readdirSync(directory);
    const seen: number[] = [];
    for await (const { position } of readJournalDirectory(directory)) seen.push(position);
    expect(seen).toEqual(positions.slice(0, 9));
    expect(readFileSync(fileOf(positions[9] as number))).toEqual(before);
    expect(readdirSync(directory)).toEqual(names);
  });

  it("is not deceived by a payload that imitates records", async () => {
    const positions = await write(3);
    const stolen = readFileSync(fileOf(positions[0] as number)).subarray(offsetOf(positions[0] as number));
    const journal = await openJournal({ directory, segmentBytes: SEGMENT_BYTES });
    const forged = Buffer.from(stolen.subarray(0, 264));
    forged.writeUInt32LE(0xffff, 8);
    const position = journal.append(forged);
    await journal.close();
    damage(position, 4, Buffer.from([1, 2, 3, 4]));
    expect(await contents()).toHaveLength(3);
  });
});

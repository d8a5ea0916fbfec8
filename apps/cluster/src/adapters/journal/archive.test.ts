import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { useJournalFolder } from "../testing/journal-folder.test-support.ts";
import { waitUntil } from "../testing/wait.ts";
import { type Journal, type JournalDisk, type JournalOptions, openJournal, realDisk } from "./index.ts";

const SEGMENT_BYTES = 16_384;
const folder = useJournalFolder();

const payload = (index: number): Buffer => Buffer.alloc(60 + (index % 200), `record ${index} `);

async function open(options: Partial<JournalOptions> = {}): Promise<Journal> {
  return folder.opened(await openJournal({ directory: folder.directory, segmentBytes: SEGMENT_BYTES, ...options }));
}

async function fill(journal: Journal, through: number): Promise<void> {
  for (let index = journal.records; index < through - 1; index++) journal.append(payload(index));
  await new Promise((resolve) => journal.append(payload(through - 1), "synced", resolve));
}

async function expectAll(journal: Journal, count: number): Promise<void> {
  const read = await Promise.all(Array.from({ length: count }, (_, index) => journal.read(index)));
  const isRight = (bytes: Uint8Array | undefined, index: number) => bytes && payload(index).equals(bytes);
  expect(read.flatMap((bytes, index) => (isRight(bytes, index) ? [] : [index]))).toEqual([]);
  const wrong: number[] = [];
  await journal.replay(0, ({ first, payloads }) => {
    for (const [index, bytes] of payloads.entries()) if (!isRight(bytes, first + index)) wrong.push(first + index);
  });
  expect(wrong).toEqual([]);
}

const files = (kind: string): string[] => readdirSync(folder.directory).filter((name) => name.endsWith(`.${kind}`));

describe("archive of a journal", () => {
  it("compresses closed segments beyond the number to keep, and every record stays readable, also after reopening", async () => {
    const journal = await open({ keepSegments: 2 });
    await fill(journal, 800);
    await waitUntil(() => files("segment").length === 3, "the archive");
    expect(files("archive").length).toBeGreaterThan(3);
    for (const name of files("archive"))
      expect(statSync(join(folder.directory, name)).size).toBeLessThan(SEGMENT_BYTES / 4);
    await expectAll(journal, 800);
    await journal.close();
    const reopened = await open({ keepSegments: 2 });
    await expectAll(reopened, 800);
    await fill(reopened, 900);
    await waitUntil(() => files("segment").length === 3, "more archives");
    await expectAll(reopened, 900);
  });

  it("makes the rotten header of an archive again", async () => {
    const filled = await open();
    await fill(filled, 300);
    await filled.close();
    const journal = await open({ keepSegments: 0 });
    await waitUntil(() => files("segment").length === 1, "the archive");
    await journal.close();
    const path = join(folder.directory, "0000000002.archive");
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.from(bytes).fill(0x77, 8, 40));
    await expectAll(await open(), 300);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it("compresses by age, as soon as the journal is opened", async () => {
    const filled = await open();
    await fill(filled, 400);
    await filled.close();
    const old = files("segment").sort().slice(0, 2);
    const longAgo = Date.now() / 1000 - 3_600;
    for (const name of old) utimesSync(join(folder.directory, name), longAgo, longAgo);
    const journal = await open({ retentionMs: 60_000 });
    await waitUntil(() => files("archive").length === 2 && files("draft").length === 0, "the archive");
    await waitUntil(() => old.every((name) => !files("segment").includes(name)), "the originals are gone");
    await expectAll(journal, 400);
  });

  it("keeps records larger than a block, and records no compression makes smaller", async () => {
    const journal = await open({ segmentBytes: 1_048_576, keepSegments: 0 });
    const large = Array.from({ length: 12 }, (_, index) => randomBytesOf(index, 150_000 + index));
    for (const bytes of large) journal.append(bytes);
    await new Promise((resolve) => journal.append(payload(0), "synced", resolve));
    await waitUntil(() => files("archive").length === 1 && files("segment").length === 1, "the archive");
    for (const [index, bytes] of large.entries()) expect(bytes.equals(await journal.read(index))).toBe(true);
  });

  it("loses nothing and stays readable when it is cut off at any operation of the disk", async () => {
    const filled = await open();
    await fill(filled, 300);
    await filled.close();
    const closed = files("segment").length - 1;
    for (let allowed = 0; ; allowed++) {
      const dying = dyingDisk(allowed);
      const failures: Error[] = [];
      const opening = openJournal({
        directory: folder.directory,
        segmentBytes: SEGMENT_BYTES,
        keepSegments: 0,
        disk: dying.disk,
        onArchiveFailure: (error) => failures.push(error),
      });
      const journal = await opening;
      await waitUntil(() => failures.length > 0 || files("segment").length === 1, "the end of the work");
      await journal.close();
      const check = await open();
      await expectAll(check, 300);
      await check.close();
      expect(files("draft")).toEqual([]);
      if (failures.length === 0) break;
      expect(allowed).toBeLessThan(closed * 40);
    }
    expect(files("archive")).toHaveLength(closed);
  });

  it("keeps the original when what it reads back is not what it wrote", async () => {
    const filled = await open();
    await fill(filled, 300);
    await filled.close();
    const failures: Error[] = [];
    const disk: JournalDisk = {
      ...realDisk,
      async rename(from, to) {
        if (to.endsWith(".archive")) {
          const bytes = readFileSync(from);
          bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 0x55;
          writeFileSync(from, bytes);
        }
        await realDisk.rename(from, to);
      },
    };
    const before = files("segment");
    const journal = await open({ keepSegments: 0, disk, onArchiveFailure: (error) => failures.push(error) });
    await waitUntil(() => failures.length === before.length - 1, "all attempts");
    expect(files("segment")).toEqual(before);
    expect(files("archive")).toEqual([]);
    await expectAll(journal, 300);
  });

  it("leaves a segment with a damaged record alone, archives the others, and archives it once it is repaired", async () => {
    const filled = await open();
    await fill(filled, 300);
    await filled.close();
    const first = join(folder.directory, "0000000001.segment");
    const bytes = readFileSync(first);
    bytes[64 + 40 + 5] = 0;
    writeFileSync(first, bytes);
    const failures: Error[] = [];
    const journal = await open({ keepSegments: 0, onArchiveFailure: (error) => failures.push(error) });
    await waitUntil(() => files("segment").length === 2, "the others are archived");
    expect(files("segment")).toContain("0000000001.segment");
    expect(failures).toMatchObject([{ code: "JOURNAL_DAMAGED" }]);
    expect(await journal.repair(0, payload(0))).toBe(true);
    await waitUntil(() => files("segment").length === 1, "the first is archived");
    await expectAll(journal, 300);
  });
});

describe("cutting the beginning of a journal", () => {
  it("removes whole segments below the number, keeps the numbers of the rest, and remembers it after reopening", async () => {
    const journal = await open({ mayBeCut: true, keepSegments: 1 });
    await fill(journal, 500);
    await waitUntil(() => files("segment").length === 2, "the archive");
    await journal.cutBefore(250);
    const { firstRecord } = journal.statistics;
    expect(firstRecord).toBeGreaterThan(100);
    expect(firstRecord).toBeLessThanOrEqual(250);
    await expect(journal.read(firstRecord - 1)).rejects.toThrow(RangeError);
    expect(await journal.read(firstRecord)).toEqual(payload(firstRecord));
    await journal.close();
    await expect(open()).rejects.toThrow("beginning of the journal is missing");
    const reopened = await open({ mayBeCut: true });
    expect(reopened.records).toBe(500);
    const starts: number[] = [];
    await reopened.replay(0, ({ first }) => {
      starts.push(first);
    });
    expect(starts[0]).toBe(firstRecord);
    await reopened.cutBefore(1_000_000);
    expect(files("segment")).toHaveLength(1);
    expect(await reopened.read(499)).toEqual(payload(499));
  });

  it("is refused where every record is kept", async () => {
    const journal = await open();
    await fill(journal, 300);
    await expect(journal.cutBefore(100)).rejects.toThrow("keeps every record");
  });
});

/** The same bytes every time, which brotli cannot make smaller. */
function randomBytesOf(seed: number, length: number): Buffer {
  let state = seed + 1;
  return Buffer.from(
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    }),
  );
}

/** A disk of which everything that has to do with archives stops working after so many operations, as in a crash. */
function dyingDisk(allowed: number): { readonly disk: JournalDisk } {
  let left = allowed;
  const archives = new Set<number>();
  const count = (): void => {
    if (left-- <= 0) throw Object.assign(new Error("EIO: the crash"), { code: "EIO" });
  };
  const disk: JournalDisk = {
    ...realDisk,
    async open(path, flags) {
      const isArchive = path.includes(".archive");
      if (isArchive && flags !== "r") count();
      const descriptor = await realDisk.open(path, flags);
      if (isArchive && flags !== "r") archives.add(descriptor);
      return descriptor;
    },
    async write(descriptor, bytes, offset, length, position) {
      if (!archives.has(descriptor)) return realDisk.write(descriptor, bytes, offset, length, position);
      count();
      return realDisk.write(descriptor, bytes, offset, Math.min(length, 700), position);
    },
    async dataSync(descriptor) {
      if (archives.has(descriptor)) count();
      await realDisk.dataSync(descriptor);
    },
    async rename(from, to) {
      if (from.includes(".archive")) count();
      await realDisk.rename(from, to);
    },
    async remove(path) {
      count();
      await realDisk.remove(path);
    },
    async close(descriptor) {
      archives.delete(descriptor);
      await realDisk.close(descriptor);
    },
  };
  return { disk };
}

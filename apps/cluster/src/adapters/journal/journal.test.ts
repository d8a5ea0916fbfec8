import { readdirSync, rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { faultyDisk } from "../testing/faulty-disk.ts";
import { useJournalFolder } from "../testing/journal-folder.test-support.ts";
import { waitUntil } from "../testing/wait.ts";
import { type Durability, type Journal, type JournalOptions, openJournal, readJournalDirectory } from "./index.ts";

const folder = useJournalFolder();

async function open(options: Partial<JournalOptions> = {}): Promise<Journal> {
  return folder.opened(await openJournal({ directory: folder.directory, segmentBytes: 65_536, ...options }));
}

function payload(index: number, length = 20 + (index % 300)): Buffer {
  return Buffer.alloc(length, `record ${index} `);
}

function append(journal: Journal, bytes: Uint8Array, durability: Durability = "synced"): Promise<number> {
  return new Promise((resolve) => journal.append(bytes, durability, resolve));
}

async function replayed(journal: Journal): Promise<string[]> {
  const records: string[] = [];
  await journal.replay(0, ({ payloads }) => {
    for (const bytes of payloads) records.push(bytes === undefined ? "damaged" : Buffer.from(bytes).toString());
  });
  return records;
}

describe("Journal", () => {
  it("gives every acknowledged record back in order after reopening, across many segments", async () => {
    const journal = await open();
    const expected: string[] = [];
    let last: Promise<number> = Promise.resolve(0);
    for (let index = 0; index < 2_000; index++) {
      expected.push(payload(index).toString());
      last = append(journal, payload(index));
      if (index % 100 === 0) await last;
    }
    await last;
    await journal.close();
    expect(readdirSync(folder.directory).filter((name) => name.endsWith(".segment")).length).toBeGreaterThan(5);
    const reopened = await open();
    expect(await replayed(reopened)).toEqual(expected);
    expect(reopened.statistics.records).toBe(2_000);
  });

  it("appends behind what it recovered, and replay shows only what was there at opening", async () => {
    const first = await open();
    await append(first, payload(1));
    await first.close();
    const second = await open();
    await append(second, payload(2));
    expect(await replayed(second)).toEqual([payload(1).toString()]);
    await second.close();
    expect(await replayed(await open())).toEqual([payload(1).toString(), payload(2).toString()]);
  });

  it("calls back in the order of the appends, with the numbers append returned, which count from 0 without a gap", async () => {
    const journal = await open();
    const returned: number[] = [];
    const called: number[] = [];
    for (let index = 0; index < 500; index++) {
      returned.push(journal.append(payload(index), "synced", (number) => called.push(number)));
    }
    expect(called).toEqual([]);
    await waitUntil(() => called.length === 500, "all callbacks");
    expect(called).toEqual(returned);
    expect(returned).toEqual(Array.from({ length: 500 }, (_, index) => index));
    await journal.close();
    expect((await open()).append(payload(0))).toBe(500);
  });

  it("makes what is queued during a sync durable with one write and one sync", async () => {
    const { disk, faults } = faultyDisk();
    const journal = await open({ disk });
    let openGate = () => {};
    faults.syncGate = new Promise((resolve) => {
      openGate = resolve;
    });
    const first = append(journal, payload(0));
    await waitUntil(() => journal.pendingBytes === 0, "the first record is written");
    const rest = Array.from({ length: 100 }, (_, index) => append(journal, payload(index, 50)));
    const before = journal.statistics;
    openGate();
    await Promise.all([first, ...rest]);
    expect(journal.statistics.writes - before.writes).toBe(1);
    expect(journal.statistics.syncs).toBe(2);
  });

  it("acknowledges a written record while the disk does not sync, and a synced one only after", async () => {
    const { disk, faults } = faultyDisk();
    const journal = await open({ disk });
    let openGate = () => {};
    faults.syncGate = new Promise((resolve) => {
      openGate = resolve;
    });
    let isSynced = false;
    const synced = append(journal, payload(0)).then(() => {
      isSynced = true;
    });
    await append(journal, payload(1), "written");
    await append(journal, payload(2), "written");
    expect(isSynced).toBe(false);
    openGate();
    await synced;
  });

  it("syncs written records without being asked, and arms no timer when there is nothing to sync", async () => {
    const journal = await open({ flushDelayMs: 5 });
    await append(journal, payload(0), "written");
    expect(journal.statistics.syncs).toBe(0);
    await waitUntil(() => journal.statistics.syncs === 1, "the flush");
    const timers = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    await append(journal, payload(1), "synced");
    expect(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length).toBeLessThanOrEqual(timers);
  });

  it("reads any record back by its number, also one that is still being written, in old and new segments", async () => {
    const journal = await open();
    for (let index = 0; index < 1_500; index++) journal.append(payload(index));
    expect(await journal.read(1_499)).toEqual(payload(1_499));
    for (let index = 0; index < 1_500; index += 37) expect(await journal.read(index)).toEqual(payload(index));
    const large = payload(7, 60_000);
    expect(await journal.read(await append(journal, large))).toEqual(large);
    expect(await journal.read(await append(journal, payload(8)))).toEqual(payload(8));
    await journal.close();
    const reopened = await open();
    for (const index of [1_499, 0, 700, 1_501]) expect((await reopened.read(index)).length).toBeGreaterThan(0);
    expect(await reopened.read(700)).toEqual(payload(700));
    expect(await reopened.read(1_500)).toEqual(large);
  });

  it("reads hundreds of records at once from more segments than it keeps open", async () => {
    const journal = await open({ segmentBytes: 4_096 });
    for (let index = 0; index < 1_000; index++) journal.append(payload(index));
    await append(journal, payload(1_000));
    await journal.close();
    const reopened = await open();
    const all = await Promise.all(Array.from({ length: 1_000 }, (_, index) => reopened.read(index)));
    expect(all).toEqual(Array.from({ length: 1_000 }, (_, index) => payload(index)));
  });

  it("refuses to read a record that was never appended", async () => {
    const journal = await open();
    await append(journal, payload(0, 100));
    for (const number of [1, -1, 0.5, Number.NaN]) await expect(journal.read(number)).rejects.toThrow(RangeError);
  });

  it("replays from any record on, in batches that say where they begin", async () => {
    const journal = await open();
    for (let index = 0; index < 3_000; index++) journal.append(payload(index));
    await journal.close();
    const reopened = await open();
    for (const from of [0, 1, 1_023, 1_024, 2_999]) {
      let next = from;
      await reopened.replay(from, async ({ first, payloads }) => {
        expect(first).toBe(next);
        for (const bytes of payloads) expect(payload(next++).equals(bytes ?? Buffer.alloc(0))).toBe(true);
      });
      expect(next).toBe(3_000);
    }
  });

  it("has an identity of its own that it keeps for ever, and that a journal made anew in its place does not have", async () => {
    const journal = await open({ segmentBytes: 4_096 });
    const { identity } = journal;
    expect(identity).toMatch(/^[0-9a-f]{32}$/);
    for (let index = 0; index < 100; index++) journal.append(payload(index));
    await journal.close();
    const reopened = await open();
    expect(reopened.identity).toBe(identity);
    await reopened.close();
    rmSync(folder.directory, { recursive: true });
    expect((await open()).identity).not.toBe(identity);
  });

  it("refuses an empty payload, one longer than a segment, and appending after close, naming what was expected", async () => {
    const journal = await open();
    expect(() => journal.append(new Uint8Array(0))).toThrow("payload is 0 bytes long, expected 1 … 65432");
    expect(() => journal.append(new Uint8Array(65_433))).toThrow("payload is 65433 bytes long");
    await append(journal, payload(3, 65_432));
    await journal.close();
    expect(() => journal.append(payload(0))).toThrow("closed journal");
    await expect(open({ segmentBytes: 100 })).rejects.toThrow("segmentBytes is 100, expected 4096");
  });

  it("lets the owner see the bytes that wait, and throws beyond the limit", async () => {
    const journal = await open({ pendingBytesMax: 10_000 });
    while (journal.pendingBytes <= 10_000) journal.append(payload(0, 1_000));
    expect(() => journal.append(payload(0))).toThrow("pendingBytes");
    await waitUntil(() => journal.pendingBytes === 0, "the queue is written");
    await append(journal, payload(1));
  });

  it("has one writer: a second one is refused while the first lives, and may open after close", async () => {
    const journal = await open();
    await expect(openJournal({ directory: folder.directory })).rejects.toMatchObject({ code: "JOURNAL_LOCKED" });
    await journal.close();
    await open();
  });

  it("can be read by another process while it is being written", async () => {
    const journal = await open();
    await append(journal, payload(1));
    const seen: string[] = [];
    for await (const { payload: bytes } of readJournalDirectory(folder.directory))
      seen.push(Buffer.from(bytes ?? []).toString());
    expect(seen).toEqual([payload(1).toString()]);
  });
});

describe("Journal on a failing disk", () => {
  it("reports EIO of a write once and acknowledges nothing any more", async () => {
    const { disk, faults } = faultyDisk();
    const failures: Error[] = [];
    const journal = await open({ disk, onFailure: (error) => failures.push(error) });
    await append(journal, payload(0));
    faults.writeError = "EIO";
    let acknowledged = 0;
    const lost = journal.append(payload(1), "written", () => acknowledged++);
    await waitUntil(() => failures.length === 1, "the failure");
    delete faults.writeError;
    journal.append(payload(2), "synced", () => acknowledged++);
    await expect(journal.read(lost)).rejects.toMatchObject({ code: "EIO" });
    await journal.close();
    expect(acknowledged).toBe(0);
    expect(failures).toMatchObject([{ code: "EIO" }]);
    expect(await replayed(await open())).toEqual([payload(0).toString()]);
  });

  it("never acknowledges a record whose sync failed, and does not try again", async () => {
    const { disk, faults } = faultyDisk();
    const failures: Error[] = [];
    const journal = await open({ disk, onFailure: (error) => failures.push(error) });
    faults.syncError = "EIO";
    let acknowledged = 0;
    journal.append(payload(0), "synced", () => acknowledged++);
    await waitUntil(() => failures.length === 1, "the failure");
    delete faults.syncError;
    journal.append(payload(1), "synced", () => acknowledged++);
    await journal.close();
    expect(acknowledged).toBe(0);
    expect(journal.failure).toMatchObject({ code: "EIO" });
  });

  it("finishes a write that the disk takes in pieces, and fails when it takes nothing", async () => {
    const { disk, faults } = faultyDisk();
    const failures: Error[] = [];
    const journal = await open({ disk, onFailure: (error) => failures.push(error) });
    faults.writeBytesMax = 7;
    const number = await append(journal, payload(5, 500));
    expect(await journal.read(number)).toEqual(payload(5, 500));
    faults.writeBytesMax = 0;
    journal.append(payload(6));
    await waitUntil(() => failures.length === 1, "the failure");
    expect(failures[0]?.message).toContain("accepted no byte");
  });
});

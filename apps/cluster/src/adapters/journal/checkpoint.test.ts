import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { faultyDisk } from "../testing/faulty-disk.ts";
import { useJournalFolder } from "../testing/journal-folder.test-support.ts";
import { waitUntil } from "../testing/wait.ts";
import { type Journal, type JournalOptions, locateRecord, openJournal } from "./index.ts";

const folder = useJournalFolder();

async function open(options: Partial<JournalOptions> = {}): Promise<Journal> {
  return folder.opened(await openJournal({ directory: folder.directory, segmentBytes: 65_536, ...options }));
}

function append(journal: Journal, count: number): Promise<unknown> {
  for (let index = 1; index < count; index++) journal.append(Buffer.alloc(100, journal.records));
  return new Promise((resolve) => journal.append(Buffer.alloc(100, journal.records), "synced", resolve));
}

const parts = (text: string): Uint8Array[] => [Buffer.from(text), new Uint8Array(0), Buffer.alloc(1_500_000, text)];
const checkpointFiles = (): string[] => readdirSync(folder.directory).filter((name) => name.endsWith(".checkpoint"));

/** A journal with checkpoints through 100, 200 and 300, of which two are kept, and 50 records more. */
async function prepared(): Promise<Journal> {
  const journal = await open();
  for (const through of [100, 200, 300]) {
    await append(journal, 100);
    await journal.saveCheckpoint("owner", { through, parts: parts(`through ${through}`) });
  }
  await append(journal, 50);
  return journal;
}

async function loaded(owner = "owner"): Promise<string | undefined> {
  const journal = await open();
  const checkpoint = await journal.loadCheckpoint(owner);
  await journal.close();
  if (checkpoint === undefined) return undefined;
  const [text] = checkpoint.parts.map((part) => Buffer.from(part).toString());
  expect(Buffer.compare(Buffer.concat(checkpoint.parts), Buffer.concat(parts(text ?? "")))).toBe(0);
  expect(text).toBe(`through ${checkpoint.through}`);
  return text;
}

describe("checkpoints of a journal", () => {
  it("gives the newest back byte for byte, and keeps two", async () => {
    await (await prepared()).close();
    expect(checkpointFiles()).toHaveLength(2);
    expect(await loaded()).toBe("through 300");
    expect(await loaded("another owner")).toBeUndefined();
  });

  it("falls back to the one before, then to none, when their bytes have rotted or are cut short", async () => {
    await (await prepared()).close();
    const [older = "", newer = ""] = checkpointFiles().sort();
    for (const at of [9, 30, 70, 1_000_000]) {
      const bytes = readFileSync(join(folder.directory, newer));
      const rotten = Buffer.from(bytes);
      rotten[at] = (rotten[at] ?? 0) ^ 1;
      writeFileSync(join(folder.directory, newer), rotten);
      expect(await loaded(), `byte ${at}`).toBe("through 200");
      writeFileSync(join(folder.directory, newer), bytes);
    }
    truncateSync(join(folder.directory, newer), 1_000_000);
    expect(await loaded()).toBe("through 200");
    truncateSync(join(folder.directory, older), 10);
    expect(await loaded()).toBeUndefined();
  });

  it("does not use one that is ahead of the journal, or was made of other records than it holds", async () => {
    await (await prepared()).close();
    const place = await locateRecord(folder.directory, 250);
    // The end of the journal is gone as after a crash that lost it, and has been written anew since.
    const { path = "", offset = 0 } = place ?? {};
    const bytes = readFileSync(path);
    bytes.fill(0, offset - 40);
    writeFileSync(path, bytes);
    expect(await loaded()).toBe("through 200");
    const journal = await open();
    for (let index = 0; index < 60; index++) journal.append(Buffer.from(`other record ${index}`));
    await journal.close();
    expect(await loaded()).toBe("through 200");
  });

  it("does not use one of another journal", async () => {
    await (await prepared()).close();
    const saved = checkpointFiles().map((name) => [name, readFileSync(join(folder.directory, name))] as const);
    rmSync(folder.directory, { recursive: true });
    const other = await open();
    await append(other, 10);
    for (let index = 0; index < 340; index++) other.append(Buffer.from(`other record ${index}`));
    await other.close();
    for (const [name, bytes] of saved) writeFileSync(join(folder.directory, name), bytes);
    expect(await loaded()).toBeUndefined();
    copyFileSync(
      join(folder.directory, checkpointFiles()[0] ?? ""),
      join(folder.directory, "0000000000000340.checkpoint"),
    );
    expect(await loaded()).toBeUndefined();
  });

  it("is not there before every record below it is durable", async () => {
    const { disk, faults } = faultyDisk();
    const journal = await open({ disk });
    let openGate = () => {};
    faults.syncGate = new Promise((resolve) => {
      openGate = resolve;
    });
    journal.append(Buffer.alloc(100, 1), "written");
    const saving = journal.saveCheckpoint("owner", { through: 1, parts: parts("through 1") });
    await waitUntil(() => journal.pendingBytes === 0, "the record is written");
    await new Promise((resolve) => setImmediate(resolve));
    expect(checkpointFiles()).toEqual([]);
    openGate();
    await saving;
    expect(checkpointFiles()).toHaveLength(1);
  });

  it("fails on a full disk without a trace, and the older ones stay", async () => {
    const { disk, faults } = faultyDisk();
    const journal = await open({ disk });
    await append(journal, 10);
    await journal.saveCheckpoint("owner", { through: 10, parts: parts("through 10") });
    await append(journal, 10);
    faults.writeError = "ENOSPC";
    await expect(journal.saveCheckpoint("owner", { through: 20, parts: parts("through 20") })).rejects.toMatchObject({
      code: "ENOSPC",
    });
    delete faults.writeError;
    await journal.close();
    expect(readdirSync(folder.directory).filter((name) => name.endsWith(".draft"))).toEqual([]);
    expect(await loaded()).toBe("through 10");
  });
});

import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { faultyDisk } from "../testing/faulty-disk.ts";
import { useJournalFolder } from "../testing/journal-folder.test-support.ts";
import { readLines, spawnTypescript } from "../testing/typescript-child.ts";
import { waitUntil } from "../testing/wait.ts";
import { type JournalOptions, openJournal } from "./index.ts";

const CHILD = new URL("../testing/journal-limit-child.ts", import.meta.url);
const folder = useJournalFolder();

function openOn(disk: ReturnType<typeof faultyDisk>["disk"], told: string[], options: Partial<JournalOptions> = {}) {
  return openJournal({
    directory: folder.directory,
    segmentBytes: 65_536,
    disk,
    retryDelayMs: 5,
    onShortage: (error) => told.push(error ? "full" : "room"),
    onFailure: (error) => told.push(`failed: ${error.message}`),
    ...options,
  }).then((journal) => {
    folder.opened(journal);
    return journal;
  });
}

const payload = (index: number): Buffer => Buffer.alloc(900, `record ${index} `);

async function contents(): Promise<Uint8Array[]> {
  const journal = await openJournal({ directory: folder.directory, segmentBytes: 65_536 });
  const all: Uint8Array[] = [];
  await journal.replay(0, ({ payloads }) => {
    for (const bytes of payloads) all.push(Uint8Array.from(bytes ?? []));
  });
  await journal.close();
  return all;
}

describe("Journal on a full disk", () => {
  for (const code of ["ENOSPC", "EDQUOT"] as const) {
    it(`acknowledges nothing while writes fail with ${code}, and everything in order once there is room`, async () => {
      const { disk, faults } = faultyDisk();
      const told: string[] = [];
      const journal = await openOn(disk, told);
      const acknowledged: number[] = [];
      const append = (index: number) => journal.append(payload(index), "synced", (number) => acknowledged.push(number));
      append(0);
      await waitUntil(() => acknowledged.length === 1, "the first record");
      faults.writeError = code;
      // Enough for several segments: those that do not exist yet cannot be made either.
      for (let index = 1; index < 300; index++) append(index);
      await waitUntil(() => faults.refusedWrites >= 5, "several attempts");
      expect(acknowledged).toEqual([0]);
      expect(journal.shortage).toMatchObject({ code });
      expect(told).toEqual(["full"]);
      delete faults.writeError;
      await waitUntil(() => acknowledged.length === 300, "all records");
      expect(acknowledged).toEqual(Array.from({ length: 300 }, (_, index) => index));
      expect(told).toEqual(["full", "room"]);
      expect(journal.shortage).toBeUndefined();
      await journal.close();
      expect(await contents()).toEqual(acknowledged.map((index) => Uint8Array.from(payload(index))));
    });
  }

  it("survives a disk that is full again and again, in the middle of writes", async () => {
    const { disk, faults } = faultyDisk();
    const told: string[] = [];
    const journal = await openOn(disk, told);
    let acknowledged = 0;
    for (let round = 0; round < 20; round++) {
      faults.roomBytes = round * 777;
      for (let index = 0; index < 10; index++)
        journal.append(payload(round * 10 + index), "synced", () => acknowledged++);
      const before = faults.refusedWrites;
      await waitUntil(() => faults.refusedWrites > before || acknowledged === (round + 1) * 10, "a full disk");
      delete faults.roomBytes;
      await waitUntil(() => acknowledged === (round + 1) * 10, "room");
    }
    expect(told.filter((word) => word !== "full" && word !== "room")).toEqual([]);
    await journal.close();
    expect(await contents()).toEqual(Array.from({ length: 200 }, (_, index) => Uint8Array.from(payload(index))));
  });

  it("closes on a full disk without acknowledging what it could not write, and without losing what it had", async () => {
    const { disk, faults } = faultyDisk();
    const told: string[] = [];
    const journal = await openOn(disk, told);
    let acknowledged = 0;
    journal.append(payload(0), "synced", () => acknowledged++);
    await waitUntil(() => acknowledged === 1, "the first record");
    faults.writeError = "ENOSPC";
    journal.append(payload(1), "synced", () => acknowledged++);
    await waitUntil(() => told.length === 1, "the shortage");
    await journal.close();
    expect(acknowledged).toBe(1);
    expect(told).toEqual(["full"]);
    expect(await contents()).toEqual([Uint8Array.from(payload(0))]);
  });

  it("takes a failed fdatasync for final, also when its reason is a full disk", async () => {
    const { disk, faults } = faultyDisk();
    const told: string[] = [];
    const journal = await openOn(disk, told);
    faults.syncError = "ENOSPC";
    let acknowledged = 0;
    journal.append(payload(0), "synced", () => acknowledged++);
    await waitUntil(() => told.length === 1, "the failure");
    delete faults.syncError;
    journal.append(payload(1), "synced", () => acknowledged++);
    await journal.close();
    expect(acknowledged).toBe(0);
    expect(told[0]).toContain("failed: ENOSPC");
  });

  it("goes on when the system's own limit on its files is lifted, having lost nothing it acknowledged", {
    timeout: 60_000,
  }, async () => {
    const child = spawnTypescript(CHILD, [folder.directory]);
    const lines: string[] = [];
    const limit = (bytes: string): Promise<void> =>
      new Promise((resolve, reject) => {
        // The soft limit only: whoever may lower it may raise it again.
        const run = spawn("prlimit", ["--pid", String(child.pid), `--fsize=${bytes}:`], { stdio: "inherit" });
        run.once("error", reject);
        run.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`prlimit ended with ${code}`))));
      });
    const steps: Promise<void>[] = [];
    await readLines(child, (line) => {
      lines.push(line);
      if (line === "ready") steps.push(limit("98304").then(() => void child.kill("SIGUSR2")));
      if (line.startsWith("full EFBIG")) steps.push(limit("unlimited"));
    });
    await Promise.all(steps);
    expect(lines.slice(0, 3)).toEqual(["ready", expect.stringMatching(/^full EFBIG, acknowledged \d+$/), "room"]);
    const [, atFull] = /acknowledged (\d+)/.exec(lines[1] ?? "") ?? [];
    const [, acknowledged, kept] = /^done, acknowledged (\d+), kept (\d+)$/.exec(lines[3] ?? "") ?? [];
    expect(Number(acknowledged)).toBe(2_000);
    expect(Number(kept)).toBe(2_000);
    expect(Number(atFull)).toBeLessThan(2_000);
    expect(await contents()).toHaveLength(2_000);
  });
});

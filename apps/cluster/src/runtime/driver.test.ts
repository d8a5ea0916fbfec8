import { closeSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Checkpoint, CheckpointedEffect, CheckpointedInput, CommonInput, DamagedRecord } from "@redoubt/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal, type JournalOptions, locateRecord, openJournal } from "../adapters/journal/index.ts";
import { faultyDisk } from "../adapters/testing/faulty-disk.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../adapters/testing/temporary-directory.ts";
import { waitUntil } from "../adapters/testing/wait.ts";
import { Driver } from "./driver.ts";
import { recordCodec } from "./record-codec.ts";

interface Entry {
  readonly kind: "entry";
  readonly value: number;
}
type Input =
  | CommonInput<{ readonly kind: "add"; readonly value: number }, Entry>
  | CheckpointedInput<Entry>
  | { readonly kind: "ask"; readonly number: number; readonly now: number; readonly wall: number }
  | {
      readonly kind: "mend";
      readonly number: number;
      readonly value: number;
      readonly now: number;
      readonly wall: number;
    };
type Effect =
  | { readonly kind: "append"; readonly record: Entry; readonly durability: "synced" | "written" }
  | { readonly kind: "told"; readonly value: number }
  | CheckpointedEffect<Entry>;

/** Adds numbers up: whatever way it was started, its sum says whether it got every record once. */
class Adder {
  sum = 0;
  records = 0;
  damaged: number[] = [];
  restored: number | undefined;
  replayed = 0;
  started = false;
  read: (Entry | undefined)[] = [];
  repaired: boolean[] = [];
  readonly wakeAt = undefined;

  step(input: Input): Effect[] {
    switch (input.kind) {
      case "restore":
        this.restored = input.through;
        this.records = input.through;
        this.sum = Number(Buffer.from(input.checkpoint[0] ?? []).toString());
        return [];
      case "replay":
        expect(input.first).toBe(this.records);
        for (const record of input.records) this.#take(record);
        this.replayed += input.records.length;
        return [];
      case "start":
        this.started = true;
        return [];
      case "message": {
        const record = { kind: "entry", value: input.message.value } as const;
        this.#take(record);
        return [
          { kind: "append", record, durability: "synced" },
          { kind: "told", value: this.sum },
        ];
      }
      case "ask":
        return [{ kind: "readRecord", number: input.number, token: "t", fresh: true }];
      case "mend":
        return [{ kind: "repairRecord", number: input.number, record: { kind: "entry", value: input.value } }];
      case "recordRead":
        this.read.push(input.record);
        return [];
      case "recordRepaired":
        this.repaired.push(input.ok);
        return [];
      default:
        return [];
    }
  }

  #take(record: Entry | DamagedRecord): void {
    if (record.kind === "damaged") this.damaged.push(this.records);
    else this.sum += record.value;
    this.records++;
  }

  checkpoint(): Checkpoint | undefined {
    return { through: this.records, parts: [Buffer.from(String(this.sum))] };
  }
}

let scratch: TemporaryDirectory;
let directory: string;
let running: { readonly driver: Driver<Input, Effect>; readonly journal: Journal }[] = [];

beforeEach(() => {
  scratch = temporaryDirectory();
  directory = join(scratch.path, "journal");
});

afterEach(async () => {
  for (const { driver, journal } of running.splice(0)) {
    await driver.stop();
    await journal.close();
  }
  scratch.remove();
});

async function start(options: Partial<JournalOptions> = {}, everyRecords = 1_000) {
  const journal = await openJournal({ directory, segmentBytes: 65_536, ...options });
  const core = new Adder();
  const told: number[] = [];
  /** Also sums up what it is told, from its own part of the checkpoint on. */
  const companion = { sum: 0, restored: false };
  const driver = new Driver<Input, Effect>({
    core,
    journal,
    codec: recordCodec,
    send: () => undefined,
    perform: (effect) => void told.push(effect.value),
    checkpoints: {
      owner: "adder 1",
      everyRecords,
      companion: {
        recorded: (record) => {
          companion.sum += (record as Entry).value;
        },
        save: () => [Buffer.from("two parts"), Buffer.from(String(companion.sum))],
        restore: ([first, second]) => {
          expect(Buffer.from(first ?? []).toString()).toBe("two parts");
          companion.sum = Number(Buffer.from(second ?? []).toString());
          companion.restored = true;
        },
      },
    },
  });
  const node = { driver, journal };
  running.push(node);
  const counts = await driver.start();
  const add = async (count: number): Promise<void> => {
    const from = core.sum;
    const message = { kind: "add", value: 1 } as const;
    const sender = { component: "state-master", server: "state-master-1" } as const;
    for (let index = 0; index < count; index++) driver.input({ kind: "message", from: sender, message });
    await waitUntil(() => told.at(-1) === from + count, "everything is durable");
  };
  const stop = async (): Promise<void> => {
    running = running.filter((other) => other !== node);
    await driver.stop();
    await journal.close();
  };
  return { core, journal, driver, companion, told, counts, add, stop };
}

const checkpointFiles = (): string[] => readdirSync(directory).filter((name) => name.endsWith(".checkpoint"));

async function damage(number: number): Promise<void> {
  const place = await locateRecord(directory, number);
  const descriptor = openSync(place?.path ?? "", "r+");
  writeSync(descriptor, Buffer.from([0xee, 0xee]), 0, 2, (place?.offset ?? 0) + 1);
  closeSync(descriptor);
}

describe("Driver of a core that makes checkpoints", () => {
  it("starts it from the last checkpoint and the records behind it, or from all records, with the same result", async () => {
    const first = await start({}, 400);
    await first.add(1_500);
    await waitUntil(() => checkpointFiles().length > 0, "a checkpoint of its own accord");
    await first.stop();
    const second = await start({}, 1_000_000);
    expect(second.core.sum).toBe(1_500);
    expect((second.core.restored ?? 0) + second.core.replayed).toBe(1_500);
    expect(second.companion).toEqual({ sum: 1_500, restored: true });
    await second.add(400);
    await second.stop();
    const third = await start();
    expect(third.core).toMatchObject({ sum: 1_900, restored: 1_900, replayed: 0, started: true });
    expect(third.counts).toMatchObject({ records: 1_900, replayed: 0, damaged: 0 });
    await third.add(10);
    // Too few for a checkpoint at the stop: they are replayed.
    await third.stop();
    const again = await start();
    expect(again.core).toMatchObject({ sum: 1_910, restored: 1_900, replayed: 10 });
    expect(again.companion).toEqual({ sum: 1_910, restored: true });
    await again.stop();
    for (const name of checkpointFiles()) rmSync(join(directory, name));
    const fourth = await start();
    expect(fourth.core).toMatchObject({ sum: 1_910, restored: undefined, replayed: 1_910, started: true });
    expect(fourth.companion).toEqual({ sum: 1_910, restored: false });
  });

  it("tells it which records are damaged and keeps the numbers of the others", async () => {
    const first = await start();
    // Not all at once: the last batch could not be told from a torn write.
    for (let batch = 0; batch < 30; batch++) await first.add(10);
    await first.stop();
    for (const name of checkpointFiles()) rmSync(join(directory, name));
    await damage(7);
    await damage(250);
    const second = await start();
    expect(second.core).toMatchObject({ sum: 298, records: 300, damaged: [7, 250] });
    expect(second.counts).toMatchObject({ replayed: 300, damaged: 2 });
  });

  it("reads records back, says when one cannot be read, and repairs it only with its own bytes", async () => {
    const { core, driver, add } = await start();
    await add(100);
    driver.input({ kind: "ask", number: 5 });
    await waitUntil(() => core.read.length === 1, "the record");
    expect(core.read).toEqual([{ kind: "entry", value: 1 }]);
    await damage(5);
    driver.input({ kind: "ask", number: 5 });
    driver.input({ kind: "ask", number: 5_000 });
    await waitUntil(() => core.read.length === 3, "the answers");
    expect(core.read.slice(1)).toEqual([undefined, undefined]);
    driver.input({ kind: "mend", number: 5, value: 2 });
    await waitUntil(() => core.repaired.length === 1, "the refusal");
    driver.input({ kind: "mend", number: 5, value: 1 });
    await waitUntil(() => core.repaired.length === 2, "the repair");
    driver.input({ kind: "ask", number: 5 });
    await waitUntil(() => core.read.length === 4, "the record");
    expect(core.repaired).toEqual([false, true]);
    expect(core.read[3]).toEqual({ kind: "entry", value: 1 });
  });

  it("lets nothing out while the disk is full, and everything in order afterwards", async () => {
    const { disk, faults } = faultyDisk();
    const shortages: boolean[] = [];
    const onShortage = (error: Error | undefined) => void shortages.push(error !== undefined);
    const { core, told, add } = await start({ disk, retryDelayMs: 5, onShortage });
    await add(10);
    faults.writeError = "ENOSPC";
    const adding = add(20);
    await waitUntil(() => faults.refusedWrites > 3, "attempts");
    expect(told).toHaveLength(10);
    expect(core.sum).toBe(30);
    delete faults.writeError;
    await adding;
    expect(told).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    expect(shortages).toEqual([true, false]);
  });
});

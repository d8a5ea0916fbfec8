import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { crashTestPayload, seededRandom } from "../testing/crash-test-payload.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/temporary-directory.ts";
import { readLines, spawnTypescript } from "../testing/typescript-child.ts";
import { openJournal } from "./index.ts";

const CHILD = new URL("../testing/journal-crash-child.ts", import.meta.url);
const ROUNDS = 6;
let scratch: TemporaryDirectory;

beforeEach(() => {
  scratch = temporaryDirectory();
});

afterEach(() => scratch.remove());

/** Runs the child until it has acknowledged `count` records, kills it, and returns all it acknowledged. */
async function runAndKill(directory: string, seed: number, count: number): Promise<number[]> {
  const child = spawnTypescript(CHILD, [directory, String(seed)]);
  const acknowledged: number[] = [];
  await readLines(child, (line) => {
    if (line !== "ready") acknowledged.push(Number(line));
    if (acknowledged.length === count) child.kill("SIGKILL");
  });
  return acknowledged;
}

describe("Journal and kill -9", () => {
  it("holds every acknowledged record, whole and in order, after each of several kills", {
    timeout: 120_000,
  }, async () => {
    const directory = join(scratch.path, "journal");
    const seed = 20_240_611;
    const random = seededRandom(seed);
    let [total, archived, checkpoints] = [0, 0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await runAndKill(directory, seed + round, 1 + Math.floor(random() * 800));
      const journal = await openJournal({ directory });
      let sequence = 0;
      await journal.replay(0, ({ payloads }) => {
        for (const payload of payloads) {
          if (payload === undefined || !crashTestPayload(sequence).equals(payload))
            throw new Error(`record ${sequence} is not what was appended`);
          sequence++;
        }
      });
      const checkpoint = await journal.loadCheckpoint("crash test");
      if (checkpoint) expect(checkpoint.parts.map(Buffer.from)).toEqual([crashTestPayload(checkpoint.through)]);
      archived = journal.statistics.archivedSegments;
      checkpoints += checkpoint ? 1 : 0;
      await journal.close();
      expect(readdirSync(directory).filter((name) => name.endsWith(".draft"))).toEqual([]);
      for (const own of acknowledged) expect(own, `seed ${seed}, round ${round}`).toBeLessThan(sequence);
      expect(sequence).toBeGreaterThanOrEqual(total);
      total = sequence;
    }
    expect(total).toBeGreaterThan(500);
    expect(archived).toBeGreaterThan(0);
    expect(checkpoints).toBeGreaterThan(0);
  });
});

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { crashTestPayload, seededRandom } from "../testing/crash-test-payload.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/temporary-directory.ts";
import { readLines, spawnTypescript, typescriptArguments } from "../testing/typescript-child.ts";
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
    let total = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await runAndKill(directory, seed + round, 1 + Math.floor(random() * 800));
      const journal = await openJournal({ directory });
      let sequence = 0;
      await journal.replay((payload) => {
        if (!crashTestPayload(sequence).equals(payload)) throw new Error(`record ${sequence} is not what was appended`);
        sequence++;
      });
      await journal.close();
      for (const own of acknowledged) expect(own, `seed ${seed}, round ${round}`).toBeLessThan(sequence);
      expect(sequence).toBeGreaterThanOrEqual(total);
      total = sequence;
    }
    expect(total).toBeGreaterThan(500);
  });

  it("reports the system's own error when the file may not grow any further", { timeout: 60_000 }, () => {
    const script = new URL("../testing/journal-limit-child.ts", import.meta.url);
    const node = [process.execPath, ...typescriptArguments(script, join(scratch.path, "journal"))];
    // The shell's limit is in blocks of 512 bytes: 128 KiB, twice the size of a segment of this child and then not enough.
    const run = spawnSync("/bin/sh", ["-c", 'ulimit -f 256; exec "$@"', "sh", ...node], { encoding: "utf8" });
    expect(run.stdout.trim().split("\n").at(-1)).toMatch(/^failed EFBIG, acknowledged \d+, kept \d+$/);
    const [, acknowledged, kept] = /acknowledged (\d+), kept (\d+)/.exec(run.stdout) ?? [];
    expect(Number(kept)).toBeGreaterThanOrEqual(Number(acknowledged));
    expect(Number(acknowledged)).toBeGreaterThan(0);
  });
});

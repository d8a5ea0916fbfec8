/**
 * A process whose files the system limits while it runs (prlimit): it appends until it is refused, waits for room, and finishes.
 *
 * Argument: folder. Begins to append at SIGUSR2. Output lines: `ready`; `full CODE, acknowledged N`; `room`; `done, acknowledged N, kept M`.
 */
import { writeSync } from "node:fs";
import { openJournal } from "../journal/index.ts";

const RECORDS = 2_000;
const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("expected argument: folder");
let acknowledged = 0;
const say = (line: string): void => void writeSync(1, `${line}\n`);
// The first segment is there whole before the limit; the next ones would be larger than it allows.
const journal = await openJournal({
  directory,
  segmentBytes: 262_144,
  retryDelayMs: 20,
  onShortage: (error) => {
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    say(error ? `full ${code}, acknowledged ${acknowledged}` : "room");
  },
});

async function appendAll(): Promise<void> {
  for (let index = 0; index < RECORDS; index++) journal.append(Buffer.alloc(400, 1), "synced", () => acknowledged++);
  while (acknowledged < RECORDS) await new Promise((resolve) => setImmediate(resolve));
  const { records } = journal.statistics;
  await journal.close();
  say(`done, acknowledged ${acknowledged}, kept ${records}`);
}

// Waiting for a signal does not keep a process alive.
const alive = setInterval(() => undefined, 60_000);
process.once("SIGUSR2", () => {
  clearInterval(alive);
  void appendAll();
});
say("ready");

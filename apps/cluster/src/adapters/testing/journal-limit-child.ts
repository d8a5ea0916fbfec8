/**
 * A process whose files may not exceed a limit set by its shell: it appends until the system refuses, then reads back what it has.
 *
 * Argument: folder. Output: one line `failed CODE, acknowledged N, kept M`.
 */
import { writeSync } from "node:fs";
import { openJournal } from "../journal/index.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("expected argument: folder");
const small = 65_536;
const first = await openJournal({ directory, segmentBytes: small });
let acknowledged = 0;
for (let index = 0; index < 100; index++) first.append(Buffer.alloc(100, 1), "synced", () => acknowledged++);
await first.close();

// The next segments would be larger than the limit allows.
let failure: NodeJS.ErrnoException | undefined;
const journal = await openJournal({
  directory,
  segmentBytes: 1_048_576,
  onFailure: (error) => {
    failure = error;
  },
});
while (failure === undefined) {
  for (let index = 0; index < 50; index++) journal.append(Buffer.alloc(100, 2), "synced", () => acknowledged++);
  await new Promise((resolve) => setImmediate(resolve));
}
await journal.close();
const reopened = await openJournal({ directory, segmentBytes: small });
writeSync(1, `failed ${failure.code}, acknowledged ${acknowledged}, kept ${reopened.statistics.records}\n`);
await reopened.close();

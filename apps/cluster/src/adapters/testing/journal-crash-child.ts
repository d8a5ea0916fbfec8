/**
 * The process that the journal's crash test kills: it appends bursts for ever, prints each acknowledgement, archives what closes and
 * makes a checkpoint now and then.
 *
 * Arguments: folder, seed. Output lines: `ready`, then the sequence number of each acknowledged record.
 */
import { writeSync } from "node:fs";
import { openJournal } from "../journal/index.ts";
import { crashTestPayload, seededRandom } from "./crash-test-payload.ts";

const [directory, seedText] = process.argv.slice(2);
if (directory === undefined || seedText === undefined) throw new Error("expected arguments: folder, seed");
const random = seededRandom(Number(seedText));
// Small segments that are compressed as soon as they close: the kills fall into that work too.
const journal = await openJournal({ directory, segmentBytes: 65_536, flushDelayMs: 2, keepSegments: 1 });
let sequence = journal.records;
writeSync(1, "ready\n");

function appendBurst(): void {
  const count = 1 + Math.floor(random() * 20);
  let waiting = count;
  for (let index = 0; index < count; index++) {
    const own = sequence++;
    journal.append(crashTestPayload(own), random() < 0.5 ? "synced" : "written", () => {
      writeSync(1, `${own}\n`);
      waiting--;
      if (own % 100 === 0) void journal.saveCheckpoint("crash test", { through: own, parts: [crashTestPayload(own)] });
      if (waiting === 0) appendBurst();
    });
  }
}

appendBurst();
appendBurst();

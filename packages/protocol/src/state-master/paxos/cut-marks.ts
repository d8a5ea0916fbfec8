/**
 * Which records of the journal an acceptor still needs. It counts its records and remembers, now and then, the highest
 * slot any record so far was about: once all slots up to that one are truncated, the records up to there may go.
 */
import { assert, type Slot } from "@redoubt/shared";
import type { RecordNumber } from "../../core.ts";
import type { CutMark } from "./paxos-types.ts";

export class CutMarks {
  /** Records in the journal, replayed or appended. */
  records: RecordNumber = 0;
  #marks: CutMark[] = [];
  readonly #markRecords: number;

  constructor(markRecords: number) {
    this.#markRecords = markRecords;
  }

  load(records: RecordNumber, marks: readonly CutMark[]): void {
    this.records = records;
    this.#marks = [...marks];
  }

  /** Of a journal whose beginning was cut. */
  startAt(first: RecordNumber): void {
    assert(this.records === 0 || this.records === first, `record ${first} follows record ${this.records - 1}`);
    this.records = first;
  }

  get marks(): readonly CutMark[] {
    return this.#marks;
  }

  /** Another record; `highest` is the highest slot of any record so far. */
  count(highest: Slot): void {
    this.records += 1;
    if (this.records % this.#markRecords === 0) this.#marks.push({ record: this.records, highest });
  }

  /** The first record that is needed when all slots through `truncated` are not; undefined when nothing can go. */
  takeCut(truncated: Slot): RecordNumber | undefined {
    let before: RecordNumber | undefined;
    while (this.#marks[0] !== undefined && this.#marks[0].highest <= truncated) {
      before = (this.#marks.shift() as CutMark).record;
    }
    return before;
  }
}

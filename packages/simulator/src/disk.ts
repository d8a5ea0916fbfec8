/**
 * The journal of one host. What was written survives the process (the system has it) and is synced within 50 ms; what was
 * synced survives a power cut too. Beside the records lie a few checkpoints of a core that makes any; of those only such
 * as the synced records bear are kept.
 */
import type { Checkpoint, RecordNumber } from "@redoubt/protocol";
import { canonical } from "./bank.ts";
import type { SeededRandom } from "./random.ts";

/** Written records are synced at the latest after this time (docs/PROTOCOL.md §3, `written`). */
const WRITTEN_FOR_MS = 50;
/** Real files keep two; one more makes restarts from old ones likelier. */
const CHECKPOINTS_MAX = 3;

export class Disk {
  readonly records: unknown[] = [];
  /** How many disks there were before this one. */
  generation = 0;
  readonly #damaged = new Set<RecordNumber>();
  /** Damaged records that were written again as they were. */
  repairs = 0;
  /** Oldest first. */
  #checkpoints: Checkpoint[] = [];
  #pending: Checkpoint | undefined;
  #synced = 0;
  /** The core allows the records before this one to be cut off … */
  #mayCutBefore: RecordNumber = 0;
  /** … and those before this one are gone. */
  #firstKept: RecordNumber = 0;
  /** When each record after the synced ones was written. */
  #writtenAt: number[] = [];

  write(record: unknown, now: number): void {
    this.records.push(record);
    this.#writtenAt.push(now);
  }

  sync(): void {
    this.#synced = this.records.length;
    this.#writtenAt = [];
    this.#keepPending();
  }

  /** So many records no power cut can take away any more. */
  get syncedCount(): number {
    return this.#synced;
  }

  /** A power cut: any part of the unsynced tail is gone. Returns how many records. */
  tear(now: number, random: SeededRandom): number {
    const safe = this.#synced + this.#writtenAt.filter((at) => now - at >= WRITTEN_FOR_MS).length;
    const kept = safe + random.below(this.records.length - safe + 1);
    const lost = this.records.length - kept;
    this.records.length = kept;
    for (const number of this.#damaged) if (number >= kept) this.#damaged.delete(number);
    this.#pending = undefined;
    this.sync();
    return lost;
  }

  /** Another, empty disk in its place. */
  wipe(): void {
    this.generation += 1;
    this.records.length = 0;
    this.#damaged.clear();
    this.#checkpoints = [];
    this.#pending = undefined;
    this.#mayCutBefore = 0;
    this.#firstKept = 0;
    this.sync();
  }

  /** The core does not need what comes before; it goes as soon as every checkpoint that is kept bears it. */
  allowCut(before: RecordNumber): void {
    this.#mayCutBefore = Math.max(this.#mayCutBefore, before);
    this.#cut();
  }

  #cut(): void {
    const before = Math.min(this.#mayCutBefore, this.#checkpoints[0]?.through ?? 0);
    if (before <= this.#firstKept) return;
    this.records.fill(undefined, this.#firstKept, before);
    this.#firstKept = before;
  }

  /** The beginning is gone: without a checkpoint nothing can be read. */
  get isCut(): boolean {
    return this.#firstKept > 0;
  }

  /** Undefined: damaged, or beyond the end. */
  read(number: RecordNumber): unknown {
    return this.#damaged.has(number) ? undefined : this.records[number];
  }

  isDamaged(number: RecordNumber): boolean {
    return this.#damaged.has(number);
  }

  /** A process that starts has to read a damaged record, whichever checkpoint it begins with. */
  get isUnreadable(): boolean {
    return this.#damaged.size > 0 && this.readableCheckpoints.length === 0;
  }

  /** Checkpoints behind which nothing is damaged, oldest first. */
  get readableCheckpoints(): readonly Checkpoint[] {
    const last = Math.max(-1, ...this.#damaged);
    return this.#checkpoints.filter(({ through }) => through > last);
  }

  get hasDamage(): boolean {
    return this.#damaged.size > 0;
  }

  /** From now on the record's checksum is wrong. */
  damage(number: RecordNumber): void {
    if (number < this.records.length) this.#damaged.add(number);
  }

  /** Writes a record again in its place; false when it is not the one that was written. */
  repair(number: RecordNumber, record: unknown): boolean {
    if (number >= this.records.length || canonical(record) !== canonical(this.records[number])) return false;
    if (this.#damaged.delete(number)) this.repairs += 1;
    return true;
  }

  /** Kept as soon as every record below its `through` is synced; another one before that takes its place. */
  saveCheckpoint(checkpoint: Checkpoint): void {
    this.#pending = checkpoint;
    this.#keepPending();
  }

  #keepPending(): void {
    if (!this.#pending || this.#pending.through > this.#synced) return;
    this.#checkpoints = [...this.#checkpoints, this.#pending].slice(-CHECKPOINTS_MAX);
    this.#pending = undefined;
    this.#cut();
  }

  /** What was not saved in time is lost with the process. */
  forgetPending(): void {
    this.#pending = undefined;
  }

  dropCheckpointsBeyond(number: RecordNumber): void {
    this.#checkpoints = this.#checkpoints.filter(({ through }) => through <= number);
  }

  /** Oldest first. */
  get checkpoints(): readonly Checkpoint[] {
    return this.#checkpoints;
  }
}

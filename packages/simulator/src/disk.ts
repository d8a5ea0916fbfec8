/**
 * The journal of one host. What was written survives the process (the system has it) and is synced within 50 ms; what was
 * synced survives a power cut too.
 */
import type { SeededRandom } from "./random.ts";

/** Written records are synced at the latest after this time (docs/PROTOCOL.md §3, `written`). */
const WRITTEN_FOR_MS = 50;

export class Disk {
  readonly records: unknown[] = [];
  #synced = 0;
  /** When each record after the synced ones was written. */
  #writtenAt: number[] = [];

  write(record: unknown, now: number): void {
    this.records.push(record);
    this.#writtenAt.push(now);
  }

  sync(): void {
    this.#synced = this.records.length;
    this.#writtenAt = [];
  }

  /** A power cut: any part of the unsynced tail is gone. Returns how many records. */
  tear(now: number, random: SeededRandom): number {
    const safe = this.#synced + this.#writtenAt.filter((at) => now - at >= WRITTEN_FOR_MS).length;
    const kept = safe + random.below(this.records.length - safe + 1);
    const lost = this.records.length - kept;
    this.records.length = kept;
    this.sync();
    return lost;
  }
}

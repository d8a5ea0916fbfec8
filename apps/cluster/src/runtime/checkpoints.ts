/**
 * When a core's checkpoints are made, and how one is written and read back together with what is kept beside the core.
 *
 * They are made whenever the journal has grown by a thirty-second, after 500 to 100 000 records or 256 MiB, and at a clean stop, one at a
 * time, and written while the core goes on: what a killed process has to replay stays a fraction of what it knows, and so does
 * what checkpoints cost. A checkpoint that fails is no misfortune: the next start replays more.
 */
import type { Checkpoint, CheckpointedCore } from "@redoubt/protocol";
import type { Journal } from "../adapters/journal/index.ts";

export const CHECKPOINT_RECORDS = 100_000;
const CHECKPOINT_BYTES = 256 * 1024 * 1024;
/** A young journal: replayed in a fraction of a second, also by a process that has just begun to run. */
const CHECKPOINT_RECORDS_FIRST = 500;
/** Replaying a record costs a process that has just begun to run ten times what writing its share of a checkpoint does. */
const GROWTH_SHARE = 32;
/** A core that has none to give is asked again after this many records. */
const AGAIN_RECORDS = 500;
/** At a stop, fewer records than this are replayed faster than a checkpoint is written. */
const STOP_RECORDS_MIN = 256;

/** State beside a core that follows from its records alone, such as an index. */
export interface Companion {
  /** Told every record, when it is replayed and when it is appended. */
  recorded(record: unknown): void;
  /**
   * What {@link restore} takes, as of all records told so far. It may be made bit by bit while further records are told, if what
   * of them is in it already does no harm when they are told again after the restore.
   */
  save(): Iterable<Uint8Array>;
  restore(parts: readonly Uint8Array[]): void;
  /** All records that follow a restore have been told. */
  started?(): void;
}

export interface CheckpointOptions {
  /** Names the state and its format: a file of another one is not used. */
  readonly owner: string;
  /** At most; earlier while the journal is short. */
  readonly everyRecords?: number;
  /** One is made when the journal has grown by one part in so many; default 32. */
  readonly growthShare?: number;
  readonly companion?: Companion;
  readonly onFailure?: (error: Error) => void;
  readonly onSaved?: (saved: { readonly through: number; readonly bytes: number; readonly ms: number }) => void;
}

export class Checkpoints {
  readonly #core: Pick<CheckpointedCore<never, never>, "checkpoint">;
  readonly #journal: Journal;
  readonly #options: CheckpointOptions;
  #last = 0;
  /** Number of records, and of bytes appended in this life, at which the next one is made. */
  #dueAt = Number.POSITIVE_INFINITY;
  #dueAtBytes = Number.POSITIVE_INFINITY;
  #saving: Promise<void> | undefined;

  constructor(core: Pick<CheckpointedCore<never, never>, "checkpoint">, journal: Journal, options: CheckpointOptions) {
    this.#core = core;
    this.#journal = journal;
    this.#options = options;
  }

  /** The newest one that is good, its companion's part restored already. */
  async load(): Promise<Checkpoint | undefined> {
    const { owner, companion } = this.#options;
    const found = await this.#journal.loadCheckpoint(owner);
    const [head, ...parts] = found?.parts ?? [];
    if (found === undefined || head === undefined) return undefined;
    const coreParts = Buffer.from(head).readUInt32LE(0);
    companion?.restore(parts.slice(coreParts));
    this.#last = found.through;
    return { through: found.through, parts: parts.slice(0, coreParts) };
  }

  /** The core has started. */
  begin(): void {
    this.#dueAt = this.#dueAfter(this.#last);
    this.#dueAtBytes = CHECKPOINT_BYTES;
    this.#options.companion?.started?.();
  }

  /** To be called between steps. */
  makeIfDue(): void {
    const { records, appendedBytes } = this.#journal;
    if ((records < this.#dueAt && appendedBytes < this.#dueAtBytes) || this.#saving !== undefined) return;
    this.#dueAtBytes = appendedBytes + CHECKPOINT_BYTES;
    const saving = this.#make();
    if (saving === undefined) {
      this.#dueAt = records + AGAIN_RECORDS;
      return;
    }
    this.#dueAt = this.#dueAfter(records);
    this.#saving = saving.finally(() => {
      this.#saving = undefined;
    });
  }

  #dueAfter(records: number): number {
    const { everyRecords = CHECKPOINT_RECORDS, growthShare = GROWTH_SHARE } = this.#options;
    return records + Math.min(everyRecords, Math.max(CHECKPOINT_RECORDS_FIRST, Math.floor(records / growthShare)));
  }

  /** At a clean stop, between steps: the last one. */
  async end(): Promise<void> {
    await this.#saving;
    if (this.#dueAt === Number.POSITIVE_INFINITY || this.#journal.records - this.#last < STOP_RECORDS_MIN) return;
    await this.#make();
  }

  #make(): Promise<void> | undefined {
    const { owner, companion, onFailure, onSaved } = this.#options;
    const startedAt = performance.now();
    const checkpoint = this.#core.checkpoint();
    // The companion has seen every record: only a checkpoint of all of them agrees with it.
    if (checkpoint === undefined || checkpoint.through !== this.#journal.records) return undefined;
    const { through } = checkpoint;
    const source = partsOf(checkpoint, companion?.save() ?? []);
    let bytes = 0;
    const parts = (function* () {
      for (const part of source) {
        bytes += part.length;
        yield part;
      }
    })();
    return this.#journal.saveCheckpoint(owner, { through, parts }).then(
      () => {
        this.#last = through;
        onSaved?.({ through, bytes, ms: performance.now() - startedAt });
      },
      (error: Error) => onFailure?.(error),
    );
  }
}

/** How many parts are the core's, these, and then the companion's. */
function* partsOf(checkpoint: Checkpoint, companion: Iterable<Uint8Array>): Generator<Uint8Array> {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(checkpoint.parts.length, 0);
  yield head;
  yield* checkpoint.parts;
  yield* companion;
}

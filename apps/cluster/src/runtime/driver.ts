/**
 * Runs one core in a process: input → step → journal → send. It keeps the duties of `core.ts`: what a core puts out
 * after an append leaves only when that append is durable, in the order the core put it out; ticks come when the core
 * asked for them; a start gets everything the journal holds, all at once or (a core that makes checkpoints) from its last
 * checkpoint on and in batches; records are read back and repaired at the core's word.
 *
 * It does not know any component: what it cannot do itself goes to `perform`.
 */
import {
  type CheckpointedCore,
  type CheckpointedEffect,
  type Core,
  DAMAGED,
  type DamagedRecord,
  type SendEffect,
} from "@redoubt/protocol";
import type { Journal } from "../adapters/journal/index.ts";
import { type CheckpointOptions, Checkpoints } from "./checkpoints.ts";
import type { RecordCodec } from "./record-codec.ts";

type AppendEffect = { readonly kind: "append"; readonly record: unknown; readonly durability: "synced" | "written" };
type JournalEffect = CheckpointedEffect<unknown>;
/** What is left to the component. */
export type OwnEffect<Effect> = Exclude<Effect, { readonly kind: "append" | "send" | JournalEffect["kind"] }>;
export type AnyEffect = AppendEffect | SendEffect | { readonly kind: string };
export type AnyInput = { readonly kind: string; readonly now: number; readonly wall: number };

export interface DriverParts<Input extends AnyInput, Effect extends AnyEffect> {
  readonly core: Core<Input, Effect>;
  /** Undefined for components without durable state. */
  readonly journal: Journal | undefined;
  readonly codec: RecordCodec;
  readonly send: (effect: SendEffect) => void;
  readonly perform: (effect: OwnEffect<Effect>) => void;
  /** Called with true when the disk falls behind, so that nothing more is read from the links until it has caught up. */
  readonly onPressure?: (isHigh: boolean) => void;
  /** For a core that makes checkpoints. */
  readonly checkpoints?: CheckpointOptions;
}

/** Bytes appended and not yet written at which the links are paused, and at which they are read again. */
const PENDING_HIGH_BYTES = 64 * 1024 * 1024;
const PENDING_LOW_BYTES = 16 * 1024 * 1024;

interface Waiting<Effect> {
  readonly effect: Effect;
  /** Appends of each durability that must be through before this may leave. */
  readonly synced: number;
  readonly written: number;
}

type ReadEffect = Extract<JournalEffect, { kind: "readRecord" }>;
type RepairEffect = Extract<JournalEffect, { kind: "repairRecord" }>;

/** A core that makes checkpoints is told from others by being able to. */
function isCheckpointed(core: object): core is Pick<CheckpointedCore<never, never>, "checkpoint"> {
  return typeof (core as Partial<CheckpointedCore<never, never>>).checkpoint === "function";
}

type WithoutClock<Input> = Input extends AnyInput ? Omit<Input, "now" | "wall"> : never;

export class Driver<Input extends AnyInput, Effect extends AnyEffect> {
  readonly #parts: DriverParts<Input, Effect>;
  #outbox: Waiting<Effect>[] = [];
  #outboxHead = 0;
  #syncedAppended = 0;
  #syncedDurable = 0;
  #writtenAppended = 0;
  #writtenDurable = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #stepping = false;
  readonly #later: Input[] = [];
  #stopped = false;
  #isPaused = false;
  readonly #checkpoints: Checkpoints | undefined;
  steps = 0;

  constructor(parts: DriverParts<Input, Effect>) {
    this.#parts = parts;
    const { core, journal, checkpoints } = parts;
    if (journal && checkpoints && isCheckpointed(core)) {
      this.#checkpoints = new Checkpoints(core, journal, checkpoints);
    }
  }

  /** Replays the journal (from the last checkpoint on, for a core that makes them) and starts the core. */
  async start(): Promise<{ records: number; replayed: number; damaged: number; replayMs: number }> {
    const startedAt = performance.now();
    const { core, journal } = this.#parts;
    const { durable, ...counts } = isCheckpointed(core) ? await this.#replayInBatches() : await this.#readAll();
    this.#feed({ kind: "start", durable });
    this.#checkpoints?.begin();
    return { records: journal?.records ?? 0, ...counts, replayMs: performance.now() - startedAt };
  }

  async #readAll() {
    const durable: unknown[] = [];
    await this.#parts.journal?.replay(0, ({ first, payloads }) => {
      for (const [index, payload] of payloads.entries()) {
        // Such a core has no use for a journal with a hole in it, and nobody to ask what was there.
        if (payload === undefined) throw new Error(`record ${first + index} of the journal is damaged`);
        durable.push(this.#recorded(this.#parts.codec.decode(payload)));
      }
    });
    return { durable, replayed: durable.length, damaged: 0 };
  }

  async #replayInBatches() {
    const checkpoint = await this.#checkpoints?.load();
    if (checkpoint) this.#feed({ kind: "restore", checkpoint: checkpoint.parts, through: checkpoint.through });
    let [replayed, damaged] = [0, 0];
    await this.#parts.journal?.replay(checkpoint?.through ?? 0, ({ first, payloads }) => {
      const records = payloads.map((payload): unknown | DamagedRecord => {
        if (payload !== undefined) return this.#recorded(this.#parts.codec.decode(payload));
        damaged += 1;
        return DAMAGED;
      });
      replayed += records.length;
      this.#feed({ kind: "replay", first, records });
    });
    return { durable: [], replayed, damaged };
  }

  #recorded<Durable>(record: Durable): Durable {
    this.#parts.checkpoints?.companion?.recorded(record);
    return record;
  }

  /** Gives the core an input that only a driver gives. */
  #feed(input: { readonly kind: string } & Readonly<Record<string, unknown>>): void {
    this.input(input as unknown as WithoutClock<Input>);
  }

  /** Gives the core one input; safe to call from within `perform`. */
  input(input: WithoutClock<Input>): void {
    if (this.#stopped) return;
    this.#later.push({ ...input, now: performance.now(), wall: Date.now() } as unknown as Input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#later.shift(); next !== undefined; next = this.#later.shift()) this.#step(next);
    } finally {
      this.#stepping = false;
    }
    this.#checkpoints?.makeIfDue();
    this.#armTimer();
  }

  /** Nothing goes in any more; a core that makes checkpoints makes a last one. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#checkpoints?.end();
  }

  #step(input: Input): void {
    this.steps += 1;
    for (const effect of this.#parts.core.step(input)) {
      if (effect.kind === "append") this.#append(effect as AppendEffect);
      else if (effect.kind === "readRecord") void this.#read(effect as ReadEffect);
      else if (effect.kind === "repairRecord") void this.#repair(effect as RepairEffect);
      else this.#outbox.push({ effect, synced: this.#syncedAppended, written: this.#writtenAppended });
    }
    this.#drain();
  }

  async #read({ number, token }: ReadEffect): Promise<void> {
    const { journal, codec } = this.#parts;
    if (!journal) throw new Error("a core without a journal reads records");
    // Whatever keeps the record from being read, the core's remedy is the same: get it from a peer.
    const record = await journal
      .read(number)
      .then(codec.decode)
      .catch(() => undefined);
    this.#feed({ kind: "recordRead", number, token, record });
  }

  async #repair({ number, record }: RepairEffect): Promise<void> {
    const { journal, codec } = this.#parts;
    if (!journal) throw new Error("a core without a journal repairs records");
    const ok = await journal.repair(number, codec.encode(record)).catch(() => false);
    this.#feed({ kind: "recordRepaired", number, ok });
  }

  #append({ record, durability }: AppendEffect): void {
    const { journal, codec, onPressure } = this.#parts;
    if (!journal) throw new Error("a core without a journal appended");
    this.#recorded(record);
    if (!this.#isPaused && journal.pendingBytes > PENDING_HIGH_BYTES) {
      this.#isPaused = true;
      onPressure?.(true);
    }
    if (durability === "synced") {
      this.#syncedAppended += 1;
      journal.append(codec.encode(record), "synced", () => {
        this.#syncedDurable += 1;
        this.#drain();
      });
    } else {
      this.#writtenAppended += 1;
      journal.append(codec.encode(record), "written", () => {
        this.#writtenDurable += 1;
        this.#drain();
      });
    }
  }

  #drain(): void {
    if (this.#isPaused && (this.#parts.journal?.pendingBytes ?? 0) < PENDING_LOW_BYTES) {
      this.#isPaused = false;
      this.#parts.onPressure?.(false);
    }
    const outbox = this.#outbox;
    while (this.#outboxHead < outbox.length) {
      const waiting = outbox[this.#outboxHead] as Waiting<Effect>;
      if (waiting.synced > this.#syncedDurable || waiting.written > this.#writtenDurable) break;
      this.#outboxHead += 1;
      if (waiting.effect.kind === "send") this.#parts.send(waiting.effect as SendEffect);
      else this.#parts.perform(waiting.effect as unknown as OwnEffect<Effect>);
    }
    if (this.#outboxHead === outbox.length) {
      outbox.length = 0;
      this.#outboxHead = 0;
    } else if (this.#outboxHead > 4096) {
      outbox.splice(0, this.#outboxHead);
      this.#outboxHead = 0;
    }
  }

  #armTimer(): void {
    const wakeAt = this.#parts.core.wakeAt ?? Number.POSITIVE_INFINITY;
    if (wakeAt === this.#timerAt) return;
    // An earlier timer may stay: it ticks early, finds nothing due, and arms the right one.
    if (wakeAt > this.#timerAt && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = wakeAt;
    if (wakeAt === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#timerAt = Number.POSITIVE_INFINITY;
        const due = this.#parts.core.wakeAt;
        if (due !== undefined && due <= performance.now())
          this.input({ kind: "tick" } as unknown as WithoutClock<Input>);
        else this.#armTimer();
      },
      Math.max(0, Math.ceil(wakeAt - performance.now())),
    );
  }
}

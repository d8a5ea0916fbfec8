/**
 * Runs one core in a process: input → step → journal → send. It keeps the duties of `core.ts`: what a core puts out
 * after an append leaves only when that append is durable, in the order the core put it out; ticks come when the core
 * asked for them; a start gets everything the journal holds.
 *
 * It does not know any component: what is neither append nor send goes to `perform`.
 */
import type { Core, SendEffect } from "@redoubt/protocol";
import type { Journal } from "../adapters/journal/index.ts";
import type { RecordCodec } from "./record-codec.ts";

type AppendEffect = { readonly kind: "append"; readonly record: unknown; readonly durability: "synced" | "written" };
export type AnyEffect = AppendEffect | SendEffect | { readonly kind: string };
export type AnyInput = { readonly kind: string; readonly now: number; readonly wall: number };

export interface DriverParts<Input extends AnyInput, Effect extends AnyEffect> {
  readonly core: Core<Input, Effect>;
  /** Undefined for components without durable state. */
  readonly journal: Journal | undefined;
  readonly codec: RecordCodec;
  readonly send: (effect: SendEffect) => void;
  readonly perform: (effect: Exclude<Effect, AppendEffect | SendEffect>) => void;
  /** Called with true when the disk falls behind, so that nothing more is read from the links until it has caught up. */
  readonly onPressure?: (isHigh: boolean) => void;
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
  steps = 0;

  constructor(parts: DriverParts<Input, Effect>) {
    this.#parts = parts;
  }

  /** Replays the journal and starts the core. */
  async start(): Promise<{ records: number; replayMs: number }> {
    const startedAt = performance.now();
    const durable: unknown[] = [];
    await this.#parts.journal?.replay((payload) => {
      durable.push(this.#parts.codec.decode(payload));
    });
    this.input({ kind: "start", durable } as unknown as WithoutClock<Input>);
    return { records: durable.length, replayMs: performance.now() - startedAt };
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
    this.#armTimer();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #step(input: Input): void {
    this.steps += 1;
    for (const effect of this.#parts.core.step(input)) {
      if (effect.kind === "append") this.#append(effect as AppendEffect);
      else this.#outbox.push({ effect, synced: this.#syncedAppended, written: this.#writtenAppended });
    }
    this.#drain();
  }

  #append({ record, durability }: AppendEffect): void {
    const { journal, codec, onPressure } = this.#parts;
    if (!journal) throw new Error("a core without a journal appended");
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
      else this.#parts.perform(waiting.effect as Exclude<Effect, AppendEffect | SendEffect>);
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

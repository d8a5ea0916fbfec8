/**
 * One simulated process: a core with its disk and the driver's duties of `core.ts`. Effects leave in order; what comes
 * after a synced append waits for the disk. A crash loses the core's memory and everything that has not left; of the batch
 * being synced any prefix may have reached the disk. A power cut also loses what was written lately and not yet synced.
 * A frozen process takes nothing in and catches up afterwards. A core that makes checkpoints makes them at random
 * moments and is started from any of them, or from none; it reads its records back.
 */
import type { Checkpoint, CheckpointedCore, CheckpointedEffect, Core, SendEffect } from "@redoubt/protocol";
import type { Component, ServerName } from "@redoubt/shared";
import { Disk } from "./disk.ts";
import type { SeededRandom } from "./random.ts";
import { compareWithReplay, drawCheckpoint, startInputs } from "./starting.ts";

type AppendEffect = { readonly kind: "append"; readonly record: unknown; readonly durability: "synced" | "written" };
export type HostEffect = AppendEffect | SendEffect | { readonly kind: string };
export type HostInput = { readonly kind: string; readonly now: number; readonly wall: number };
export type HostCore = Core<HostInput, HostEffect> &
  Partial<Pick<CheckpointedCore<HostInput, HostEffect>, "checkpoint">>;
type ReadEffect = Extract<CheckpointedEffect<unknown>, { kind: "readRecord" }>;
type RepairEffect = Extract<CheckpointedEffect<unknown>, { kind: "repairRecord" }>;

export interface HostPlan {
  readonly server: ServerName;
  readonly component: Component;
  readonly create: () => HostCore;
  /** Whether two checkpoints stand for one state; absent where starts from checkpoints are not compared with replays. */
  readonly isSameState?: (one: Checkpoint, other: Checkpoint) => boolean;
}

/** Effects of one kind, or whichever the function picks, or all. */
export type EffectFilter = string | ((effect: HostEffect) => boolean) | undefined;

/** What the world does for a host. */
export interface HostSurroundings {
  readonly now: () => number;
  readonly later: (delayMs: number, run: () => void) => void;
  readonly send: (from: Host, effect: SendEffect) => void;
  /** Every effect that is neither append nor send. */
  readonly perform: (from: Host, effect: HostEffect) => void;
}

/** Milliseconds since 1970 at virtual time zero; any constant will do. */
const WALL_AT_START = 1_700_000_000_000;
/** Clocks of different hosts agree this well. */
const WALL_ERROR_MS = 40;
const SYNC_MS = 0.2;
const READ_MS = 0.3;
/** Steps of the core per checkpoint, on average. */
const CHECKPOINT_STEPS = 150;

export class Host {
  readonly server: ServerName;
  readonly component: Component;
  /** Changes with every start: what belongs to an earlier life is dropped. */
  life = 0;
  running = false;
  core: HostCore;
  readonly disk = new Disk();
  readonly #plan: HostPlan;
  readonly #surroundings: HostSurroundings;
  readonly #random: SeededRandom;
  readonly #checkpointRandom: SeededRandom;
  #outbox: HostEffect[] = [];
  #syncing = false;
  #frozen = false;
  #backlog: { readonly kind: string }[] = [];
  #wakeAt = Number.POSITIVE_INFINITY;
  /** Monotonic clocks begin anywhere, and anew with every process: nothing may compare those of two. */
  #clockOffset = 0;
  readonly #wallError: number;
  /** A fault of the wall clock: off by so much since then, and running so much too fast. */
  #wallFault = { shiftMs: 0, drift: 0, since: 0 };
  /** Armed by {@link crashAfter}. */
  #fuse: { left: number; readonly only: EffectFilter; readonly crash: (effect: string) => void } | undefined;
  /** More while a fault makes the disk slow. */
  syncMs = SYNC_MS;

  constructor(plan: HostPlan, surroundings: HostSurroundings, random: SeededRandom) {
    this.server = plan.server;
    this.component = plan.component;
    this.#plan = plan;
    this.#surroundings = surroundings;
    this.#random = random;
    this.#checkpointRandom = random.fork(`checkpoints of ${plan.server}`);
    this.#wallError = Math.round(random.between(-WALL_ERROR_MS, WALL_ERROR_MS));
    this.core = plan.create();
  }

  start(): void {
    this.life += 1;
    this.running = true;
    this.core = this.#plan.create();
    this.#forget();
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#clockOffset = this.#random.below(1_000_000);
    if (!this.core.checkpoint) {
      const start = { kind: "start", durable: [...this.disk.records] };
      this.deliver(start);
      return;
    }
    const random = this.#checkpointRandom;
    const checkpoint = drawCheckpoint(this.disk, random);
    for (const input of startInputs(this.disk, checkpoint, random)) this.deliver(input);
    if (checkpoint) compareWithReplay(this.core, this.#plan, this.disk, random);
  }

  #forget(): void {
    this.#outbox = [];
    this.#backlog = [];
    this.#syncing = false;
    this.#frozen = false;
    this.#fuse = undefined;
  }

  /** Returns how many records that were on their way to the disk (`torn`), or in the system's memory (`tail`), are lost. */
  crash(how: "killed" | "power-cut"): { readonly torn: number; readonly tail: number } {
    this.running = false;
    const batch = this.#syncing ? leadingAppends(this.#outbox) : [];
    // The batch that was being synced may have reached the disk in part: any prefix of it.
    const reached = this.#random.below(batch.length + 1);
    for (const effect of batch.slice(0, reached)) this.disk.write(effect.record, this.#surroundings.now());
    this.#forget();
    this.disk.forgetPending();
    const tail = how === "power-cut" ? this.disk.tear(this.#surroundings.now(), this.#random) : 0;
    return { torn: batch.length - reached, tail };
  }

  freeze(forMs: number): void {
    if (!this.running || this.#frozen) return;
    this.#frozen = true;
    const life = this.life;
    this.#surroundings.later(forMs, () => {
      if (life === this.life) this.thaw();
    });
  }

  /** Takes in what has come meanwhile; without effect on a host that is not frozen. */
  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    for (const input of this.#backlog.splice(0)) this.deliver(input);
    this.#drain();
  }

  /** Gives the core one input; `now` and `wall` are added here. */
  deliver(input: { readonly kind: string }): void {
    if (!this.running) return;
    if (this.#frozen) {
      this.#backlog.push(input);
      return;
    }
    const now = this.#now();
    const effects = this.core.step({ ...input, now, wall: this.#wall() });
    if (effects.length > 0) {
      this.#outbox.push(...effects);
      this.#drain();
      // It may have died of one of them.
      if (!this.running) return;
    }
    this.#takeCheckpoint(input.kind);
    this.#armTick();
  }

  #takeCheckpoint(after: string): void {
    if (!this.core.checkpoint || after === "restore" || after === "replay") return;
    if (!this.#checkpointRandom.chance(1 / CHECKPOINT_STEPS)) return;
    const checkpoint = this.core.checkpoint();
    if (checkpoint) this.disk.saveCheckpoint(checkpoint);
  }

  #now(): number {
    return this.#surroundings.now() + this.#clockOffset;
  }

  #wall(): number {
    const now = this.#surroundings.now();
    const { shiftMs, drift, since } = this.#wallFault;
    return WALL_AT_START + this.#wallError + Math.floor(now + shiftMs + drift * (now - since));
  }

  /** The wall clock jumps and then runs too fast or too slowly; the monotonic one never does. */
  disturbClock(shiftMs: number, drift: number): void {
    this.#wallFault = { shiftMs, drift, since: this.#surroundings.now() };
  }

  /**
   * `crash` is called when that many effects (only those that pass the filter, where there is one) have been performed:
   * before the next, or, when that is a synced append, in the middle of it.
   */
  crashAfter(effects: number, only: EffectFilter, crash: (effect: string) => void): void {
    if (this.running) this.#fuse = { left: effects, only, crash };
  }

  /** Whether the process came to its end. */
  #burn(effect: HostEffect): boolean {
    const fuse = this.#fuse;
    if (!fuse || !passes(effect, fuse.only) || --fuse.left >= 0) return false;
    this.#fuse = undefined;
    fuse.crash(effect.kind);
    return !this.running;
  }

  #armTick(): void {
    const wakeAt = this.core.wakeAt;
    if (wakeAt === undefined || wakeAt >= this.#wakeAt) return;
    this.#wakeAt = wakeAt;
    const life = this.life;
    this.#surroundings.later(Math.max(0.05, wakeAt - this.#now()), () => {
      if (life !== this.life || !this.running || this.#wakeAt !== wakeAt) return;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.deliver({ kind: "tick" });
    });
  }

  #drain(): void {
    while (!this.#syncing && !this.#frozen && this.#outbox.length > 0) {
      const effect = this.#outbox[0] as HostEffect;
      if (isAppend(effect) && effect.durability === "synced") {
        this.#sync();
        this.#burn(effect);
        return;
      }
      if (this.#burn(effect)) return;
      this.#outbox.shift();
      if (isAppend(effect)) this.disk.write(effect.record, this.#surroundings.now());
      else if (effect.kind === "send") this.#surroundings.send(this, effect as SendEffect);
      else if (effect.kind === "readRecord") this.#read(effect as ReadEffect);
      else if (effect.kind === "repairRecord") this.#repair(effect as RepairEffect);
      else this.#surroundings.perform(this, effect);
    }
  }

  #read({ number, token }: ReadEffect): void {
    this.#answer(() => ({ kind: "recordRead", number, token, record: this.disk.read(number) }));
  }

  #repair({ number, record }: RepairEffect): void {
    this.#answer(() => ({ kind: "recordRepaired", number, ok: this.disk.repair(number, record) }));
  }

  /** The disk's answers come in any order. */
  #answer(compose: () => { readonly kind: string }): void {
    const life = this.life;
    this.#surroundings.later(READ_MS * this.#checkpointRandom.between(0.1, 2), () => {
      if (life === this.life) this.deliver(compose());
    });
  }

  /** Group commit: all appends at the head of the outbox go to the disk together. */
  #sync(): void {
    this.#syncing = true;
    const count = leadingAppends(this.#outbox).length;
    const life = this.life;
    this.#surroundings.later(this.syncMs * this.#random.between(0.3, 2), () => {
      if (life !== this.life || !this.running) return;
      this.#syncing = false;
      for (const effect of this.#outbox.splice(0, count))
        this.disk.write((effect as AppendEffect).record, this.#surroundings.now());
      this.disk.sync();
      this.#drain();
    });
  }

  /** Disk, clock and fuse are as they were at first. */
  heal(): void {
    this.syncMs = SYNC_MS;
    this.#fuse = undefined;
    this.disturbClock(0, 0);
  }

  healDisk(): void {
    this.syncMs = SYNC_MS;
  }
}

const passes = (effect: HostEffect, filter: EffectFilter): boolean =>
  typeof filter === "function" ? filter(effect) : filter === undefined || filter === effect.kind;

const isAppend = (effect: HostEffect): effect is AppendEffect => effect.kind === "append";

function leadingAppends(effects: readonly HostEffect[]): AppendEffect[] {
  const appends: AppendEffect[] = [];
  for (const effect of effects) {
    if (!isAppend(effect)) break;
    appends.push(effect);
  }
  return appends;
}

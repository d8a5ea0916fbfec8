/**
 * One simulated process: a core with its disk and the driver's duties of `core.ts`. Effects leave in order; what comes
 * after a synced append waits for the disk. A crash loses the core's memory, everything that has not left, and any part
 * of the unsynced tail of the disk.
 */
import type { Core, SendEffect } from "@redoubt/protocol";
import type { Component, ServerName } from "@redoubt/shared";
import type { SeededRandom } from "./random.ts";

type AppendEffect = { readonly kind: "append"; readonly record: unknown; readonly durability: "synced" | "written" };
export type HostEffect = AppendEffect | SendEffect | { readonly kind: string };
export type HostInput = { readonly kind: string; readonly now: number; readonly wall: number };

export interface HostPlan {
  readonly server: ServerName;
  readonly component: Component;
  readonly create: () => Core<HostInput, HostEffect>;
}

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

export class Host {
  readonly server: ServerName;
  readonly component: Component;
  /** Changes with every start: what belongs to an earlier life is dropped. */
  life = 0;
  running = false;
  core: Core<HostInput, HostEffect>;
  /** Durable records, append-only. */
  readonly disk: unknown[] = [];
  readonly #plan: HostPlan;
  readonly #surroundings: HostSurroundings;
  readonly #random: SeededRandom;
  #outbox: HostEffect[] = [];
  #syncing = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  /** Slow disk while a fault lasts. */
  syncMs = 0.2;

  constructor(plan: HostPlan, surroundings: HostSurroundings, random: SeededRandom) {
    this.server = plan.server;
    this.component = plan.component;
    this.#plan = plan;
    this.#surroundings = surroundings;
    this.#random = random;
    this.core = plan.create();
  }

  start(): void {
    this.life += 1;
    this.running = true;
    this.core = this.#plan.create();
    this.#outbox = [];
    this.#syncing = false;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    const start = { kind: "start", durable: [...this.disk] };
    this.deliver(start);
  }

  crash(): void {
    this.running = false;
    const pending = this.#outbox;
    this.#outbox = [];
    // The batch that was being synced may have reached the disk in part: any prefix of it.
    if (this.#syncing) {
      const batch = leadingAppends(pending);
      for (const effect of batch.slice(0, this.#random.below(batch.length + 1))) this.disk.push(effect.record);
    }
    this.#syncing = false;
  }

  /** Gives the core one input; `now` and `wall` are added here. */
  deliver(input: { readonly kind: string }): void {
    if (!this.running) return;
    const now = this.#surroundings.now();
    const effects = this.core.step({ ...input, now, wall: WALL_AT_START + Math.floor(now) });
    if (effects.length > 0) {
      this.#outbox.push(...effects);
      this.#drain();
    }
    this.#armTick();
  }

  #armTick(): void {
    const wakeAt = this.core.wakeAt;
    if (wakeAt === undefined || wakeAt >= this.#wakeAt) return;
    this.#wakeAt = wakeAt;
    const life = this.life;
    this.#surroundings.later(Math.max(0.05, wakeAt - this.#surroundings.now()), () => {
      if (life !== this.life || !this.running || this.#wakeAt !== wakeAt) return;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.deliver({ kind: "tick" });
    });
  }

  #drain(): void {
    while (!this.#syncing && this.#outbox.length > 0) {
      const effect = this.#outbox[0] as HostEffect;
      if (isAppend(effect) && effect.durability === "synced") {
        this.#sync();
        return;
      }
      this.#outbox.shift();
      if (isAppend(effect)) this.disk.push(effect.record);
      else if (effect.kind === "send") this.#surroundings.send(this, effect as SendEffect);
      else this.#surroundings.perform(this, effect);
    }
  }

  /** Group commit: all appends at the head of the outbox go to the disk together. */
  #sync(): void {
    this.#syncing = true;
    const count = leadingAppends(this.#outbox).length;
    const life = this.life;
    this.#surroundings.later(this.syncMs * this.#random.between(0.3, 2), () => {
      if (life !== this.life || !this.running) return;
      this.#syncing = false;
      for (const effect of this.#outbox.splice(0, count)) this.disk.push((effect as AppendEffect).record);
      this.#drain();
    });
  }
}

const isAppend = (effect: HostEffect): effect is AppendEffect => effect.kind === "append";

function leadingAppends(effects: readonly HostEffect[]): AppendEffect[] {
  const appends: AppendEffect[] = [];
  for (const effect of effects) {
    if (!isAppend(effect)) break;
    appends.push(effect);
  }
  return appends;
}

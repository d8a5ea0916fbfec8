/**
 * What this replica tells the administrator of its disk, by way of the masters: damage found, damage repaired. Repeated to
 * all masters until the primary has passed it on; the newest {@link EVENTS_MAX} are kept for that.
 */
import type { DamageEvent } from "@redoubt/shared";
import { send } from "../core.ts";
import { put, type Replica, type Turn } from "./context.ts";

const REPEAT_MS = 1_000;
const EVENTS_MAX = 256;

export class DamageReports {
  #events: DamageEvent[] = [];
  #lastNumber = 0;
  #sendAt: number | undefined;
  found = 0;
  repaired = 0;

  /** Numbers grow across restarts, so that events of two lives of one journal are told apart. */
  add(event: Omit<DamageEvent, "number" | "at">, now: number, wall: number): void {
    this.#lastNumber = Math.max(this.#lastNumber + 1, Math.floor(wall));
    this.#events.push({ ...event, number: this.#lastNumber, at: Math.floor(wall) });
    if (this.#events.length > EVENTS_MAX) this.#events.shift();
    if (event.state === "found") this.found += 1;
    else this.repaired += 1;
    this.#sendAt = now;
  }

  noted(through: number): void {
    this.#events = this.#events.filter(({ number }) => number > through);
    if (this.#events.length === 0) this.#sendAt = undefined;
  }

  run(replica: Replica, turn: Turn): void {
    if (this.#sendAt === undefined || turn.now < this.#sendAt) return;
    this.#sendAt = turn.now + REPEAT_MS;
    const message = { kind: "damage", events: [...this.#events] } as const;
    for (const master of replica.configuration.masters) put(turn, send("state-master", master, message));
  }

  get wakeAt(): number {
    return this.#sendAt ?? Number.POSITIVE_INFINITY;
  }
}

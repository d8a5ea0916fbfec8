/**
 * This member's keys for the tickets of each regulator epoch (PROTOCOL §2). The regulator makes each member's key known
 * when an epoch opens; a member that was away then, or lost its memory since, asks for it: without the key it can neither
 * serve a fetch nor take a change, and must not blame who sends them.
 */
import type { Epoch } from "@redoubt/shared";
import { send } from "../core.ts";
import { trimOldest } from "../recent.ts";
import { put, type Replica, type Turn } from "./context.ts";

/** Older regulator epochs are of interest only to changes under way. */
const KEYS_MAX = 16;
const ASK_AGAIN_MS = 200;

export class TicketKeys {
  readonly #keys = new Map<Epoch, string>();
  #askAt = 0;
  #isMissing = false;

  of(regulatorEpoch: Epoch): string | undefined {
    return this.#keys.get(regulatorEpoch);
  }

  has(regulatorEpoch: Epoch): boolean {
    return this.#keys.has(regulatorEpoch);
  }

  add(regulatorEpoch: Epoch, key: string): void {
    this.#keys.set(regulatorEpoch, key);
    trimOldest(this.#keys, KEYS_MAX);
  }

  /** Asks the regulator of the epoch that the masters named last. */
  run({ regulator }: Pick<Replica, "regulator">, turn: Turn): void {
    this.#isMissing = regulator.epoch > 0 && !this.#keys.has(regulator.epoch);
    if (!this.#isMissing || turn.now < this.#askAt) return;
    this.#askAt = turn.now + ASK_AGAIN_MS;
    const message = { kind: "askTicketKey", regulatorEpoch: regulator.epoch } as const;
    put(turn, send("traffic-regulator", regulator.server, message));
  }

  get wakeAt(): number {
    return this.#isMissing ? this.#askAt : Number.POSITIVE_INFINITY;
  }
}

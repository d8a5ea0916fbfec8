/**
 * The regulator's side of its bond with the state masters: following the decision stream in order, and claiming to be the
 * primary regulator (docs/PROTOCOL.md §2, §7). Knows positions and times, not what the decisions mean.
 */
import type { ServerName, Slot, SlotDecisions, StreamMessage } from "@redoubt/shared";

/** Nothing heard for this long: ask for the stream again. */
const SILENCE_MS = 300;
const CLAIM_REPEAT_MS = 300;
/** A hole in the stream is asked for at most this often. */
const HOLE_REPEAT_MS = 50;

export class MastersLink {
  readonly masters: readonly ServerName[];
  /** Tells the own grant of primacy from those of earlier processes of the same name. */
  nonce: string;
  /** Decisions up to and with this slot are taken in. */
  through: Slot = 0;
  #primary: ServerName | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #claimedAt = Number.NEGATIVE_INFINITY;
  claimed = false;

  constructor(masters: readonly ServerName[], nonce: string) {
    this.masters = masters;
    this.nonce = nonce;
  }

  /** Decisions to take in now, in order; `hole` when some before them are missing. */
  receive(message: StreamMessage, now: number): { readonly slots: readonly SlotDecisions[]; readonly hole: boolean } {
    this.#heardAt = now;
    if (this.masters.includes(message.primary)) this.#primary = message.primary;
    if (message.through <= this.through) return { slots: [], hole: false };
    if (message.after > this.through) return { slots: [], hole: true };
    const slots = message.slots.filter(({ slot }) => slot > this.through && slot <= message.through);
    this.through = message.through;
    return { slots, hole: false };
  }

  /** The grant was lost to an old claim: claim again under another nonce. */
  claimAgain(nonce: string): void {
    this.nonce = nonce;
    this.claimed = false;
  }

  isHeard(now: number, withinMs: number): boolean {
    return now - this.#heardAt <= withinMs;
  }

  /** Whom to ask for something only the primary can do; everybody while it is silent or unknown. */
  addressees(now: number): readonly ServerName[] {
    return this.#primary !== undefined && this.isHeard(now, 2 * SILENCE_MS) ? [this.#primary] : this.masters;
  }

  mayFollowForHole(now: number): boolean {
    if (now - this.#askedAt < HOLE_REPEAT_MS) return false;
    this.#askedAt = now;
    return true;
  }

  /** True when it is time to ask for the stream (again). */
  followDue(now: number): boolean {
    if (now < Math.max(this.#heardAt, this.#askedAt) + SILENCE_MS) return false;
    this.#askedAt = now;
    return true;
  }

  /** True when it is time to claim primacy (again). */
  claimDue(now: number): boolean {
    if (this.claimed || now < this.#claimedAt + CLAIM_REPEAT_MS) return false;
    this.#claimedAt = now;
    return true;
  }
}

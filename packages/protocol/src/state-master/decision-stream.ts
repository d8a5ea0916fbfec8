/**
 * The decisions in slot order, and who follows them (ADR 0003). Memory keeps a window of the newest; a follower that
 * was away for longer gets the older ones out of this master's database, and one that needs what no database keeps is
 * told so (`prunedThrough`): it needs a state transfer.
 */
import type { Component, Decision, ServerName, Slot, SlotDecisions, StreamMessage } from "@redoubt/shared";
import type { Sender } from "../core.ts";
import { MASTER_TIMES, type MasterContext } from "./context.ts";

export const STREAM_SLOTS_MAX = 256;
export const STREAM_BYTES_MAX = 512 * 1024;
/** Slots with decisions, and their bytes, kept in memory. */
const KEPT_SLOTS_MAX = 4096;
const KEPT_BYTES_MAX = 8 * 1024 * 1024;
/** Newest of them in a checkpoint where a database has the others: they are most of its bytes and of the time to read it. */
export const PACKED_SLOTS_MAX = 512;

export interface PackedStream {
  readonly keptAfter: Slot;
  readonly through: Slot;
  readonly slots: readonly SlotDecisions[];
}

export class DecisionStream {
  #slots: SlotDecisions[] = [];
  #bytes = 0;
  readonly #slotsMax: number;
  /** Everything after this slot is in … */
  keptAfter: Slot = 0;
  /** … up to this one. */
  through: Slot = 0;

  constructor(slotsMax: number = KEPT_SLOTS_MAX) {
    this.#slotsMax = slotsMax;
  }

  /** The next slot; one without decisions only moves {@link through}. */
  add(slot: Slot, at: number, decisions: readonly Decision[]): void {
    this.through = slot;
    if (decisions.length === 0) return;
    const added = { slot, at, decisions };
    this.#slots.push(added);
    this.#bytes += slotBytes(added);
    // A quarter goes at once, so that the array is not moved for every slot.
    if (this.#slots.length > this.#slotsMax * 1.25) this.#drop(this.#slots.length - this.#slotsMax);
    while (this.#bytes > KEPT_BYTES_MAX && this.#slots.length > 1) this.#drop(Math.ceil(this.#slots.length / 4));
  }

  #drop(count: number): void {
    for (const dropped of this.#slots.splice(0, count)) {
      this.#bytes -= slotBytes(dropped);
      this.keptAfter = dropped.slot;
    }
  }

  /** The newest `slotsMax` slots. */
  pack(slotsMax: number = Number.POSITIVE_INFINITY): PackedStream {
    const left = Math.max(0, this.#slots.length - slotsMax);
    const keptAfter = this.#slots[left - 1]?.slot ?? this.keptAfter;
    return { keptAfter, through: this.through, slots: this.#slots.slice(left) };
  }

  load({ keptAfter, through, slots }: PackedStream): void {
    this.keptAfter = keptAfter;
    this.through = through;
    this.#slots = [...slots];
    this.#bytes = slots.reduce((bytes, slot) => bytes + slotBytes(slot), 0);
  }

  /** What comes after a slot, as much as fits one message; undefined when it is not in memory any more. */
  chunk(after: Slot): { readonly through: Slot; readonly slots: SlotDecisions[] } | undefined {
    if (after < this.keptAfter) return undefined;
    const first = this.#indexAfter(after);
    const slots: SlotDecisions[] = [];
    let bytes = 0;
    for (let index = first; index < this.#slots.length; index++) {
      const slot = this.#slots[index] as SlotDecisions;
      bytes += slotBytes(slot);
      if (slots.length > 0 && (slots.length >= STREAM_SLOTS_MAX || bytes > STREAM_BYTES_MAX)) {
        return { through: (slots.at(-1) as SlotDecisions).slot, slots };
      }
      slots.push(slot);
    }
    return { through: Math.max(after, this.through), slots };
  }

  #indexAfter(after: Slot): number {
    let low = 0;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#slots[middle] as SlotDecisions).slot > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function slotBytes({ decisions }: SlotDecisions): number {
  let bytes = 32;
  for (const decision of decisions) {
    switch (decision.kind) {
      case "verified":
        bytes += 320 + decision.clusters.length * 8 + decision.testers.length * 24;
        break;
      case "settled":
        bytes += 128 + decision.clusters.length * 16 + (decision.survivors.length + decision.voided.length) * 160;
        break;
      case "epochOpened":
        bytes += 256 + decision.clusters.length * 16 + decision.invalid.length * 160;
        break;
      default:
        bytes += 256;
    }
  }
  return bytes;
}

const FOLLOWING = [
  "state-replica",
  "acceptance-test-server",
  "traffic-regulator",
  "configuration-manager",
] as const satisfies readonly Component[];
type FollowingComponent = (typeof FOLLOWING)[number];

interface Follower {
  readonly component: FollowingComponent;
  readonly server: ServerName;
  /** Sent up to here; a follower that missed something says so by `follow`. */
  position: Slot;
  sentAt: number;
  /** When its last question was answered. */
  answeredAt: number;
  /** When the database was asked for it. */
  lookedUpAt: number;
}

interface StreamPart {
  readonly through: Slot;
  readonly slots: readonly SlotDecisions[];
}

interface SlotsFound extends StreamPart {
  readonly prunedThrough: Slot;
}

/** A follower's questions are answered at most this often, so that one that lies about its place costs little. */
const ANSWER_PAUSE_MS = 10;

/** Senders are certified servers, so their number is bounded by the cluster's size. */
export class Followers {
  readonly #context: MasterContext;
  readonly #stream: DecisionStream;
  readonly #followers = new Map<string, Follower>();
  readonly #lookUp: (to: Sender, after: Slot) => void;

  constructor(context: MasterContext, stream: DecisionStream, lookUp: (to: Sender, after: Slot) => void) {
    this.#context = context;
    this.#stream = stream;
    this.#lookUp = lookUp;
  }

  follow(from: Sender, after: Slot, primary: ServerName): void {
    const component = FOLLOWING.find((name) => name === from.component);
    if (!component || !Number.isSafeInteger(after) || after < 0) return;
    const { now } = this.#context;
    const key = `${component}/${from.server}`;
    const known = this.#followers.get(key);
    const answeredAt = known?.answeredAt ?? Number.NEGATIVE_INFINITY;
    const mayAnswer = now >= answeredAt + ANSWER_PAUSE_MS;
    const follower = {
      ...{ component, server: from.server, position: after, sentAt: now },
      answeredAt: mayAnswer ? now : answeredAt,
      lookedUpAt: known?.lookedUpAt ?? Number.NEGATIVE_INFINITY,
    };
    this.#followers.set(key, follower);
    if (mayAnswer) this.#send(follower, primary);
  }

  /** What the database holds for a follower that was away for long. */
  found(to: Sender, after: Slot, found: SlotsFound | undefined, primary: ServerName): void {
    const follower = this.#followers.get(`${to.component}/${to.server}`);
    if (follower?.position !== after) return;
    follower.lookedUpAt = Number.NEGATIVE_INFINITY;
    if (!found) return;
    const { prunedThrough, through, slots } = found;
    if (after < prunedThrough) {
      this.#tell(follower, { through: after, slots: [] }, primary, { prunedThrough });
    } else if (through > after) this.#tell(follower, { through, slots }, primary);
  }

  /** On the primary, after slots were applied: to everybody who is up to date. */
  push(primary: ServerName, before: Slot): void {
    const shared = this.#stream.chunk(before);
    for (const follower of this.#followers.values()) {
      if (follower.position === before) this.#send(follower, primary, shared);
    }
  }

  /** On the primary, every {@link MASTER_TIMES.dutyMs}: the next part to those behind, a sign of life to the others. */
  run(primary: ServerName): void {
    const { now } = this.#context;
    for (const follower of this.#followers.values()) {
      const isBehind = follower.position < this.#stream.through;
      if (isBehind || now >= follower.sentAt + MASTER_TIMES.followerHeartbeatMs) this.#send(follower, primary);
    }
  }

  /**
   * A new primary takes everybody for up to date and says where it is: whoever is not sees the hole and asks. What it
   * remembers from its time as a backup is old.
   */
  takeOver(primary: ServerName): void {
    for (const follower of this.#followers.values()) {
      follower.position = this.#stream.through;
      this.#send(follower, primary);
    }
  }

  #send(follower: Follower, primary: ServerName, part = this.#stream.chunk(follower.position)): void {
    if (part) {
      this.#tell(follower, part, primary);
      return;
    }
    const { now } = this.#context;
    if (now < follower.lookedUpAt + MASTER_TIMES.lookupResendMs) return;
    follower.lookedUpAt = now;
    follower.sentAt = now;
    this.#lookUp({ component: follower.component, server: follower.server }, follower.position);
  }

  #tell(follower: Follower, part: StreamPart, primary: ServerName, more: { readonly prunedThrough?: Slot } = {}): void {
    const message: StreamMessage = { kind: "stream", after: follower.position, ...part, primary, ...more };
    this.#context.send(follower.component, follower.server, message);
    follower.position = part.through;
    follower.sentAt = this.#context.now;
  }
}

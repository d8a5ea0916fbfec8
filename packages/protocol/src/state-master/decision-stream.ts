/**
 * The decisions in slot order, and who follows them (ADR 0003).
 *
 * Stated limit: every decision since the first slot is kept in memory; nothing here truncates.
 */
import type { Component, Decision, ServerName, Slot, SlotDecisions, StreamMessage } from "@redoubt/shared";
import type { Sender } from "../core.ts";
import { MASTER_TIMES, type MasterContext } from "./context.ts";

export const STREAM_SLOTS_MAX = 256;
export const STREAM_BYTES_MAX = 512 * 1024;

export class DecisionStream {
  readonly #slots: SlotDecisions[] = [];
  /** Everything up to this slot is in. */
  through: Slot = 0;

  /** The next slot; one without decisions only moves {@link through}. */
  add(slot: Slot, at: number, decisions: readonly Decision[]): void {
    if (decisions.length > 0) this.#slots.push({ slot, at, decisions });
    this.through = slot;
  }

  /** What comes after a slot, as much as fits one message. */
  chunk(after: Slot): { readonly through: Slot; readonly slots: SlotDecisions[] } {
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
}

/** A follower's questions are answered at most this often, so that one that lies about its place costs little. */
const ANSWER_PAUSE_MS = 10;

/** Senders are certified servers, so their number is bounded by the cluster's size. */
export class Followers {
  readonly #context: MasterContext;
  readonly #stream: DecisionStream;
  readonly #followers = new Map<string, Follower>();

  constructor(context: MasterContext, stream: DecisionStream) {
    this.#context = context;
    this.#stream = stream;
  }

  follow(from: Sender, after: Slot, primary: ServerName): void {
    const component = FOLLOWING.find((name) => name === from.component);
    if (!component || !Number.isSafeInteger(after) || after < 0) return;
    const { now } = this.#context;
    const key = `${component}/${from.server}`;
    const answeredAt = this.#followers.get(key)?.answeredAt ?? Number.NEGATIVE_INFINITY;
    const mayAnswer = now >= answeredAt + ANSWER_PAUSE_MS;
    const follower = {
      ...{ component, server: from.server, position: after, sentAt: now },
      answeredAt: mayAnswer ? now : answeredAt,
    };
    this.#followers.set(key, follower);
    if (mayAnswer) this.#send(follower, primary);
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
    const message: StreamMessage = { kind: "stream", after: follower.position, ...part, primary };
    this.#context.send(follower.component, follower.server, message);
    follower.position = part.through;
    follower.sentAt = this.#context.now;
  }
}

/**
 * What a leader keeps while it leads: commands waiting for a slot, votes for the slots in flight, and when each peer was
 * last sent to and heard from. It makes no effects of its own; `paxos.ts` turns what it returns into messages.
 */
import type { Ballot, PaxosEntry, ServerName, Slot } from "@redoubt/shared";
import { majority } from "../../quorum.ts";
import { compareBallots } from "./ballot.ts";
import { PAXOS_LIMITS } from "./timing.ts";

interface PeerContact {
  heardAt: number;
  heartbeatAt: number;
  resentAt: number;
  durableThrough: Slot;
}

interface Vote {
  /** Bit per member by index. */
  members: number;
  sentAt: number;
}

export class Proposer<Command> {
  readonly ballot: Ballot;
  /** Slots up to this one may have been decided by earlier leaders; nothing is known for sure before they are decided here. */
  readonly barrier: Slot;
  nextSlot: Slot;
  readonly peers: ReadonlyMap<ServerName, PeerContact>;
  readonly #members: readonly ServerName[];
  readonly #votes = new Map<Slot, Vote>();
  #queue: Command[] = [];
  #queueAt = 0;

  constructor(ballot: Ballot, members: readonly ServerName[], barrier: Slot, now: number) {
    this.ballot = ballot;
    this.barrier = barrier;
    this.nextSlot = barrier + 1;
    this.#members = members;
    this.peers = new Map(
      members
        .filter((_, index) => index !== ballot.master)
        .map((member) => [member, { heardAt: now, heartbeatAt: now, resentAt: now, durableThrough: 0 }]),
    );
  }

  get queued(): number {
    return this.#queue.length - this.#queueAt;
  }

  enqueue(commands: readonly Command[]): void {
    const room = PAXOS_LIMITS.queuedCommandsMax - this.queued;
    for (const command of commands.slice(0, Math.max(0, room))) this.#queue.push(command);
  }

  /** The commands of the next slot; undefined when nothing waits or the window is full. */
  nextBatch(decidedThrough: Slot, sizeOf: (command: Command) => number): Command[] | undefined {
    if (this.queued === 0 || this.nextSlot - decidedThrough > PAXOS_LIMITS.windowSlots) return undefined;
    const batch: Command[] = [];
    let bytes = 0;
    while (this.queued > 0 && batch.length < PAXOS_LIMITS.batchCommandsMax) {
      const command = this.#queue[this.#queueAt] as Command;
      bytes += sizeOf(command);
      if (bytes > PAXOS_LIMITS.batchBytesMax && batch.length > 0) break;
      batch.push(command);
      this.#queueAt += 1;
    }
    if (this.#queueAt === this.#queue.length || this.#queueAt > 4096) {
      this.#queue = this.#queue.slice(this.#queueAt);
      this.#queueAt = 0;
    }
    return batch;
  }

  /** The leader's own vote, which its accept message carries to the others only once it is durable. */
  open(slot: Slot, now: number): void {
    this.#votes.set(slot, { members: 1 << this.ballot.master, sentAt: now });
  }

  vote(slot: Slot, member: ServerName): void {
    const vote = this.#votes.get(slot);
    if (vote) vote.members |= 1 << this.#members.indexOf(member);
  }

  hasMajority(slot: Slot): boolean {
    const vote = this.#votes.get(slot);
    return vote !== undefined && countBits(vote.members) >= majority(this.#members.length);
  }

  close(slot: Slot): void {
    this.#votes.delete(slot);
  }

  /** Slots that a peer has had time to accept and has not; looked for once per resend time. */
  takeOverdue(member: ServerName, decidedThrough: Slot, now: number): Slot[] {
    const peer = this.peers.get(member);
    if (!peer || now < peer.resentAt + PAXOS_LIMITS.resendMs) return [];
    const bit = 1 << this.#members.indexOf(member);
    const slots: Slot[] = [];
    peer.resentAt = now;
    for (let slot = decidedThrough + 1; slot < this.nextSlot; slot++) {
      const vote = this.#votes.get(slot);
      if (vote && (vote.members & bit) === 0 && now >= vote.sentAt + PAXOS_LIMITS.resendMs) slots.push(slot);
    }
    return slots;
  }

  sentHeartbeat(member: ServerName, now: number): void {
    const peer = this.peers.get(member);
    if (peer) peer.heartbeatAt = now;
  }

  isHeartbeatDue(member: ServerName, now: number): boolean {
    const peer = this.peers.get(member);
    return peer !== undefined && now >= peer.heartbeatAt + PAXOS_LIMITS.heartbeatMs;
  }

  heard(member: ServerName, now: number, durableThrough: Slot | undefined): void {
    const peer = this.peers.get(member);
    if (!peer) return;
    peer.heardAt = now;
    if (durableThrough !== undefined) peer.durableThrough = Math.max(peer.durableThrough, durableThrough);
  }

  /** Whether a majority, this leader included, has answered lately. */
  isInContact(now: number): boolean {
    let count = 1;
    for (const peer of this.peers.values()) if (now < peer.heardAt + PAXOS_LIMITS.contactLostMs) count += 1;
    return count >= majority(this.#members.length);
  }

  /** Slot that every member durably knows as decided. */
  durableEverywhere(own: Slot): Slot {
    let through = own;
    for (const peer of this.peers.values()) through = Math.min(through, peer.durableThrough);
    return through;
  }

  get wakeAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const peer of this.peers.values()) at = Math.min(at, peer.heartbeatAt + PAXOS_LIMITS.heartbeatMs);
    return at;
  }
}

/** A candidate's collection of promises; what earlier leaders may have decided is the highest-ballot entry per slot. */
export class Candidacy<Command> {
  readonly ballot: Ballot;
  readonly granted = new Set<ServerName>();
  /** Where each peer's answer goes on, for answers that did not fit one message. */
  readonly askFrom = new Map<ServerName, Slot>();
  readonly recovered = new Map<Slot, PaxosEntry<Command>>();
  sentAt: number;
  readonly deadline: number;

  constructor(ballot: Ballot, now: number, deadline: number) {
    this.ballot = ballot;
    this.sentAt = now;
    this.deadline = deadline;
  }

  recover(entries: readonly PaxosEntry<Command>[]): void {
    for (const entry of entries) {
      const known = this.recovered.get(entry.slot);
      if (!known || compareBallots(known.ballot, entry.ballot) < 0) this.recovered.set(entry.slot, entry);
    }
  }
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

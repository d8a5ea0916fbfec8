/**
 * What a leader keeps while it leads: commands waiting for a slot, votes for the slots in flight, and when each peer was
 * last sent to and heard from, and under which identity. It makes no effects of its own; `leading.ts` turns what it
 * returns into messages.
 */
import {
  type Ballot,
  FIRST_IDENTITY,
  type MasterMembership,
  type PaxosEntry,
  type ServerName,
  type Slot,
} from "@redoubt/shared";
import { compareBallots } from "./ballot.ts";
import type { MessageOf } from "./machine.ts";
import { quorumOf, seatOf } from "./membership.ts";
import { PAXOS_LIMITS } from "./timing.ts";

interface PeerContact {
  heardAt: number;
  heartbeatAt: number;
  resentAt: number;
  durableThrough: Slot;
  appliedThrough: Slot;
  /** The newest question it answered. */
  answered: number;
  /** Its journal, as last said; undefined before the first answer. */
  identity: string | undefined;
}

interface Vote {
  readonly seats: Set<number>;
  sentAt: number;
}

export class Proposer<Command> {
  readonly ballot: Ballot;
  /** Slots up to this one may have been decided by earlier leaders; nothing is known for sure before they are decided here. */
  readonly barrier: Slot;
  readonly masters: MasterMembership;
  nextSlot: Slot;
  /** Slot of a proposed membership: nothing is proposed behind it. */
  blockedAt: Slot | undefined;
  /** A membership that waits for its slot. */
  wanted: MasterMembership | undefined;
  readonly peers = new Map<ServerName, PeerContact>();
  readonly #now: number;
  readonly #votes = new Map<Slot, Vote>();
  #queue: Command[] = [];
  #queueAt = 0;

  constructor(ballot: Ballot, masters: MasterMembership, peers: readonly ServerName[], barrier: Slot, now: number) {
    this.ballot = ballot;
    this.barrier = barrier;
    this.nextSlot = barrier + 1;
    this.masters = masters;
    this.#now = now;
    for (const peer of peers) this.addPeer(peer);
  }

  addPeer(server: ServerName): void {
    if (this.peers.has(server)) return;
    const now = this.#now;
    this.peers.set(server, {
      ...{ heardAt: now, heartbeatAt: now, resentAt: now, durableThrough: 0, appliedThrough: 0, answered: 0 },
      identity: undefined,
    });
  }

  get queued(): number {
    return this.#queue.length - this.#queueAt;
  }

  enqueue(commands: readonly Command[]): void {
    const room = PAXOS_LIMITS.queuedCommandsMax - this.queued;
    for (const command of commands.slice(0, Math.max(0, room))) this.#queue.push(command);
  }

  hasRoom(decidedThrough: Slot): boolean {
    return this.blockedAt === undefined && this.nextSlot - decidedThrough <= PAXOS_LIMITS.windowSlots;
  }

  /** The commands of the next slot; undefined when nothing waits or the window is full. */
  nextBatch(decidedThrough: Slot, sizeOf: (command: Command) => number): Command[] | undefined {
    if (this.queued === 0 || !this.hasRoom(decidedThrough)) return undefined;
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
    this.#votes.set(slot, { seats: new Set([this.ballot.master]), sentAt: now });
  }

  /** Counts for a seat, not for a server: a journal that was lost takes its vote with it. */
  vote(slot: Slot, server: ServerName, identity: string | undefined): void {
    const seat = seatOf(this.masters, server, identity);
    if (seat) this.#votes.get(slot)?.seats.add(seat.seat);
  }

  hasMajority(slot: Slot): boolean {
    const vote = this.#votes.get(slot);
    return vote !== undefined && vote.seats.size >= quorumOf(this.masters);
  }

  close(slot: Slot): void {
    this.#votes.delete(slot);
  }

  /** Slots that a peer has had time to accept and has not; looked for once per resend time. */
  takeOverdue(server: ServerName, decidedThrough: Slot, now: number): Slot[] {
    const peer = this.peers.get(server);
    if (!peer || now < peer.resentAt + PAXOS_LIMITS.resendMs) return [];
    const seat = seatOf(this.masters, server, peer.identity);
    const slots: Slot[] = [];
    peer.resentAt = now;
    for (let slot = decidedThrough + 1; slot < this.nextSlot; slot++) {
      const vote = this.#votes.get(slot);
      if (!vote || now < vote.sentAt + PAXOS_LIMITS.resendMs) continue;
      if (!seat || !vote.seats.has(seat.seat)) slots.push(slot);
    }
    return slots;
  }

  sentHeartbeat(server: ServerName, now: number): void {
    const peer = this.peers.get(server);
    if (peer) peer.heartbeatAt = now;
  }

  isHeartbeatDue(server: ServerName, now: number): boolean {
    const peer = this.peers.get(server);
    return peer !== undefined && now >= peer.heartbeatAt + PAXOS_LIMITS.heartbeatMs;
  }

  heard(server: ServerName, now: number, answer: MessageOf<"accepted">): void {
    const peer = this.peers.get(server);
    if (!peer) return;
    const identity = answer.identity ?? FIRST_IDENTITY;
    if (peer.identity !== identity) {
      peer.identity = identity;
      peer.durableThrough = 0;
      peer.appliedThrough = 0;
    }
    peer.heardAt = now;
    peer.durableThrough = Math.max(peer.durableThrough, answer.durableThrough ?? 0);
    peer.appliedThrough = Math.max(peer.appliedThrough, answer.appliedThrough ?? 0);
    if (isCurrent(answer.ballot, this.ballot)) peer.answered = Math.max(peer.answered, answer.answers ?? 0);
  }

  #members(): PeerContact[] {
    return [...this.peers].flatMap(([server, peer]) =>
      peer.identity === undefined || !seatOf(this.masters, server, peer.identity) ? [] : [peer],
    );
  }

  /** Whether a majority, this leader included, has answered lately. Before its first answer a peer is given the time for it. */
  isInContact(now: number): boolean {
    let count = 1;
    for (const [server, peer] of this.peers) {
      const isSeat = this.masters.seats.some(
        (seat) => seat.server === server && seat.identity === (peer.identity ?? seat.identity),
      );
      if (isSeat && now < peer.heardAt + PAXOS_LIMITS.contactLostMs) count += 1;
    }
    return count >= quorumOf(this.masters);
  }

  /** The newest value that a majority of the members has reached, this leader's own included. */
  #byMajority(own: number, of: (peer: PeerContact) => number): number | undefined {
    const values = [own, ...this.#members().map(of)].sort((a, b) => b - a);
    return values[quorumOf(this.masters) - 1];
  }

  /** Slot through which a majority has everything durably, databases included; undefined before a majority has said. */
  appliedByMajority(own: Slot): Slot | undefined {
    return this.#byMajority(own, (peer) => peer.appliedThrough);
  }

  /** The newest question that a majority answered: when it was asked, nobody else could lead. */
  confirmed(): number {
    return this.#byMajority(Number.MAX_SAFE_INTEGER, (peer) => peer.answered) ?? 0;
  }

  /** Slot that everybody it sends to durably knows as decided. */
  durableEverywhere(own: Slot): Slot {
    let through = own;
    for (const peer of this.peers.values()) through = Math.min(through, peer.durableThrough);
    return through;
  }

  /** The member that knows most of those heard from lately. */
  mostAdvanced(now: number): ServerName | undefined {
    let best: { readonly server: ServerName; readonly durableThrough: Slot } | undefined;
    for (const [server, { identity, heardAt, durableThrough }] of this.peers) {
      if (identity === undefined || !seatOf(this.masters, server, identity)) continue;
      if (now >= heardAt + PAXOS_LIMITS.heartbeatMs * 3) continue;
      if (!best || durableThrough > best.durableThrough) best = { server, durableThrough };
    }
    return best?.server;
  }

  get wakeAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const peer of this.peers.values()) at = Math.min(at, peer.heartbeatAt + PAXOS_LIMITS.heartbeatMs);
    return at;
  }
}

const isCurrent = (ballot: Ballot, own: Ballot): boolean => compareBallots(ballot, own) === 0;

/** A candidate's collection of promises; what earlier leaders may have decided is the highest-ballot entry per slot. */
export class Candidacy<Command> {
  readonly ballot: Ballot;
  /** Under identities that have seats. */
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

/**
 * Multi-Paxos with a stable leader, as a pure state machine (docs/PROTOCOL.md §8).
 *
 * Intuition: a leader owns a ballot. It won it by learning from a majority everything they ever accepted, so from then
 * on it may fill slot after slot with one round trip each, many in flight. Whoever hears of a higher ballot follows it.
 * A master asks politely first (pre-vote), so that one that was merely cut off does not depose a working leader.
 *
 *   follower ──silence──▶ preVote ──majority──▶ candidate ──majority──▶ leader
 *       ▲                                            │ refused              │ refused, or no majority in contact
 *       └────────────────────────────────────────────┴──────────────────────┘
 *   (preVote and candidate start over with preVote when they take too long)
 *
 * Safe under any loss, duplication, reordering and crash, given that sends leave after the appends in front of them are
 * durable. Not done here: changes of membership, snapshots for a master that lost its journal.
 */
import type { PaxosEntry, PaxosMessage, ServerName, Slot } from "@redoubt/shared";
import { unreachable } from "@redoubt/shared";
import type { Instant } from "../../core.ts";
import { askForVotes, onPrepare, onPreVote, onPreVoted, onPromised, startPreVote } from "./election.ts";
import { onAccept, onDecided, onHeartbeat, sendDecided } from "./following.ts";
import { lead, onAccepted, pump } from "./leading.ts";
import { Machine } from "./machine.ts";
import type { Paxos, PaxosConfiguration, PaxosEffect, PaxosRecord } from "./paxos-types.ts";
import { PAXOS_LIMITS } from "./timing.ts";

export const createPaxos = <Command>(configuration: PaxosConfiguration<Command>): Paxos<Command> =>
  new PaxosMachine(configuration);

class PaxosMachine<Command> implements Paxos<Command> {
  readonly #machine: Machine<Command>;

  constructor(configuration: PaxosConfiguration<Command>) {
    this.#machine = new Machine(configuration);
  }

  start(durable: readonly PaxosRecord<Command>[], instant: Instant): PaxosEffect<Command>[] {
    const machine = this.#machine;
    machine.at(instant);
    for (const record of durable) machine.log.replay(record);
    machine.sawRound(machine.log.promised);
    machine.checkpointAt = machine.now + PAXOS_LIMITS.checkpointMs;
    if (machine.members.length === 1) startPreVote(machine);
    else machine.follow(undefined);
    return machine.takeEffects();
  }

  receive(from: ServerName, message: PaxosMessage, instant: Instant): PaxosEffect<Command>[] {
    const machine = this.#machine;
    machine.at(instant);
    if (from !== machine.self && machine.members.includes(from)) route(machine, from, message);
    return machine.takeEffects();
  }

  tick(instant: Instant): PaxosEffect<Command>[] {
    const machine = this.#machine;
    machine.at(instant);
    const { role, now } = machine;
    if (role.kind === "leader") lead(machine, role.proposer);
    else if (role.kind === "follower") {
      if (now >= role.electionAt) startPreVote(machine);
    } else if (now >= role.candidacy.deadline) startPreVote(machine);
    else if (now >= role.candidacy.sentAt + PAXOS_LIMITS.resendMs) askForVotes(machine);
    return machine.takeEffects();
  }

  propose(commands: readonly Command[], instant: Instant): PaxosEffect<Command>[] {
    const machine = this.#machine;
    machine.at(instant);
    if (machine.role.kind === "leader") {
      machine.role.proposer.enqueue(commands);
      pump(machine, machine.role.proposer);
    }
    return machine.takeEffects();
  }

  takeDecided(): PaxosEntry<Command>[] {
    return this.#machine.log.take();
  }

  get isLeader(): boolean {
    const { role, log } = this.#machine;
    return role.kind === "leader" && log.decidedThrough >= role.proposer.barrier;
  }

  get leader(): ServerName | undefined {
    const { role, self, leader } = this.#machine;
    return role.kind === "leader" ? self : leader;
  }

  get decidedThrough(): Slot {
    return this.#machine.log.decidedThrough;
  }

  get backlog(): number {
    const { role, log } = this.#machine;
    return role.kind === "leader" ? role.proposer.queued + role.proposer.nextSlot - 1 - log.decidedThrough : 0;
  }

  get wakeAt(): number {
    const { role, checkpointAt } = this.#machine;
    if (role.kind === "follower") return role.electionAt;
    if (role.kind === "leader") return Math.min(role.proposer.wakeAt, checkpointAt);
    return Math.min(role.candidacy.deadline, role.candidacy.sentAt + PAXOS_LIMITS.resendMs);
  }
}

function route<Command>(machine: Machine<Command>, from: ServerName, message: PaxosMessage): void {
  if ("ballot" in message) machine.sawRound(message.ballot);
  switch (message.kind) {
    case "preVote":
      onPreVote(machine, from, message);
      break;
    case "preVoted":
      onPreVoted(machine, from, message);
      break;
    case "prepare":
      onPrepare(machine, from, message);
      break;
    case "promised":
      onPromised(machine, from, message);
      break;
    case "accept":
      onAccept(machine, from, message);
      break;
    case "accepted":
      onAccepted(machine, from, message);
      break;
    case "heartbeat":
      onHeartbeat(machine, from, message);
      break;
    case "catchUp":
      sendDecided(machine, from, message.fromSlot);
      break;
    case "decided":
      onDecided(machine, from, message.entries as readonly PaxosEntry<Command>[]);
      break;
    default:
      unreachable(message);
  }
}

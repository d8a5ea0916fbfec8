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
 * durable; and under the loss of journals, as long as no more than f of them have not been replaced (`membership.ts`,
 * ADR 0011): a vote is a journal's, not a server's.
 */
import type { MasterMembership, PaxosEntry, PaxosMessage, ServerName, Slot } from "@redoubt/shared";
import { unreachable } from "@redoubt/shared";
import type { Instant, RecordNumber } from "../../core.ts";
import { askForVotes, onPrepare, onPreVote, onPreVoted, onPromised, startPreVote } from "./election.ts";
import { onAccept, onCatchUp, onDecided, onHeartbeat, onTakeOver } from "./following.ts";
import { askWhetherLeading, changeMasters, handOver, lead, onAccepted, pump } from "./leading.ts";
import { Machine } from "./machine.ts";
import type {
  InstalledSnapshot,
  Paxos,
  PaxosCheckpoint,
  PaxosConfiguration,
  PaxosEffect,
  PaxosRecord,
} from "./paxos-types.ts";
import { askForPart, offerSnapshot, onFetchSnapshot, onSnapshotOffer, onSnapshotPart } from "./snapshots.ts";
import { PAXOS_LIMITS } from "./timing.ts";

export const createPaxos = <Command>(configuration: PaxosConfiguration<Command>): Paxos<Command> =>
  new PaxosMachine(configuration);

class PaxosMachine<Command> implements Paxos<Command> {
  readonly #machine: Machine<Command>;

  constructor(configuration: PaxosConfiguration<Command>) {
    this.#machine = new Machine(configuration);
  }

  restore(checkpoint: PaxosCheckpoint<Command>): void {
    this.#machine.restore(checkpoint);
  }

  replay(records: readonly PaxosRecord<Command>[], first: RecordNumber): void {
    this.#machine.marks.startAt(first);
    for (const record of records) this.#machine.replay(record);
  }

  start(durable: readonly PaxosRecord<Command>[], instant: Instant): PaxosEffect<Command>[] {
    const machine = this.#machine;
    const { identity, members } = machine.configuration;
    machine.at(instant);
    for (const record of durable) machine.replay(record);
    if (machine.marks.records === 0 && identity !== undefined) {
      machine.identity = identity;
      machine.append({ kind: "identity", identity, members });
    }
    machine.sawRound(machine.log.promised);
    machine.checkpointAt = machine.now + PAXOS_LIMITS.checkpointMs;
    if (machine.masters.seats.length === 1 && machine.isVoter) startPreVote(machine);
    else machine.follow(undefined);
    return machine.takeEffects();
  }

  receive(from: ServerName, message: PaxosMessage, instant: Instant): PaxosEffect<Command>[] {
    const machine = this.#machine;
    machine.at(instant);
    if (from !== machine.self && (machine.isKnown(from) || isLearning(message))) route(machine, from, message);
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
    askForPart(machine);
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

  changeMasters(servers: readonly ServerName[], instant: Instant): PaxosEffect<Command>[] {
    this.#machine.at(instant);
    changeMasters(this.#machine, servers);
    return this.#machine.takeEffects();
  }

  handOver(instant: Instant): PaxosEffect<Command>[] {
    this.#machine.at(instant);
    handOver(this.#machine);
    return this.#machine.takeEffects();
  }

  confirm(instant: Instant): { readonly number: number; readonly effects: PaxosEffect<Command>[] } {
    this.#machine.at(instant);
    askWhetherLeading(this.#machine);
    return { number: this.#machine.question, effects: this.#machine.takeEffects() };
  }

  databaseApplied(slot: Slot): void {
    this.#machine.databaseThrough = slot;
  }

  abstain(holds: boolean, instant: Instant): PaxosEffect<Command>[] {
    const machine = this.#machine;
    machine.at(instant);
    if (holds && !machine.isAbstaining && machine.role.kind === "leader") handOver(machine);
    machine.isAbstaining = holds;
    if (holds && machine.role.kind !== "follower") machine.follow(undefined);
    return machine.takeEffects();
  }

  takeInstalled(): InstalledSnapshot | undefined {
    return this.#machine.snapshots.takeInstalled();
  }

  takeDecided(): PaxosEntry<Command>[] {
    return this.#machine.log.take();
  }

  checkpoint(): PaxosCheckpoint<Command> {
    return this.#machine.checkpoint();
  }

  get isLeader(): boolean {
    const { role, log } = this.#machine;
    return role.kind === "leader" && log.decidedThrough >= role.proposer.barrier;
  }

  get term(): number {
    return this.#machine.term;
  }

  get confirmed(): number {
    const { role, question } = this.#machine;
    return role.kind === "leader" ? Math.min(question, role.proposer.confirmed()) : 0;
  }

  get leader(): ServerName | undefined {
    const { role, self, leader } = this.#machine;
    return role.kind === "leader" ? self : leader;
  }

  get decidedThrough(): Slot {
    return this.#machine.log.decidedThrough;
  }

  get truncatedThrough(): Slot {
    return this.#machine.log.truncatedThrough;
  }

  get masters(): MasterMembership {
    return this.#machine.masters;
  }

  get identity(): string {
    return this.#machine.identity;
  }

  get isVoter(): boolean {
    return this.#machine.isVoter;
  }

  get snapshotBytes(): number {
    return this.#machine.snapshots.bytes;
  }

  get snapshotProgress() {
    return this.#machine.snapshots.progress;
  }

  get backlog(): number {
    const { role, log } = this.#machine;
    return role.kind === "leader" ? role.proposer.queued + role.proposer.nextSlot - 1 - log.decidedThrough : 0;
  }

  get lag(): number {
    const { role, log, appliedThrough } = this.#machine;
    if (role.kind !== "leader") return 0;
    return log.decidedThrough - (role.proposer.appliedByMajority(appliedThrough) ?? log.decidedThrough);
  }

  get wakeAt(): number {
    const { role, checkpointAt, snapshots } = this.#machine;
    if (role.kind === "follower") return Math.min(role.electionAt, snapshots.wakeAt);
    if (role.kind === "leader") return Math.min(role.proposer.wakeAt, checkpointAt);
    return Math.min(role.candidacy.deadline, role.candidacy.sentAt + PAXOS_LIMITS.resendMs, snapshots.wakeAt);
  }
}

/** What a server outside the membership may say: it learns, and answers what it is sent. */
const isLearning = ({ kind }: PaxosMessage): boolean =>
  kind === "catchUp" || kind === "wantSnapshot" || kind === "fetchSnapshot" || kind === "accepted";

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
      onCatchUp(machine, from, message.fromSlot);
      break;
    case "decided":
      onDecided(machine, from, message.entries as readonly PaxosEntry<Command>[]);
      break;
    case "wantSnapshot":
      offerSnapshot(machine, from, message.fromSlot);
      break;
    case "snapshotOffer":
      onSnapshotOffer(machine, from, message);
      break;
    case "fetchSnapshot":
      onFetchSnapshot(machine, from, message);
      break;
    case "snapshotPart":
      onSnapshotPart(machine, from, message);
      break;
    case "takeOver":
      onTakeOver(machine, from, message.ballot);
      break;
    default:
      unreachable(message);
  }
}

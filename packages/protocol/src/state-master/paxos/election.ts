/**
 * How a master becomes leader: pre-vote (would you?), prepare (will you?), and then the proof of completeness: what a
 * majority ever accepted, taken over slot by slot under the new ballot. Only who has a seat, its state and its database
 * asks, and only answers said under identities with seats count.
 */
import { type Ballot, FIRST_IDENTITY, type PaxosEntry, type ServerName, type Slot, unreachable } from "@redoubt/shared";
import { areBallotsEqual, compareBallots } from "./ballot.ts";
import { sendDecided } from "./following.ts";
import { advance, proposeAgain, sendHeartbeat } from "./leading.ts";
import type { Machine, MessageOf } from "./machine.ts";
import { cutAtMembership, seatOf } from "./membership.ts";
import { Candidacy, Proposer } from "./proposer.ts";
import { offerSnapshot } from "./snapshots.ts";

export function startPreVote<Command>(machine: Machine<Command>): void {
  const { seat } = machine;
  if (seat === undefined || !machine.isVoter) {
    machine.follow(undefined);
    machine.askToCatchUp();
    return;
  }
  machine.leader = undefined;
  const candidacy = newCandidacy(machine, nextBallot(machine, seat));
  machine.role = { kind: "preVote", candidacy };
  if (machine.isMajority(candidacy.granted)) startCandidacy(machine, candidacy.ballot);
  else askForVotes(machine);
}

const nextBallot = <Command>(machine: Machine<Command>, seat: number): Ballot => ({
  round: Math.max(machine.roundSeen, machine.log.promised.round) + 1,
  master: seat,
});

/** Without asking first: the leader itself handed over, or led and now has other members. */
export function startCandidacyAtOnce<Command>(machine: Machine<Command>): void {
  const { seat } = machine;
  if (seat === undefined || !machine.isVoter) machine.follow(undefined);
  else startCandidacy(machine, nextBallot(machine, seat));
}

function newCandidacy<Command>(machine: Machine<Command>, ballot: Ballot): Candidacy<Command> {
  const candidacy = new Candidacy<Command>(ballot, machine.now, machine.now + machine.electionDelay());
  candidacy.granted.add(machine.self);
  return candidacy;
}

function startCandidacy<Command>(machine: Machine<Command>, ballot: Ballot): void {
  if (compareBallots(ballot, machine.log.promised) <= 0) {
    machine.follow(undefined);
    return;
  }
  machine.promise(ballot);
  machine.leader = undefined;
  const candidacy = newCandidacy(machine, ballot);
  for (let slot = machine.log.decidedThrough + 1; slot <= machine.log.highest; slot++) {
    const entry = machine.log.get(slot);
    if (entry) candidacy.recover([entry]);
  }
  machine.role = { kind: "candidate", candidacy };
  if (machine.isMajority(candidacy.granted)) startLeading(machine, candidacy);
  else askForVotes(machine);
}

/** Sends the question of the current phase to everybody who has not granted it. */
export function askForVotes<Command>(machine: Machine<Command>): void {
  const { role } = machine;
  if (role.kind !== "preVote" && role.kind !== "candidate") return;
  const { candidacy } = role;
  candidacy.sentAt = machine.now;
  for (const peer of machine.otherMembers) {
    if (!candidacy.granted.has(peer)) machine.send(peer, questionTo(peer, machine, role.kind, candidacy));
  }
}

function questionTo<Command>(
  peer: ServerName,
  machine: Machine<Command>,
  phase: "preVote" | "candidate",
  candidacy: Candidacy<Command>,
): MessageOf<"preVote" | "prepare"> {
  const { ballot } = candidacy;
  const { decidedThrough } = machine.log;
  switch (phase) {
    case "preVote":
      return { kind: "preVote", ballot, decidedThrough };
    case "candidate":
      return { kind: "prepare", ballot, fromSlot: candidacy.askFrom.get(peer) ?? decidedThrough + 1 };
    default:
      return unreachable(phase);
  }
}

/** A candidate that is behind is refused and helped: its election would move old entries around for nothing. */
export function onPreVote<Command>(machine: Machine<Command>, from: ServerName, message: MessageOf<"preVote">): void {
  const { promised, decidedThrough } = machine.log;
  const isBehind = message.decidedThrough < decidedThrough;
  const granted = compareBallots(message.ballot, promised) > 0 && !machine.hasLeader() && !isBehind;
  machine.send(from, { kind: "preVoted", ballot: message.ballot, granted, promised, ...saidBy(machine) });
  if (isBehind) sendDecided(machine, from, message.decidedThrough + 1);
}

/** Left out where it is the first identity, as nearly always. */
export function saidBy<Command>({ said }: Machine<Command>): { readonly identity?: string } {
  return said === FIRST_IDENTITY ? {} : { identity: said };
}

export function onPreVoted<Command>(machine: Machine<Command>, from: ServerName, message: MessageOf<"preVoted">): void {
  machine.sawRound(message.promised);
  if (machine.role.kind !== "preVote" || !message.granted) return;
  const { candidacy } = machine.role;
  if (!areBallotsEqual(candidacy.ballot, message.ballot) || !seatOf(machine.masters, from, message.identity)) return;
  candidacy.granted.add(from);
  if (machine.isMajority(candidacy.granted)) startCandidacy(machine, candidacy.ballot);
}

/**
 * A prepare that asks for forgotten slots gets no promise: they are decided, and whoever would lead needs what they led
 * to first. Nor does one to an acceptor that lost its state: it would be a promise without the entries behind it.
 */
export function onPrepare<Command>(machine: Machine<Command>, from: ServerName, message: MessageOf<"prepare">): void {
  const { ballot, fromSlot } = message;
  if (fromSlot <= machine.log.forgottenThrough) {
    offerSnapshot(machine, from, fromSlot);
    return;
  }
  const order = compareBallots(ballot, machine.log.promised);
  if (order > 0) {
    machine.promise(ballot);
    machine.follow(undefined);
  }
  const { promised, decidedThrough } = machine.log;
  const granted = order >= 0;
  const chunk = granted ? machine.log.chunk(fromSlot, machine.log.highest) : { entries: [], through: undefined };
  const rest = chunk.through === undefined ? {} : { through: chunk.through };
  machine.send(from, {
    ...{ kind: "promised", ballot, granted, promised, accepted: chunk.entries, decidedThrough },
    ...{ ...rest, ...saidBy(machine) },
  });
}

export function onPromised<Command>(machine: Machine<Command>, from: ServerName, message: MessageOf<"promised">): void {
  machine.sawRound(message.promised);
  if (machine.role.kind !== "candidate") return;
  const { candidacy } = machine.role;
  if (!areBallotsEqual(candidacy.ballot, message.ballot)) return;
  if (!message.granted) {
    machine.follow(undefined);
    return;
  }
  if (!seatOf(machine.masters, from, message.identity)) return;
  candidacy.recover(message.accepted as readonly PaxosEntry<Command>[]);
  if (message.through === undefined) {
    candidacy.granted.add(from);
    if (machine.isMajority(candidacy.granted)) startLeading(machine, candidacy);
  } else if (message.through >= (candidacy.askFrom.get(from) ?? 0)) {
    candidacy.askFrom.set(from, message.through + 1);
    machine.send(from, { kind: "prepare", ballot: candidacy.ballot, fromSlot: message.through + 1 });
  }
}

/** Proposes again, under the new ballot, everything that may have been decided, with empty entries in the gaps. */
function startLeading<Command>(machine: Machine<Command>, candidacy: Candidacy<Command>): void {
  const { ballot, recovered } = candidacy;
  const { decidedThrough, mastersSlot } = machine.log;
  let highest: Slot = decidedThrough;
  for (const slot of recovered.keys()) {
    if (slot <= decidedThrough) recovered.delete(slot);
    else highest = Math.max(highest, slot);
  }
  const { through: barrier, refuted } = cutAtMembership(recovered, highest);
  const proposer = new Proposer<Command>(ballot, machine.masters, machine.others, barrier, machine.now);
  machine.role = { kind: "leader", proposer };
  machine.term += 1;
  const entries: PaxosEntry<Command>[] = [];
  const under = mastersSlot === 0 ? {} : { under: mastersSlot };
  for (let slot = decidedThrough + 1; slot <= barrier; slot++) {
    const known = refuted.has(slot) ? undefined : recovered.get(slot);
    const masters = known?.masters ? { masters: known.masters } : {};
    const { commands, at } = known ?? { commands: [], at: machine.wall };
    entries.push({ slot, ballot, commands, at, ...masters, ...under });
    if (known?.masters) proposer.blockedAt = slot;
  }
  proposeAgain(machine, proposer, entries);
  for (const peer of proposer.peers.keys()) sendHeartbeat(machine, proposer, peer);
  advance(machine, proposer);
}

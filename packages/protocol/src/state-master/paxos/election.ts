/**
 * How a master becomes leader: pre-vote (would you?), prepare (will you?), and then the proof of completeness: what a
 * majority ever accepted, taken over slot by slot under the new ballot.
 */
import { type Ballot, type PaxosEntry, type ServerName, type Slot, unreachable } from "@redoubt/shared";
import { areBallotsEqual, compareBallots } from "./ballot.ts";
import { sendDecided } from "./following.ts";
import { advance, proposeAgain, sendHeartbeat } from "./leading.ts";
import type { Machine, MessageOf } from "./machine.ts";
import { Candidacy, Proposer } from "./proposer.ts";

export function startPreVote<Command>(machine: Machine<Command>): void {
  machine.leader = undefined;
  const round = Math.max(machine.roundSeen, machine.log.promised.round) + 1;
  const candidacy = newCandidacy(machine, { round, master: machine.index });
  machine.role = { kind: "preVote", candidacy };
  if (machine.isMajority(candidacy.granted)) startCandidacy(machine, candidacy.ballot);
  else askForVotes(machine);
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
  for (const peer of machine.members) {
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
  machine.send(from, { kind: "preVoted", ballot: message.ballot, granted, promised });
  if (isBehind) sendDecided(machine, from, message.decidedThrough + 1);
}

export function onPreVoted<Command>(machine: Machine<Command>, from: ServerName, message: MessageOf<"preVoted">): void {
  machine.sawRound(message.promised);
  if (machine.role.kind !== "preVote" || !message.granted) return;
  const { candidacy } = machine.role;
  if (!areBallotsEqual(candidacy.ballot, message.ballot)) return;
  candidacy.granted.add(from);
  if (machine.isMajority(candidacy.granted)) startCandidacy(machine, candidacy.ballot);
}

/**
 * A prepare that asks for forgotten slots is a late duplicate: whoever is a candidate now has them (`AcceptorLog.forget`).
 */
export function onPrepare<Command>(machine: Machine<Command>, from: ServerName, message: MessageOf<"prepare">): void {
  const { ballot, fromSlot } = message;
  if (fromSlot <= machine.log.forgottenThrough) return;
  const order = compareBallots(ballot, machine.log.promised);
  if (order > 0) {
    machine.promise(ballot);
    machine.follow(undefined);
  }
  const { promised, decidedThrough } = machine.log;
  const granted = order >= 0;
  const chunk = granted ? machine.log.chunk(fromSlot, machine.log.highest) : { entries: [], through: undefined };
  const rest = chunk.through === undefined ? {} : { through: chunk.through };
  machine.send(from, { kind: "promised", ballot, granted, promised, accepted: chunk.entries, decidedThrough, ...rest });
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
  let barrier: Slot = machine.log.decidedThrough;
  for (const slot of recovered.keys()) barrier = Math.max(barrier, slot);
  const proposer = new Proposer<Command>(ballot, machine.members, barrier, machine.now);
  machine.role = { kind: "leader", proposer };
  const entries: PaxosEntry<Command>[] = [];
  for (let slot = machine.log.decidedThrough + 1; slot <= barrier; slot++) {
    const { commands, at } = recovered.get(slot) ?? { commands: [], at: machine.wall };
    entries.push({ slot, ballot, commands, at });
  }
  proposeAgain(machine, proposer, entries);
  for (const peer of proposer.peers.keys()) sendHeartbeat(machine, proposer, peer);
  advance(machine, proposer);
}

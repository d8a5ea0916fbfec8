/** What a leader does: fills slots with batches of commands, counts votes, keeps its followers and repeats what got lost. */
import type { Ballot, PaxosEntry, ServerName } from "@redoubt/shared";
import { areBallotsEqual, compareBallots } from "./ballot.ts";
import type { Machine, MessageOf } from "./machine.ts";
import type { Proposer } from "./proposer.ts";
import { PAXOS_LIMITS } from "./timing.ts";

/** The leader's own vote; it counts at once because the others hear of the entry only when it is durable here. */
function acceptOwn<Command>(machine: Machine<Command>, proposer: Proposer<Command>, entry: PaxosEntry<Command>): void {
  machine.log.store(entry);
  machine.append({ kind: "accepted", entry });
  proposer.open(entry.slot, machine.now);
}

/** Entries of earlier ballots, proposed under this leader's. */
export function proposeAgain<Command>(
  machine: Machine<Command>,
  proposer: Proposer<Command>,
  entries: readonly PaxosEntry<Command>[],
): void {
  for (const entry of entries) acceptOwn(machine, proposer, entry);
  for (const peer of proposer.peers.keys()) sendAccepts(machine, peer, proposer.ballot, entries);
}

/** Moves commands from the queue into slots while the window has room. */
export function pump<Command>(machine: Machine<Command>, proposer: Proposer<Command>): void {
  const entries: PaxosEntry<Command>[] = [];
  for (;;) {
    const commands = proposer.nextBatch(machine.log.decidedThrough, machine.configuration.sizeOf);
    if (!commands) break;
    const entry = { slot: proposer.nextSlot, ballot: proposer.ballot, commands, at: machine.wall };
    proposer.nextSlot += 1;
    acceptOwn(machine, proposer, entry);
    entries.push(entry);
    if (machine.members.length === 1) countVotes(machine, proposer);
  }
  for (const peer of proposer.peers.keys()) sendAccepts(machine, peer, proposer.ballot, entries);
}

/** Decides what has a majority; every decided slot makes room in the window. */
export function advance<Command>(machine: Machine<Command>, proposer: Proposer<Command>): void {
  if (countVotes(machine, proposer)) pump(machine, proposer);
}

function countVotes<Command>(machine: Machine<Command>, proposer: Proposer<Command>): boolean {
  const before = machine.log.decidedThrough;
  while (proposer.hasMajority(machine.log.decidedThrough + 1)) {
    machine.log.markDecided();
    proposer.close(machine.log.decidedThrough);
  }
  return machine.log.decidedThrough > before;
}

function sendAccepts<Command>(
  machine: Machine<Command>,
  peer: ServerName,
  ballot: Ballot,
  entries: readonly PaxosEntry<Command>[],
): void {
  const { decidedThrough } = machine.log;
  let part: PaxosEntry<Command>[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = machine.log.bytesOf(entry);
    if (part.length > 0 && bytes + size > PAXOS_LIMITS.messageBytesMax) {
      machine.send(peer, { kind: "accept", ballot, entries: part, decidedThrough });
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += size;
  }
  if (part.length > 0) machine.send(peer, { kind: "accept", ballot, entries: part, decidedThrough });
}

export function sendHeartbeat<Command>(machine: Machine<Command>, proposer: Proposer<Command>, peer: ServerName): void {
  const { decidedThrough, durableThrough } = machine.log;
  const forgetThrough = proposer.durableEverywhere(durableThrough);
  const { ballot } = proposer;
  machine.send(peer, { kind: "heartbeat", ballot, decidedThrough, leader: machine.self, forgetThrough });
  proposer.sentHeartbeat(peer, machine.now);
}

/** On ticks: stands down without a majority in contact, else repeats what is overdue and shows that it is there. */
export function lead<Command>(machine: Machine<Command>, proposer: Proposer<Command>): void {
  if (!proposer.isInContact(machine.now)) {
    machine.follow(undefined);
    return;
  }
  machine.log.forget(proposer.durableEverywhere(machine.log.durableThrough));
  for (const peer of proposer.peers.keys()) {
    const overdue = proposer.takeOverdue(peer, machine.log.decidedThrough, machine.now);
    const entries = overdue.map((slot) => machine.log.get(slot)).filter((entry) => entry !== undefined);
    sendAccepts(machine, peer, proposer.ballot, entries);
    if (proposer.isHeartbeatDue(peer, machine.now)) sendHeartbeat(machine, proposer, peer);
  }
}

export function onAccepted<Command>(machine: Machine<Command>, from: ServerName, message: MessageOf<"accepted">): void {
  machine.sawRound(message.promised);
  if (machine.role.kind !== "leader") return;
  const { proposer } = machine.role;
  if (!areBallotsEqual(message.ballot, proposer.ballot)) return;
  if (message.granted) {
    proposer.heard(from, machine.now, message.durableThrough);
    for (const slot of message.slots) proposer.vote(slot, from);
    advance(machine, proposer);
  } else if (compareBallots(message.promised, proposer.ballot) > 0) {
    machine.follow(undefined);
  }
}

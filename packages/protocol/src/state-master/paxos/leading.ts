/**
 * What a leader does: fills slots with batches of commands, counts votes, keeps its followers and repeats what got lost,
 * gives a seat to a journal that has replaced a lost one, and leads anew once the members have changed.
 */
import type { Ballot, MasterMembership, PaxosEntry, ServerName } from "@redoubt/shared";
import { areBallotsEqual, compareBallots } from "./ballot.ts";
import { startCandidacyAtOnce } from "./election.ts";
import type { Machine, MessageOf } from "./machine.ts";
import { isIdentity, isSeated, seatOf, withoutServer, withSeat } from "./membership.ts";
import type { Proposer } from "./proposer.ts";
import { dropServed } from "./snapshots.ts";
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

function nextEntry<Command>(machine: Machine<Command>, proposer: Proposer<Command>): PaxosEntry<Command> | undefined {
  const { decidedThrough, mastersSlot } = machine.log;
  const under = mastersSlot === 0 ? {} : { under: mastersSlot };
  const basis = { slot: proposer.nextSlot, ballot: proposer.ballot, at: machine.wall, ...under };
  const { wanted } = proposer;
  if (wanted && proposer.hasRoom(decidedThrough)) {
    proposer.wanted = undefined;
    proposer.blockedAt = basis.slot;
    return { ...basis, commands: [], masters: wanted };
  }
  const commands = proposer.nextBatch(decidedThrough, machine.configuration.sizeOf);
  return commands && { ...basis, commands };
}

/** Moves commands from the queue into slots while the window has room. */
export function pump<Command>(machine: Machine<Command>, proposer: Proposer<Command>): void {
  const entries: PaxosEntry<Command>[] = [];
  for (;;) {
    const entry = nextEntry(machine, proposer);
    if (!entry) break;
    proposer.nextSlot += 1;
    acceptOwn(machine, proposer, entry);
    entries.push(entry);
    if (proposer.masters.seats.length === 1) countVotes(machine, proposer);
  }
  for (const peer of proposer.peers.keys()) sendAccepts(machine, peer, proposer.ballot, entries);
  leadAnew(machine, proposer);
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

/** A decided membership ends this leader's ballot: what follows needs promises of the new members. */
function leadAnew<Command>(machine: Machine<Command>, proposer: Proposer<Command>): void {
  const { blockedAt } = proposer;
  if (blockedAt === undefined || machine.log.decidedThrough < blockedAt) return;
  // It is durable, and the others learn of it, before they are asked for promises.
  machine.writeDecided();
  for (const peer of proposer.peers.keys()) sendHeartbeat(machine, proposer, peer);
  reconfigured(machine);
}

/** Other members than before: a leader or candidate starts over among them. */
export function reconfigured<Command>(machine: Machine<Command>): void {
  if (machine.role.kind === "leader") startCandidacyAtOnce(machine);
  else if (machine.role.kind !== "follower") machine.follow(undefined);
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
  const truncateThrough = proposer.appliedByMajority(machine.appliedThrough) ?? 0;
  const { ballot } = proposer;
  const question = machine.question === 0 ? {} : { question: machine.question };
  machine.send(peer, {
    ...{ kind: "heartbeat", ballot, decidedThrough, leader: machine.self, forgetThrough, truncateThrough },
    ...question,
  });
  proposer.sentHeartbeat(peer, machine.now);
}

/** On ticks: stands down without a majority in contact, else repeats what is overdue and shows that it is there. */
export function lead<Command>(machine: Machine<Command>, proposer: Proposer<Command>): void {
  if (!proposer.isInContact(machine.now) || !machine.isVoter) {
    machine.follow(undefined);
    return;
  }
  dropServed(machine);
  machine.log.forget(proposer.durableEverywhere(machine.log.durableThrough));
  machine.truncatable = Math.max(machine.truncatable, proposer.appliedByMajority(machine.appliedThrough) ?? 0);
  for (const peer of proposer.peers.keys()) {
    const overdue = proposer.takeOverdue(peer, machine.log.decidedThrough, machine.now);
    const entries = overdue.map((slot) => machine.log.get(slot)).filter((entry) => entry !== undefined);
    sendAccepts(machine, peer, proposer.ballot, entries);
    if (proposer.isHeartbeatDue(peer, machine.now)) sendHeartbeat(machine, proposer, peer);
  }
  admit(machine, proposer);
}

/** A member whose journal was lost gets a seat for its new one as soon as it has learned everything. */
function admit<Command>(machine: Machine<Command>, proposer: Proposer<Command>): void {
  if (isChanging(machine, proposer)) return;
  for (const [server, { identity, durableThrough, heardAt }] of proposer.peers) {
    if (!isIdentity(identity) || !isSeated(proposer.masters, server)) continue;
    if (seatOf(proposer.masters, server, identity) || !isCaughtUp(machine, durableThrough, heardAt)) continue;
    proposer.wanted = withSeat(proposer.masters, server, identity);
    pump(machine, proposer);
    return;
  }
}

const isChanging = <Command>(machine: Machine<Command>, proposer: Proposer<Command>): boolean =>
  proposer.wanted !== undefined || proposer.blockedAt !== undefined || machine.log.decidedThrough < proposer.barrier;

const isCaughtUp = <Command>({ log, now }: Machine<Command>, durableThrough: number, heardAt: number): boolean =>
  durableThrough + PAXOS_LIMITS.admissionSlots >= log.decidedThrough && now < heardAt + PAXOS_LIMITS.heartbeatMs * 4;

/** One step towards these servers: a learner that has caught up is added, or else a server that is not wanted removed. */
export function changeMasters<Command>(machine: Machine<Command>, servers: readonly ServerName[]): void {
  if (machine.role.kind !== "leader" || servers.length === 0) return;
  const { proposer } = machine.role;
  if (isChanging(machine, proposer)) return;
  const wanted = nextMembership(machine, proposer, servers);
  if (!wanted) return;
  proposer.wanted = wanted;
  pump(machine, proposer);
}

function nextMembership<Command>(
  machine: Machine<Command>,
  proposer: Proposer<Command>,
  servers: readonly ServerName[],
): MasterMembership | undefined {
  const { masters, peers } = proposer;
  for (const server of servers) {
    const peer = peers.get(server);
    if (isSeated(masters, server) || !isIdentity(peer?.identity)) continue;
    if (isCaughtUp(machine, peer.durableThrough, peer.heardAt)) return withSeat(masters, server, peer.identity);
  }
  const areAllSeated = servers.every((server) => isSeated(masters, server));
  const leaving = areAllSeated ? masters.seats.filter(({ server }) => !servers.includes(server)) : [];
  // The leader itself goes last.
  const first = leaving.find(({ server }) => server !== machine.self) ?? leaving[0];
  return first && withoutServer(masters, first.server);
}

export function onAccepted<Command>(machine: Machine<Command>, from: ServerName, message: MessageOf<"accepted">): void {
  machine.sawRound(message.promised);
  if (machine.role.kind !== "leader") return;
  const { proposer } = machine.role;
  if (!areBallotsEqual(message.ballot, proposer.ballot)) return;
  if (message.granted) {
    proposer.heard(from, machine.now, message);
    for (const slot of message.slots) proposer.vote(slot, from, message.identity);
    advance(machine, proposer);
  } else if (compareBallots(message.promised, proposer.ballot) > 0) {
    machine.follow(undefined);
  }
}

/** Asks whether this ballot still leads. */
export function askWhetherLeading<Command>(machine: Machine<Command>): void {
  machine.question += 1;
  if (machine.role.kind !== "leader") return;
  for (const peer of machine.role.proposer.peers.keys()) sendHeartbeat(machine, machine.role.proposer, peer);
}

export function handOver<Command>(machine: Machine<Command>): void {
  if (machine.role.kind !== "leader") return;
  const { proposer } = machine.role;
  const successor = proposer.mostAdvanced(machine.now);
  if (successor !== undefined) machine.send(successor, { kind: "takeOver", ballot: proposer.ballot });
}

/** What everybody but the leader does: accepts its entries, learns what is decided, and asks for what is missing. */
import type { Ballot, PaxosEntry, ServerName, Slot } from "@redoubt/shared";
import { areBallotsEqual, compareBallots } from "./ballot.ts";
import { saidBy, startCandidacyAtOnce } from "./election.ts";
import { reconfigured } from "./leading.ts";
import type { Machine, MessageOf } from "./machine.ts";
import { offerSnapshot } from "./snapshots.ts";
import { PAXOS_LIMITS } from "./timing.ts";

/** Takes a message for a leader's; false, and the sender told, when its ballot is outdated. */
function acknowledgeLeader<Command>(machine: Machine<Command>, from: ServerName, ballot: Ballot): boolean {
  const { promised } = machine.log;
  if (compareBallots(ballot, promised) < 0) {
    machine.send(from, { kind: "accepted", ballot, granted: false, promised, slots: [], ...saidBy(machine) });
    return false;
  }
  machine.follow(from);
  return true;
}

export function onAccept<Command>(machine: Machine<Command>, from: ServerName, message: MessageOf<"accept">): void {
  const { ballot } = message;
  if (!acknowledgeLeader(machine, from, ballot)) return;
  if (compareBallots(ballot, machine.log.promised) > 0) machine.promise(ballot);
  const slots: Slot[] = [];
  for (const entry of message.entries as readonly PaxosEntry<Command>[]) {
    slots.push(entry.slot);
    if (entry.slot > machine.log.decidedThrough) storeEntry(machine, entry);
  }
  learn(machine, from, ballot, message.decidedThrough);
  answerLeader(machine, from, ballot, slots);
}

export function onHeartbeat<Command>(
  machine: Machine<Command>,
  from: ServerName,
  message: MessageOf<"heartbeat">,
): void {
  const { ballot } = message;
  if (!acknowledgeLeader(machine, from, ballot)) return;
  learn(machine, from, ballot, message.decidedThrough);
  machine.log.forget(message.forgetThrough ?? 0);
  machine.truncatable = Math.max(machine.truncatable, message.truncateThrough ?? 0);
  answerLeader(machine, from, ballot, [], message.question);
}

function answerLeader<Command>(
  machine: Machine<Command>,
  leader: ServerName,
  ballot: Ballot,
  slots: readonly Slot[],
  question?: number,
): void {
  const { appliedThrough } = machine;
  const { promised, durableThrough } = machine.log;
  const answers = question === undefined || question === 0 ? {} : { answers: question };
  machine.send(leader, {
    ...{ kind: "accepted", ballot, granted: true, promised, slots, durableThrough, appliedThrough },
    ...{ ...answers, ...saidBy(machine) },
  });
}

function storeEntry<Command>(machine: Machine<Command>, entry: PaxosEntry<Command>): void {
  const held = machine.log.get(entry.slot);
  if (held && areBallotsEqual(held.ballot, entry.ballot)) return;
  machine.log.store(entry);
  machine.append({ kind: "accepted", entry });
}

/** A leader proposes one value per slot: what was accepted from it in a slot it calls decided is what was decided. */
function learn<Command>(machine: Machine<Command>, from: ServerName, ballot: Ballot, decidedThrough: Slot): void {
  while (machine.log.decidedThrough < decidedThrough) {
    const entry = machine.log.get(machine.log.decidedThrough + 1);
    if (!entry || !areBallotsEqual(entry.ballot, ballot)) break;
    machine.log.markDecided();
  }
  const isBehind = machine.log.decidedThrough < decidedThrough || machine.log.isHollow;
  if (isBehind && machine.now >= machine.caughtUpAt + PAXOS_LIMITS.catchUpMs && !machine.snapshots.fetched) {
    machine.askToCatchUp(from);
  }
}

/** A request for forgotten slots: single entries are gone, what they led to is offered. */
export function sendDecided<Command>(machine: Machine<Command>, to: ServerName, fromSlot: Slot): void {
  const { decidedThrough, forgottenThrough } = machine.log;
  if (fromSlot > decidedThrough) return;
  if (fromSlot <= forgottenThrough) {
    offerSnapshot(machine, to, fromSlot);
    return;
  }
  const { entries } = machine.log.chunk(fromSlot, decidedThrough);
  machine.send(to, { kind: "decided", entries });
}

/** From somebody who learns: a server that the membership does not know is sent to from now on. */
export function onCatchUp<Command>(machine: Machine<Command>, from: ServerName, fromSlot: Slot): void {
  const { strangers, role } = machine;
  if (!machine.otherMembers.includes(from) && strangers.size < PAXOS_LIMITS.strangersMax) strangers.add(from);
  if (role.kind === "leader") role.proposer.addPeer(from);
  sendDecided(machine, from, fromSlot);
}

/** A leader learns from its own votes only. Others take what continues their log, and ask on until nothing comes. */
export function onDecided<Command>(
  machine: Machine<Command>,
  from: ServerName,
  entries: readonly PaxosEntry<Command>[],
): void {
  if (machine.role.kind === "leader") return;
  const { decidedThrough: before, mastersSlot } = machine.log;
  for (const entry of entries) {
    if (entry.slot !== machine.log.decidedThrough + 1) continue;
    storeEntry(machine, entry);
    machine.log.markDecided();
  }
  if (machine.log.mastersSlot > mastersSlot) reconfigured(machine);
  if (machine.log.decidedThrough > before) machine.askToCatchUp(from);
}

/** The leader that this master follows ends and wants it to lead. */
export function onTakeOver<Command>(machine: Machine<Command>, from: ServerName, ballot: Ballot): void {
  const isOfLeader = machine.role.kind === "follower" && machine.leader === from;
  if (isOfLeader && compareBallots(ballot, machine.log.promised) >= 0) startCandidacyAtOnce(machine);
}

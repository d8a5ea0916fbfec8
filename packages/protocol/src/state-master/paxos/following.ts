/** What everybody but the leader does: accepts its entries, learns what is decided, and asks for what is missing. */
import type { Ballot, PaxosEntry, ServerName, Slot } from "@redoubt/shared";
import { areBallotsEqual, compareBallots } from "./ballot.ts";
import type { Machine, MessageOf } from "./machine.ts";
import { PAXOS_LIMITS } from "./timing.ts";

/** Takes a message for a leader's; false, and the sender told, when its ballot is outdated. */
function acknowledgeLeader<Command>(machine: Machine<Command>, from: ServerName, ballot: Ballot): boolean {
  const { promised } = machine.log;
  if (compareBallots(ballot, promised) < 0) {
    machine.send(from, { kind: "accepted", ballot, granted: false, promised, slots: [] });
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
  answerLeader(machine, from, ballot, []);
}

function answerLeader<Command>(
  machine: Machine<Command>,
  leader: ServerName,
  ballot: Ballot,
  slots: readonly Slot[],
): void {
  const { promised, durableThrough } = machine.log;
  machine.send(leader, { kind: "accepted", ballot, granted: true, promised, slots, durableThrough });
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
  const isBehind = machine.log.decidedThrough < decidedThrough;
  if (isBehind && machine.now >= machine.caughtUpAt + PAXOS_LIMITS.catchUpMs) askToCatchUp(machine, from);
}

function askToCatchUp<Command>(machine: Machine<Command>, from: ServerName): void {
  machine.caughtUpAt = machine.now;
  machine.send(from, { kind: "catchUp", fromSlot: machine.log.decidedThrough + 1 });
}

/** A request for forgotten slots is a late duplicate: every master has them durably (`AcceptorLog.forget`). */
export function sendDecided<Command>(machine: Machine<Command>, to: ServerName, fromSlot: Slot): void {
  const { decidedThrough, forgottenThrough } = machine.log;
  if (fromSlot > decidedThrough || fromSlot <= forgottenThrough) return;
  const { entries } = machine.log.chunk(fromSlot, decidedThrough);
  machine.send(to, { kind: "decided", entries });
}

/** A leader learns from its own votes only. Others take what continues their log, and ask on until nothing comes. */
export function onDecided<Command>(
  machine: Machine<Command>,
  from: ServerName,
  entries: readonly PaxosEntry<Command>[],
): void {
  if (machine.role.kind === "leader") return;
  const before = machine.log.decidedThrough;
  for (const entry of entries) {
    if (entry.slot !== machine.log.decidedThrough + 1) continue;
    storeEntry(machine, entry);
    machine.log.markDecided();
  }
  if (machine.log.decidedThrough > before) askToCatchUp(machine, from);
}

/**
 * Following the masters' decision stream in slot order (ADR 0003). Slots queue up here; the first is taken in when every
 * change it names is in the store, was fetched from another member, or is among the held changes. Meanwhile the stream
 * waits and the missing changes are asked of one member after the other, those of later slots along with them.
 */
import {
  assert,
  type ChangeRecord,
  type Digest,
  type RequestId,
  type ServerName,
  type Slot,
  type SlotDecisions,
  type StreamMessage,
} from "@redoubt/shared";
import type { RecordNumber } from "../core.ts";
import { send } from "../core.ts";
import { Queue } from "../queue.ts";
import { afterSlot } from "./after-slot.ts";
import { journal, put, type Replica, type Turn } from "./context.ts";
import {
  askForMissing,
  collectMissing,
  type FetchedChange,
  keepWanted,
  placeFetched,
  placeReplayed,
} from "./fetched-changes.ts";
import { saysIdentity } from "./joining.ts";
import { applySlot, namedChanges, type PlaceFetched } from "./labels.ts";
import { answerPromises } from "./promises.ts";
import { deadSurvivors } from "./superseded.ts";

const SILENCE_MS = 300;
/** Slots kept while waiting; what comes beyond is asked for again later. */
const SLOTS_MAX = 4_096;
/** While read-only requests stay unconfirmed after a restart, the masters are reminded this often. */
const RESTARTED_AGAIN_MS = 2_000;

export class StreamState {
  /** Everything up to this slot is taken in. */
  appliedThrough: Slot = 0;
  /** The last slot that the journal bears; behind it only slots without decisions have been taken in. */
  journalledThrough: Slot = 0;
  /** Everything up to this slot is taken in or queued. */
  coveredThrough: Slot = 0;
  readonly slots = new Queue<SlotDecisions>();
  /** Primary master as it was named last; empty before. */
  primary: ServerName = "";
  readonly peers = new Set<ServerName>();
  /** Changes from other members that no slot has needed yet. */
  readonly fetched = new Map<Digest, FetchedChange>();
  wanted = new Map<Digest, RequestId>();
  /** Says `restarted` in the next `follow`. */
  restarted = false;
  restartedAgainAt: number | undefined;
  followAt = 0;
  fetchAt: number | undefined;
  peerTurn = 0;

  /** After silence; and to remind the masters of a restart, however much they have to say meanwhile. */
  get followDueAt(): number {
    return Math.min(this.followAt, this.restartedAgainAt ?? Number.POSITIVE_INFINITY);
  }

  get wakeAt(): number {
    return Math.min(this.followDueAt, this.fetchAt ?? Number.POSITIVE_INFINITY);
  }
}

export function follow(replica: Replica, turn: Turn): void {
  const { stream } = replica;
  stream.followAt = turn.now + SILENCE_MS;
  if (stream.restartedAgainAt !== undefined && turn.now >= stream.restartedAgainAt) {
    const isBarred = replica.store.clusters.hasReadBarrier();
    stream.restarted ||= isBarred;
    stream.restartedAgainAt = isBarred ? turn.now + RESTARTED_AGAIN_MS : undefined;
  }
  const { restarted } = stream;
  const message = { kind: "follow", after: stream.coveredThrough, restarted, ...saysIdentity(replica) } as const;
  for (const master of replica.configuration.masters) put(turn, send("state-master", master, message));
}

export function receiveStream(replica: Replica, turn: Turn, from: ServerName, message: StreamMessage): void {
  const { stream } = replica;
  stream.primary = message.primary;
  stream.followAt = turn.now + SILENCE_MS;
  if (stream.restarted && from === message.primary) {
    stream.restarted = false;
    stream.restartedAgainAt = turn.now + RESTARTED_AGAIN_MS;
  }
  if (message.through <= stream.coveredThrough) return;
  if (message.after > stream.coveredThrough) {
    // Something before it was lost: do not wait for the silence to ask.
    const after = stream.coveredThrough;
    put(turn, send("state-master", from, { kind: "follow", after, restarted: false, ...saysIdentity(replica) }));
    return;
  }
  if (stream.slots.size >= SLOTS_MAX) return;
  for (const slot of message.slots) {
    if (slot.slot <= stream.coveredThrough) continue;
    stream.slots.push(slot);
    stream.coveredThrough = slot.slot;
  }
  stream.coveredThrough = message.through;
  advance(replica, turn);
}

/** Takes in as many queued slots as it can; asks for what the next one lacks. */
export function advance(replica: Replica, turn: Turn): void {
  const { stream } = replica;
  const wasFull = stream.slots.size >= SLOTS_MAX;
  for (let slot = stream.slots.peek(); slot; slot = stream.slots.peek()) {
    if (collectMissing(replica, slot).length > 0) {
      askForMissing(replica, turn);
      return;
    }
    stream.slots.shift();
    takeIn(replica, turn, slot);
  }
  stream.fetchAt = undefined;
  stream.wanted = new Map();
  stream.appliedThrough = stream.coveredThrough;
  answerPromises(replica, turn);
  if (wasFull) follow(replica, turn);
}

function takeIn(replica: Replica, turn: Turn, slot: SlotDecisions): void {
  // Installing an epoch must outlive the process before any read is confirmed in it (read barrier).
  const durability = slot.decisions.some((decision) => decision.kind === "settled") ? "synced" : "written";
  const dead = findSuperseded(replica, slot);
  const place: PlaceFetched = (digest, fetched) => placeFetched(replica, turn, digest, fetched);
  const consequences = applySlot(replica, slot, dead, place);
  const record = { kind: "applied", slot, ...(dead.length > 0 ? { superseded: dead } : {}) } as const;
  const number = journal(replica, turn, record, durability);
  for (const requestId of consequences.closed) replica.store.fence(requestId, number);
  replica.stream.appliedThrough = slot.slot;
  replica.stream.journalledThrough = slot.slot;
  afterSlot(replica, turn, consequences);
}

/** What the slot names and this member passes over: only where something of it cannot be had any more. */
function findSuperseded({ store, stream }: Replica, slot: SlotDecisions): Digest[] {
  const dead = [...deadSurvivors(slot, stream.slots.items())].filter((digest) => !store.undecidedOf(digest));
  return dead.every((digest) => stream.fetched.has(digest)) ? [] : dead;
}

/** At the start: the same slot from the journal, where it has this number. Its changes come before it there. */
export function replaySlot(
  replica: Replica,
  slot: SlotDecisions,
  superseded: readonly Digest[],
  number: RecordNumber,
): void {
  const { stream } = replica;
  if (slot.slot <= stream.appliedThrough) return;
  for (const { digest } of namedChanges(replica, slot)) {
    const isHere = replica.store.undecidedOf(digest) || stream.fetched.has(digest) || superseded.includes(digest);
    assert(isHere, `journal: slot ${slot.slot} lacks a change`);
  }
  const { closed } = applySlot(replica, slot, superseded, placeReplayed);
  for (const requestId of closed) replica.store.fence(requestId, number);
  stream.appliedThrough = slot.slot;
  stream.journalledThrough = slot.slot;
  stream.coveredThrough = slot.slot;
}

export function retryFetch(replica: Replica, turn: Turn): void {
  const { fetchAt } = replica.stream;
  if (fetchAt !== undefined && turn.now >= fetchAt) advance(replica, turn);
}

/** Another member's answer to `fetchChanges`. */
export function receiveChanges(replica: Replica, turn: Turn, from: ServerName, records: readonly ChangeRecord[]): void {
  const { stream } = replica;
  replica.scrub.offer(replica, turn, records);
  if (!keepWanted(replica, turn, records)) return;
  // This member has them: go on with it at once.
  stream.fetchAt = undefined;
  stream.peerTurn = Math.max(0, [...stream.peers].indexOf(from));
  advance(replica, turn);
}

/**
 * Following the masters' decision stream in slot order (ADR 0003). Slots queue up here; the first is taken in when every
 * change it names is in the store, was fetched from another member, or is among the held changes. Meanwhile the stream
 * waits and the missing changes are asked of one member after the other, those of later slots along with them.
 */
import {
  assert,
  type ChangeRecord,
  type Digest,
  LIMITS,
  type ServerName,
  type Slot,
  type SlotDecisions,
  type StreamMessage,
} from "@redoubt/shared";
import { send } from "../core.ts";
import { digestChange, summarize } from "../digests.ts";
import { Queue } from "../queue.ts";
import { findRecordFlaw, hasRightInput } from "../well-formed.ts";
import { afterSlot } from "./after-slot.ts";
import { put, type Replica, type Turn } from "./context.ts";
import { applySlot, namedChanges } from "./labels.ts";
import { answerPromises } from "./promises.ts";
import { deadSurvivors } from "./superseded.ts";

const SILENCE_MS = 300;
const FETCH_RETRY_MS = 100;
/** Slots kept while waiting; what comes beyond is asked for again later. */
const SLOTS_MAX = 4_096;
const FETCH_DIGESTS_MAX = 128;
/** While read-only requests stay unconfirmed after a restart, the masters are reminded this often. */
const RESTARTED_AGAIN_MS = 2_000;

export class StreamState {
  /** Everything up to this slot is taken in. */
  appliedThrough: Slot = 0;
  /** Everything up to this slot is taken in or queued. */
  coveredThrough: Slot = 0;
  readonly slots = new Queue<SlotDecisions>();
  /** Primary master as it was named last; empty before. */
  primary: ServerName = "";
  readonly peers = new Set<ServerName>();
  /** Changes from other members that no slot has needed yet. */
  readonly fetched = new Map<Digest, ChangeRecord>();
  wanted = new Set<Digest>();
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
  const message = { kind: "follow", after: stream.coveredThrough, restarted: stream.restarted } as const;
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
    put(turn, send("state-master", from, { kind: "follow", after: stream.coveredThrough, restarted: false }));
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
    if (collectMissing(replica, turn, slot).length > 0) {
      askForMissing(replica, turn);
      return;
    }
    stream.slots.shift();
    takeIn(replica, turn, slot);
  }
  stream.fetchAt = undefined;
  stream.wanted = new Set();
  stream.appliedThrough = stream.coveredThrough;
  answerPromises(replica, turn);
  if (wasFull) follow(replica, turn);
}

function takeIn(replica: Replica, turn: Turn, slot: SlotDecisions): void {
  // Installing an epoch must outlive the process before any read is confirmed in it (read barrier).
  const durability = slot.decisions.some((decision) => decision.kind === "settled") ? "synced" : "written";
  const dead = findSuperseded(replica, slot);
  const record = { kind: "applied", slot, ...(dead.length > 0 ? { superseded: dead } : {}) } as const;
  put(turn, { kind: "append", record, durability });
  const consequences = applySlot(replica, slot, dead);
  replica.stream.appliedThrough = slot.slot;
  afterSlot(replica, turn, consequences);
}

/** What the slot names and this member passes over: only where something of it cannot be had any more. */
function findSuperseded({ store, stream }: Replica, slot: SlotDecisions): Digest[] {
  const dead = [...deadSurvivors(slot, stream.slots.items())].filter((digest) => !store.get(digest));
  return dead.every((digest) => stream.fetched.has(digest)) ? [] : dead;
}

/** At the start: the same slot from the journal. Its changes come before it there. */
export function replaySlot(replica: Replica, slot: SlotDecisions, superseded: readonly Digest[]): void {
  const { stream } = replica;
  if (slot.slot <= stream.appliedThrough) return;
  for (const digest of namedChanges(replica, slot)) {
    const isHere = replica.store.get(digest) || stream.fetched.has(digest) || superseded.includes(digest);
    assert(isHere, `journal: slot ${slot.slot} lacks a change`);
  }
  applySlot(replica, slot, superseded);
  stream.appliedThrough = slot.slot;
  stream.coveredThrough = slot.slot;
}

/** What the slot names and is not here; held changes are taken over on the way. */
function collectMissing(replica: Replica, turn: Turn, slot: SlotDecisions): Digest[] {
  const missing: Digest[] = [];
  for (const digest of namedChanges(replica, slot)) {
    if (replica.store.get(digest) || replica.stream.fetched.has(digest)) continue;
    const held = replica.held.findByDigest(digest);
    if (held) keepFetched(replica, turn, digest, held);
    else missing.push(digest);
  }
  if (missing.length === 0) return missing;
  const dead = deadSurvivors(slot, replica.stream.slots.items());
  return missing.filter((digest) => !dead.has(digest));
}

function keepFetched(replica: Replica, turn: Turn, digest: Digest, record: ChangeRecord): void {
  put(turn, { kind: "append", record: { kind: "fetched", record }, durability: "synced" });
  replica.stream.fetched.set(digest, record);
}

function askForMissing(replica: Replica, turn: Turn): void {
  const { stream } = replica;
  if (stream.fetchAt !== undefined && turn.now < stream.fetchAt) return;
  const wanted = new Set<Digest>();
  for (const slot of stream.slots.items()) {
    for (const digest of collectMissing(replica, turn, slot)) wanted.add(digest);
    if (wanted.size >= FETCH_DIGESTS_MAX) break;
  }
  stream.wanted = wanted;
  stream.fetchAt = turn.now + FETCH_RETRY_MS;
  const peers = [...stream.peers];
  const peer = peers[stream.peerTurn++ % Math.max(1, peers.length)];
  const digests = [...wanted].slice(0, FETCH_DIGESTS_MAX);
  if (peer !== undefined) put(turn, send("state-replica", peer, { kind: "fetchChanges", digests }));
}

export function retryFetch(replica: Replica, turn: Turn): void {
  const { fetchAt } = replica.stream;
  if (fetchAt !== undefined && turn.now >= fetchAt) advance(replica, turn);
}

/** Another member's changes: right when, and only when, their digest is one that was asked for. */
export function receiveChanges(replica: Replica, turn: Turn, from: ServerName, records: readonly ChangeRecord[]): void {
  const { stream, hasher } = replica;
  let progress = false;
  for (const record of records.slice(0, FETCH_DIGESTS_MAX)) {
    if (stream.wanted.size === 0 || findRecordFlaw(record) || !hasRightInput(hasher, record)) continue;
    const digest = digestChange(hasher, summarize(hasher, record));
    if (!stream.wanted.delete(digest)) continue;
    keepFetched(replica, turn, digest, record);
    progress = true;
  }
  if (!progress) return;
  // This member has them: go on with it at once.
  stream.fetchAt = undefined;
  stream.peerTurn = Math.max(0, [...stream.peers].indexOf(from));
  advance(replica, turn);
}

const RECORD_CHARACTERS_MAX = LIMITS.changeBytesMax / 3;

/** Answers another member's `fetchChanges` with as much as fits into a message. */
export function sendChanges(replica: Replica, turn: Turn, to: ServerName, digests: readonly Digest[]): void {
  const records: ChangeRecord[] = [];
  let characters = 0;
  for (const digest of digests.slice(0, FETCH_DIGESTS_MAX)) {
    const record = replica.store.get(digest)?.record ?? replica.stream.fetched.get(digest);
    if (!record) continue;
    characters += record.writes.reduce((sum, write) => sum + write.bytes.length + 256, 2_048);
    characters += record.input.length + record.reply.length;
    if (records.length > 0 && characters > RECORD_CHARACTERS_MAX) break;
    records.push(record);
  }
  if (records.length > 0) put(turn, send("state-replica", to, { kind: "changes", records }));
}

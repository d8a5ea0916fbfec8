/**
 * Changes that the decision stream names and this member did not get from their execution server: asked of one member
 * after the other, taken by their digest, and given a place in the journal when the slot that names them is taken in.
 * What this member is asked for itself it finds by request id, on the disk if need be.
 */
import {
  assert,
  type ChangeName,
  type ChangeRecord,
  type ChangeSummary,
  type Digest,
  type FetchChangesMessage,
  LIMITS,
  type RequestId,
  type ServerName,
  type SlotDecisions,
} from "@redoubt/shared";
import { send } from "../core.ts";
import { digestChange, summarize } from "../digests.ts";
import { findRecordFlaw, hasRightInput } from "../well-formed.ts";
import { type ChangeEntry, type ChangePlace, newEntry } from "./change-entry.ts";
import { journal, put, type Replica, type Turn } from "./context.ts";
import { namedChanges } from "./labels.ts";
import type { Needs } from "./object-store.ts";
import { withRecords } from "./record-reads.ts";
import { deadSurvivors } from "./superseded.ts";

const FETCH_RETRY_MS = 100;
const FETCH_DIGESTS_MAX = 128;
/** Records read from the disk for one answer; the rest is asked for again. */
const COLD_PER_ANSWER_MAX = 32;
const RECORD_CHARACTERS_MAX = LIMITS.changeBytesMax / 3;

/** `place`: journalled already, in a life that ended before the slot was. */
export interface FetchedChange {
  readonly record: ChangeRecord;
  readonly summary: ChangeSummary;
  readonly place: ChangePlace | undefined;
}

/** What the slot names, is not here and is still to be had; held changes are taken over on the way. */
export function collectMissing(replica: Replica, slot: SlotDecisions): ChangeName[] {
  const { store, stream, held } = replica;
  const missing: ChangeName[] = [];
  for (const change of namedChanges(replica, slot)) {
    const { digest } = change;
    if (store.undecidedOf(digest) || stream.fetched.has(digest)) continue;
    const examined = held.findByDigest(digest);
    if (!examined) missing.push(change);
    else stream.fetched.set(digest, { record: examined.record, summary: examined.summary, place: undefined });
  }
  if (missing.length === 0) return missing;
  const dead = deadSurvivors(slot, stream.slots.items());
  return missing.filter(({ digest }) => !dead.has(digest));
}

/** Journals the change, unless that was done with the same parents before a crash. */
export function placeFetched(replica: Replica, turn: Turn, digest: Digest, fetched: FetchedChange): ChangeEntry {
  const { record, summary, place } = fetched;
  const parents = replica.store.parentsOf(record);
  if (place && isSame(place.parents, parents)) return newEntry(digest, record, summary, place);
  const number = journal(replica, turn, { kind: "fetched", record, parents }, "synced");
  return newEntry(digest, record, summary, { number, parents });
}

/** The same while the journal is read. */
export function placeReplayed(digest: Digest, { record, summary, place }: FetchedChange): ChangeEntry {
  assert(place, "a fetched change is journalled before the slot that needs it");
  return newEntry(digest, record, summary, place);
}

const isSame = (one: readonly unknown[], other: readonly unknown[]): boolean =>
  one.length === other.length && one.every((item, index) => item === other[index]);

/** Asks the next peer for what the first slots lack. */
export function askForMissing(replica: Replica, turn: Turn): void {
  const { stream } = replica;
  if (stream.fetchAt !== undefined && turn.now < stream.fetchAt) return;
  if (turn.now < replica.transfer.mayAskAt) {
    stream.fetchAt = replica.transfer.mayAskAt;
    return;
  }
  const wanted = new Map<Digest, RequestId>();
  for (const slot of stream.slots.items()) {
    for (const { digest, requestId } of collectMissing(replica, slot)) wanted.set(digest, requestId);
    if (wanted.size >= FETCH_DIGESTS_MAX) break;
  }
  stream.wanted = wanted;
  stream.fetchAt = turn.now + FETCH_RETRY_MS;
  const peers = [...stream.peers];
  const peer = peers[stream.peerTurn++ % Math.max(1, peers.length)];
  const digests = [...wanted.keys()].slice(0, FETCH_DIGESTS_MAX);
  const requestIds = [...wanted.values()].slice(0, FETCH_DIGESTS_MAX);
  if (peer !== undefined) put(turn, send("state-replica", peer, { kind: "fetchChanges", digests, requestIds }));
}

/** Another member's changes: right when, and only when, their digest is one that was asked for. True: some were. */
export function keepWanted(replica: Replica, turn: Turn, records: readonly ChangeRecord[]): boolean {
  const { stream, hasher } = replica;
  let changes = 0;
  let characters = 0;
  for (const record of records.slice(0, FETCH_DIGESTS_MAX)) {
    if (stream.wanted.size === 0 || findRecordFlaw(record) || !hasRightInput(hasher, record)) continue;
    const summary = summarize(hasher, record);
    const digest = digestChange(hasher, summary);
    if (!stream.wanted.delete(digest)) continue;
    stream.fetched.set(digest, { record, summary, place: undefined });
    changes += 1;
    characters += charactersOf(record);
  }
  if (changes > 0) replica.transfer.received(characters, changes, turn.now);
  return changes > 0;
}

/** Rough size of a record in a message. */
const charactersOf = ({ writes, input, reply }: ChangeRecord): number =>
  writes.reduce((sum, write) => sum + write.bytes.length + 256, 2_048) + input.length + reply.length;

/** Answers another member's `fetchChanges` with as much as fits into a message. */
export function sendChanges(replica: Replica, turn: Turn, to: ServerName, message: FetchChangesMessage): void {
  const { digests, requestIds } = message;
  withRecords(
    replica,
    turn,
    (later, needs) => {
      const records: ChangeRecord[] = [];
      let characters = 0;
      for (const [index, digest] of digests.slice(0, FETCH_DIGESTS_MAX).entries()) {
        if (needs.size >= COLD_PER_ANSWER_MAX) break;
        const record = findRecord(replica, digest, requestIds?.[index], needs);
        if (!record) continue;
        characters += charactersOf(record);
        if (records.length > 0 && characters > RECORD_CHARACTERS_MAX) break;
        records.push(record);
      }
      if (needs.size === 0 && records.length > 0) put(later, send("state-replica", to, { kind: "changes", records }));
    },
    { sender: to },
  );
}

function findRecord(
  { store, stream }: Replica,
  digest: Digest,
  requestId: RequestId | undefined,
  needs: Needs,
): ChangeRecord | undefined {
  const known = store.get(digest)?.record ?? stream.fetched.get(digest)?.record;
  if (known || requestId === undefined) return known;
  const entry = store.byRequest(requestId, needs);
  return entry?.digest === digest ? entry.record : undefined;
}

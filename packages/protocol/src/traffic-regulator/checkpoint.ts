/**
 * The regulator's durable state as bytes, and back (`CheckpointedCore` in `core.ts`): what its journal's records leave
 * behind, so that a start reads the newest checkpoint and the few records after it, and the journal below can be cut. In it
 * are L1, L2 and L3, blocks, signatures, orders carried out, unread facts, quotas, discarded processes, the configuration,
 * and the position in the decision stream; what a restart forgets anyway (votes, attempts under way, timers) is not.
 *
 * Everything is bounded where it lives in memory; nothing is left out here. The bytes come from this regulator's own file,
 * whose checksum was right: what does not fit is a bug or another version of the program, and is refused by throwing.
 */
import { assert, ByteReader, ByteWriter } from "@redoubt/shared";
import type { Checkpoint, RecordNumber } from "../core.ts";
import { exportAssignments, restoreAssignments } from "./assignments.ts";
import type { Regulator } from "./context.ts";
import type { HeldEntry } from "./held-requests.ts";
import { restoreConfiguration } from "./orders.ts";
import { recoverRequest, takeRecord } from "./recovery.ts";
import type { AdmittedRecord, RegulatorRecord } from "./types.ts";

const FORMAT = "redoubt traffic regulator checkpoint 1";
/** Entries of a log in one text. */
const ENTRIES_PER_TEXT = 500;
const LIST_MAX = 10_000_000;

interface SmallState {
  readonly configuration: Extract<RegulatorRecord, { kind: "configuration" }>["configuration"] | null;
  readonly placement: Extract<RegulatorRecord, { kind: "placement" }> | null;
  readonly genesisVersions: readonly string[];
  readonly inGoodStanding: readonly string[];
  readonly quarantine: ReturnType<Regulator["quarantine"]["export"]>;
  readonly facts: ReturnType<Regulator["facts"]["export"]>;
  readonly unqualified: ReturnType<Regulator["logs"]["exportUnqualified"]>;
  /** Absent in checkpoints of before requests could be held. */
  readonly held?: readonly HeldEntry[];
}

/** Grows also by what is not journalled, so a replay may know less of it; all of it only makes the regulator more careful. */
interface CarefulState {
  readonly orders: readonly string[];
  readonly discarded: readonly string[];
  readonly quota: ReturnType<Regulator["quota"]["export"]>;
  readonly versions: ReturnType<Regulator["versions"]["export"]>;
  readonly circuits: ReturnType<Regulator["breaker"]["export"]>;
  readonly recognised: readonly string[];
  /** Absent in checkpoints of earlier versions. */
  readonly assignments?: ReturnType<typeof exportAssignments>;
}

interface Pending {
  readonly record: AdmittedRecord;
  readonly attempt: number;
}

/** The last part is {@link CarefulState} with the ids seen; see {@link isSameState}. */
export function takeCheckpoint(regulator: Regulator): Checkpoint {
  const { logs, quarantine, facts, genesis, quota, orders, servers } = regulator;
  const small: SmallState = {
    configuration: regulator.wanted ?? null,
    placement: regulator.savedPlacement ?? null,
    genesisVersions: [...genesis.versions],
    inGoodStanding: [...regulator.inGoodStanding],
    quarantine: quarantine.export(),
    facts: facts.export(),
    unqualified: logs.exportUnqualified(),
    held: logs.held.all(),
  };
  const writer = new ByteWriter(64 * 1024).text(FORMAT).integer(regulator.records).text(JSON.stringify(small));
  // The first attempt is not journalled by itself: it may have been dispatched.
  const pending = [...logs.allPending()].map(({ record, attempt }) => ({ record, attempt: Math.max(1, attempt) }));
  writeEntries<Pending>(writer, pending);
  writeEntries(writer, logs.allVerified());
  writeEntries(writer, logs.allMalformed());
  const careful: CarefulState = {
    ...{ orders: [...orders], discarded: servers.discarded, quota: quota.export() },
    ...{ versions: regulator.versions.export(), circuits: regulator.breaker.export() },
    recognised: [...regulator.recognised],
    assignments: exportAssignments(regulator),
  };
  const memory = new ByteWriter(64 * 1024).text(JSON.stringify(careful));
  logs.seen.save(memory);
  return { through: regulator.records, parts: [writer.finish(), memory.finish()] };
}

/** Into a regulator that has taken nothing in yet. Throws on bytes that are no checkpoint of this version. */
export function restoreCheckpoint(regulator: Regulator, parts: readonly Uint8Array[], through: RecordNumber): void {
  const [main, memory] = parts;
  assert(main && memory, "a checkpoint has two parts");
  const reader = new ByteReader(main);
  assert(reader.text() === FORMAT, "a checkpoint of this version");
  assert(reader.integer() === through, "a checkpoint says itself which records it stands for");
  const small = JSON.parse(reader.text()) as SmallState;
  if (small.configuration) restoreConfiguration(regulator, small.configuration);
  if (small.placement) takeRecord(regulator, small.placement);
  for (const version of small.genesisVersions)
    regulator.genesis.noteDone(version, regulator.applications.first.version);
  for (const client of small.inGoodStanding) regulator.inGoodStanding.add(client);
  const { logs, quota, servers } = regulator;
  regulator.quarantine.restore(small.quarantine);
  regulator.facts.restoreAll(small.facts);
  logs.restoreUnqualified(small.unqualified);
  for (const entry of small.held ?? []) logs.restoreHeld(entry);
  for (const { record, attempt } of readEntries<Pending>(reader)) {
    const request = recoverRequest(regulator, record);
    request.attempt = attempt;
    logs.admit(request);
  }
  for (const entry of readEntries<Parameters<typeof logs.restoreVerified>[0]>(reader)) logs.restoreVerified(entry);
  for (const entry of readEntries<Parameters<typeof logs.restoreMalformed>[0]>(reader)) logs.restoreMalformed(entry);
  reader.end();
  const carefulReader = new ByteReader(memory);
  const careful = JSON.parse(carefulReader.text()) as CarefulState;
  for (const order of careful.orders) regulator.orders.add(order);
  servers.restoreDiscarded(careful.discarded);
  quota.restore(careful.quota);
  regulator.versions.restore(careful.versions);
  for (const circuit of careful.circuits) regulator.breaker.restore(circuit);
  for (const client of careful.recognised) regulator.recognised.add(client);
  restoreAssignments(regulator, careful.assignments ?? []);
  logs.seen.restore(carefulReader);
  carefulReader.end();
  regulator.records = through;
}

/** Whether two checkpoints stand for the same state, but for what only makes the regulator more careful. */
export function isSameState(one: Checkpoint, other: Checkpoint): boolean {
  const [left, right] = [one.parts[0], other.parts[0]];
  assert(left && right, "a checkpoint has two parts");
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

function writeEntries<Entry>(writer: ByteWriter, entries: Iterable<Entry>): void {
  const texts: string[] = [];
  let batch: Entry[] = [];
  const close = (): void => {
    if (batch.length > 0) texts.push(JSON.stringify(batch));
    batch = [];
  };
  for (const entry of entries) {
    batch.push(entry);
    if (batch.length === ENTRIES_PER_TEXT) close();
  }
  close();
  writer.list(texts, (text) => writer.text(text));
}

const readEntries = <Entry>(reader: ByteReader): Entry[] =>
  reader.list(() => JSON.parse(reader.text()) as Entry[], LIST_MAX).flat();

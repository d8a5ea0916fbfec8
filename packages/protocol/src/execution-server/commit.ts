/**
 * The end of a run: validate, number, link, send. Every version read or replaced must still be the newest one known
 * (this server is the clusters' only writer, so its cache decides); otherwise the transaction runs again. From the
 * validation to the multicast nothing can come between, so serials and links are in the order of commits.
 */
import {
  type ChainLink,
  type ChangeRecord,
  type ChangeSummary,
  type Digest,
  LIMITS,
  type StoredVersion,
  type VersionReference,
  type VersionWrite,
  ZERO_DIGEST,
} from "@redoubt/shared";
import { composeReply } from "../application-port.ts";
import { absent, digestChange, summarize, utf8Length } from "../digests.ts";
import { failExecution, leave, lineUp, setHandled } from "./dispatching.ts";
import type { Engine, Execution, Turn } from "./engine.ts";
import { proceed } from "./fetching.ts";
import { finishShadow } from "./shadow.ts";
import type { ExecutionServerInput } from "./types.ts";

const CONFLICTS_MAX = 16;

export type Outcome = Pick<Extract<ExecutionServerInput, { kind: "finished" }>, "reply" | "reads" | "writes">;

export interface Effects {
  readonly reply: string;
  readonly reads: readonly string[];
  readonly writes: Outcome["writes"];
}

/** What is wrong with what a run produced, or undefined. A correct shell lets nothing of this through. */
function findFlaw(
  execution: Execution,
  { reads, writes }: Outcome,
  reply: string,
): [string, "thrown" | "oversize"] | undefined {
  const modes = new Map(execution.declared.map(({ object, mode }) => [object, mode]));
  for (const object of reads) if (!modes.has(object)) return [`read of undeclared ${object}`, "thrown"];
  for (const { object, value } of writes) {
    const mode = modes.get(object);
    if (mode === undefined || mode === "read") return [`write of ${object}, which is not declared so`, "thrown"];
    if (mode === "create" && execution.snapshot.get(object)) return [`${object} exists already`, "thrown"];
    if (utf8Length(value) > LIMITS.objectBytesMax) return [`${object} is too large`, "oversize"];
  }
  if (writes.length > 0 && execution.ticket.body.readOnly) return ["a read-only operation wrote", "thrown"];
  if (new Set(writes.map((write) => write.object)).size !== writes.length) return ["an object written twice", "thrown"];
  const bytes = writes.reduce((sum, write) => sum + utf8Length(write.value), utf8Length(reply));
  if (utf8Length(reply) > LIMITS.replyBytesMax) return ["the reply is too large", "oversize"];
  if (bytes + utf8Length(execution.input) > LIMITS.changeBytesMax - 256 * 1024) return ["too much written", "oversize"];
  return undefined;
}

export function finish(engine: Engine, turn: Turn, execution: Execution, outcome: Outcome): void {
  const { status, body } = outcome.reply;
  const reply = composeReply(status, body);
  // A refusal changes nothing, whatever the transaction wrote before it gave up.
  const kept = status >= 400 ? { ...outcome, writes: [] } : outcome;
  const flaw = findFlaw(execution, kept, reply);
  if (flaw) {
    failExecution(engine, turn, execution, flaw[1], flaw[0]);
    return;
  }
  const effects = { reply, reads: [...new Set(kept.reads)], writes: kept.writes };
  if (execution.shadow) finishShadow(engine, turn, execution, effects);
  else commit(engine, turn, execution, effects);
}

function commit(engine: Engine, turn: Turn, execution: Execution, effects: Effects): void {
  const validity = validate(engine, execution, effects);
  if (validity === "stale") {
    failExecution(engine, turn, execution, "stale", "a newer epoch has begun");
  } else if (validity === "conflict") {
    runAgain(engine, turn, execution);
  } else {
    const record = composeRecord(engine, execution, effects);
    const summary = summarize(engine.dependencies.hasher, record);
    const digest = digestChange(engine.dependencies.hasher, summary);
    adopt(engine, record, summary, digest);
    setHandled(engine, execution, { kind: "sent" });
    engine.outgoing.multicast(engine, turn, record, digest);
    leave(engine, turn, execution);
    engine.cache.shrink((cluster) => engine.outgoing.isBusy(cluster));
  }
}

function runAgain(engine: Engine, turn: Turn, execution: Execution): void {
  if (execution.running !== undefined) engine.running.delete(execution.running);
  execution.running = undefined;
  if (++execution.conflicts > CONFLICTS_MAX) {
    failExecution(engine, turn, execution, "stale", "the objects kept changing under the transaction");
    return;
  }
  lineUp(engine, execution);
  proceed(engine, turn, execution);
}

function validate(
  engine: Engine,
  { ticket, snapshot }: Execution,
  { reads, writes }: Effects,
): "valid" | "conflict" | "stale" {
  const newest = new Map<string, StoredVersion | null>();
  for (const { cluster, epoch } of ticket.body.clusters) {
    const cached = engine.cache.get(cluster, epoch);
    if (!cached) return "stale";
    if (cached.tip === undefined) return "conflict";
    for (const object of snapshot.keys()) {
      const version = cached.objects.get(object);
      if (version !== undefined) newest.set(object, version);
    }
  }
  const isCurrent = (object: string): boolean => {
    const version = newest.get(object);
    return version !== undefined && version?.c1 === snapshot.get(object)?.c1;
  };
  return reads.every(isCurrent) && writes.every((write) => isCurrent(write.object)) ? "valid" : "conflict";
}

export const referenceOf = (object: string, version: StoredVersion | null | undefined): VersionReference =>
  version ? { object, number: version.number, epoch: version.epoch, c1: version.c1 } : absent(object);

/** The new versions, from the snapshot's as parents. */
export function composeWrites(engine: Engine, execution: Execution, writes: Outcome["writes"]): VersionWrite[] {
  const epochs = new Map(execution.ticket.body.clusters.map(({ cluster, epoch }) => [cluster, epoch]));
  return writes.map(({ object, value }) => {
    const { number, epoch, c1 } = referenceOf(object, execution.snapshot.get(object));
    const cluster = engine.applications.clusterOf(object);
    const newEpoch = (cluster === undefined ? undefined : epochs.get(cluster)) ?? 0;
    return { object, number: number + 1, epoch: newEpoch, parent: { number, epoch, c1 }, bytes: value };
  });
}

function composeRecord(engine: Engine, execution: Execution, { reply, reads, writes }: Effects): ChangeRecord {
  const { ticket, input, snapshot } = execution;
  const epochs = ticket.body.clusters.map((entry) => entry.epoch);
  const serial = Math.max(...epochs.map((epoch) => engine.serials.get(epoch) ?? 0)) + 1;
  for (const epoch of epochs) engine.serials.set(epoch, serial);
  const links = ticket.body.clusters.map((entry): ChainLink => {
    const cached = engine.cache.get(entry.cluster, entry.epoch);
    return {
      cluster: entry.cluster,
      epoch: entry.epoch,
      predecessorSerial: cached?.lastSerial ?? 0,
      follows: cached?.tip ?? ZERO_DIGEST,
    };
  });
  return {
    ticket,
    input,
    reply,
    reads: reads.map((object) => referenceOf(object, snapshot.get(object))),
    writes: composeWrites(engine, execution, writes),
    serial,
    links,
  };
}

/** From now on this change is what the next one starts from, before any member has it. */
function adopt(engine: Engine, record: ChangeRecord, { writes }: ChangeSummary, digest: Digest): void {
  const { body } = record.ticket;
  for (const { cluster, epoch } of body.clusters) {
    const cached = engine.cache.get(cluster, epoch);
    if (!cached) continue;
    cached.lastSerial = record.serial;
    if (!body.readOnly) cached.tip = digest;
  }
  for (const [index, { object, number, epoch, parent, bytes }] of record.writes.entries()) {
    const cluster = engine.applications.clusterOf(object);
    const cached = cluster === undefined ? undefined : engine.cache.get(cluster, epoch);
    const c1 = writes[index]?.c1;
    if (cached && c1)
      engine.cache.put(cached, object, { object, number, epoch, parent, bytes, requestId: body.requestId, c1 });
  }
}

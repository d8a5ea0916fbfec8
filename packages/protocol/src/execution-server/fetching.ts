/**
 * Getting what an execution needs and starting it: declared objects and chain tips come from the cache or, the first
 * time in an epoch, from the members. Everything declared is provided, all as of one instant, so the transaction sees a
 * consistent snapshot.
 */
import {
  type FetchedMessage,
  LIMITS,
  type ObjectClusterNumber,
  type RefusedMessage,
  type ServerName,
  type StoredVersion,
  type VersionReference,
} from "@redoubt/shared";
import { GENESIS_OPERATION } from "../application-port.ts";
import { send } from "../core.ts";
import { failExecution } from "./dispatching.ts";
import type { Engine, Execution, Turn } from "./engine.ts";
import { finishGenesis } from "./genesis.ts";
import { FetchTally } from "./tally.ts";

/** Longer than a worker of its own takes to start. */
const FETCH_PATIENCE_MS = 5_000;
const FETCH_RETRY_MS = 100;
const NOTHING: ReadonlyMap<string, VersionReference> = new Map();

interface Needs {
  readonly objects: ReadonlySet<string>;
  readonly at: ReadonlyMap<string, VersionReference>;
  readonly clusters: ReadonlySet<ObjectClusterNumber>;
}

/** Goes as far as possible: waits in line, fetches, or runs. */
export function proceed(engine: Engine, turn: Turn, execution: Execution): void {
  if (execution.running !== undefined) return;
  if (execution.isLined && !engine.lines.isFirst(execution, execution.objects)) return;
  const needs = execution.shadow ? shadowNeeds(execution) : cacheNeeds(engine, execution);
  if (needs === "stale") {
    failExecution(engine, turn, execution, "stale", "a newer epoch has begun");
  } else if (needs.objects.size + needs.at.size + needs.clusters.size > 0) {
    fetch(engine, turn, execution, needs);
  } else {
    if (execution.fetch) engine.fetching.delete(execution.fetch.name);
    run(engine, turn, execution);
  }
}

function cacheNeeds(engine: Engine, { ticket, objects }: Execution): Needs | "stale" {
  const { applications } = engine;
  const clusters = new Set<ObjectClusterNumber>();
  const missing = new Set<string>();
  for (const { cluster, epoch } of ticket.body.clusters) {
    const cached = engine.cache.get(cluster, epoch);
    if (!cached) return "stale";
    if (cached.tip === undefined) clusters.add(cluster);
  }
  const epochs = new Map(ticket.body.clusters.map(({ cluster, epoch }) => [cluster, epoch]));
  for (const object of objects) {
    const cluster = applications.clusterOf(object);
    const epoch = cluster === undefined ? undefined : epochs.get(cluster);
    if (cluster === undefined || epoch === undefined) continue;
    if (!engine.cache.get(cluster, epoch)?.objects.has(object)) missing.add(object);
  }
  return { objects: missing, at: NOTHING, clusters };
}

/** A shadow run keeps what it got to itself. */
function shadowNeeds({ objects, shadow, snapshot }: Execution): Needs {
  const missing = new Set<string>();
  const at = new Map<string, VersionReference>();
  for (const object of objects) {
    if (snapshot.has(object)) continue;
    const reference = shadow?.at.get(object);
    if (reference) at.set(object, reference);
    else missing.add(object);
  }
  return { objects: missing, at, clusters: new Set() };
}

function fetch(engine: Engine, turn: Turn, execution: Execution, needs: Needs): void {
  const { body } = execution.ticket;
  if (!execution.fetch) {
    const name = `fetch-${engine.names++}`;
    const tally = new FetchTally(engine.dependencies.hasher, body.faultsTolerated + 1);
    execution.fetch = { name, tally, againAt: 0, refusals: new Set() };
  }
  const { name } = execution.fetch;
  execution.fetch.againAt = turn.now + FETCH_RETRY_MS;
  // To the end of the queue: the map stays in the order of the next repetition.
  engine.fetching.delete(name);
  engine.fetching.set(name, execution);
  for (const [member, clusters] of clustersOfMembers(execution)) {
    const isTheirs = (object: string) => {
      const cluster = engine.applications.clusterOf(object);
      return cluster !== undefined && clusters.has(cluster);
    };
    const objects = [...needs.objects].filter(isTheirs);
    const at = [...needs.at.values()].filter((reference) => isTheirs(reference.object));
    const wantsTips = [...needs.clusters].some((cluster) => clusters.has(cluster));
    if (objects.length === 0 && at.length === 0 && !wantsTips) continue;
    const { ticket, input } = execution;
    const message = { kind: "fetch", fetch: name, ticket, input, objects, at } as const;
    turn.effects.push(send("state-replica", member, message));
  }
}

function clustersOfMembers({ ticket }: Execution): Map<ServerName, Set<ObjectClusterNumber>> {
  const clusters = new Map<ServerName, Set<ObjectClusterNumber>>();
  for (const { cluster, members } of ticket.body.clusters) {
    for (const member of members) clusters.set(member, (clusters.get(member) ?? new Set()).add(cluster));
  }
  return clusters;
}

export function receiveFetched(engine: Engine, turn: Turn, from: ServerName, message: FetchedMessage): void {
  const execution = engine.fetching.get(message.fetch);
  const clusters = execution && clustersOfMembers(execution).get(from);
  if (!execution?.fetch || !clusters) return;
  if (message.objects.length > 2 * LIMITS.objectsPerRequestMax) return;
  const { applications } = engine;
  const at = execution.shadow?.at ?? NOTHING;
  const wanted = new Set(
    execution.objects.filter((object) => {
      const cluster = applications.clusterOf(object);
      return cluster !== undefined && clusters.has(cluster) && !at.has(object);
    }),
  );
  execution.fetch.tally.add(from, message, wanted, at, clusters);
  if (execution.shadow && execution.fetch.tally.isHopeless) {
    failExecution(engine, turn, execution, "stale", "the versions to start from are no longer there");
    return;
  }
  if (execution.shadow) adoptForShadow(execution);
  else adoptIntoCache(engine, execution);
  const isComplete = message.objects.length > 0 || message.tips.length > 0;
  if (isComplete) proceedIfComplete(engine, turn, execution);
}

/** Starts the execution when nothing is missing any more; otherwise the retry asks again for what is. */
function proceedIfComplete(engine: Engine, turn: Turn, execution: Execution): void {
  const needs = execution.shadow ? shadowNeeds(execution) : cacheNeeds(engine, execution);
  if (needs === "stale" || needs.objects.size + needs.at.size + needs.clusters.size === 0)
    proceed(engine, turn, execution);
}

function adoptIntoCache(engine: Engine, { ticket, objects, fetch: state }: Execution): void {
  if (!state) return;
  for (const { cluster, epoch } of ticket.body.clusters) {
    const cached = engine.cache.get(cluster, epoch);
    if (!cached) continue;
    cached.tip ??= state.tally.tip(cluster)?.value;
    for (const object of objects) {
      if (engine.applications.clusterOf(object) !== cluster || cached.objects.has(object)) continue;
      const newest = state.tally.newest(object);
      if (newest) engine.cache.put(cached, object, newest.value);
    }
  }
}

function adoptForShadow(execution: Execution): void {
  const { shadow, objects, fetch: state } = execution;
  const snapshot = new Map(execution.snapshot);
  for (const object of objects) {
    if (snapshot.has(object) || !state) continue;
    const exact = state.tally.exact(object);
    const newest = shadow?.at.has(object) ? undefined : state.tally.newest(object);
    if (exact) snapshot.set(object, exact);
    else if (newest) snapshot.set(object, newest.value);
  }
  execution.snapshot = snapshot;
}

/** A member refuses to serve the ticket: hopeless once t+1 do. */
export function fetchRefused(engine: Engine, turn: Turn, from: ServerName, message: RefusedMessage): void {
  for (const execution of [...engine.fetching.values()]) {
    const { body } = execution.ticket;
    if (body.requestId !== message.requestId || body.attempt !== message.attempt || !execution.fetch) continue;
    if (!clustersOfMembers(execution).has(from)) continue;
    execution.fetch.refusals.add(from);
    if (execution.fetch.refusals.size <= body.faultsTolerated) continue;
    const reason = message.reason === "stale-epoch" ? "stale" : "refused";
    failExecution(engine, turn, execution, reason, `members refuse the ticket: ${message.reason.slice(0, 64)}`);
  }
}

/** The regulator waits less long; by the own clock alone, because those of two hosts may be far apart. */
const patienceMs = ({ dependencies }: Engine, { ticket }: Execution): number =>
  2 * dependencies.application.deadlineMsOf(ticket.body.operation) + FETCH_PATIENCE_MS;

export function retryFetches(engine: Engine, turn: Turn): void {
  for (const execution of engine.fetching.values()) {
    if (!execution.fetch || execution.fetch.againAt > turn.now) return;
    if (turn.now - execution.arrivedAt > patienceMs(engine, execution))
      failExecution(engine, turn, execution, "stale", "the members did not answer while anybody waited for it");
    else proceed(engine, turn, execution);
  }
}

/** What members said about these clusters until now counts no more: fetches that involve them begin again. */
export function fetchAnew(engine: Engine, turn: Turn, clusters: ReadonlySet<ObjectClusterNumber>): void {
  for (const execution of [...engine.fetching.values()]) {
    const isConcerned = execution.ticket.body.clusters.some(({ cluster }) => clusters.has(cluster));
    if (!isConcerned || execution.shadow || !execution.fetch) continue;
    engine.fetching.delete(execution.fetch.name);
    execution.fetch = undefined;
    proceed(engine, turn, execution);
  }
}

function run(engine: Engine, turn: Turn, execution: Execution): void {
  if (!execution.shadow) execution.snapshot = takeSnapshot(engine, execution);
  execution.fetch = undefined;
  const name = `execution-${engine.names++}`;
  execution.running = name;
  engine.running.set(name, execution);
  const { body } = execution.ticket;
  if (body.operation === GENESIS_OPERATION) {
    finishGenesis(engine, turn, execution);
    return;
  }
  turn.effects.push({
    kind: "execute",
    execution: name,
    applicationVersion: body.applicationVersion,
    operation: body.operation,
    input: execution.input,
    principal: body.principal,
    now: body.now,
    seed: body.seed,
    requestId: body.requestId,
    provided: execution.objects.map((object) => ({ object, bytes: execution.snapshot.get(object)?.bytes ?? null })),
    disposable: execution.disposable,
    deadlineMs:
      engine.applications.of(body.applicationVersion)?.deadlineMsOf(body.operation) ?? LIMITS.defaultDeadlineMs,
  });
}

function takeSnapshot(engine: Engine, { ticket, objects }: Execution): Map<string, StoredVersion | null> {
  const snapshot = new Map<string, StoredVersion | null>();
  const epochs = new Map(ticket.body.clusters.map(({ cluster, epoch }) => [cluster, epoch]));
  for (const object of objects) {
    const cluster = engine.applications.clusterOf(object);
    const epoch = cluster === undefined ? undefined : epochs.get(cluster);
    if (cluster === undefined || epoch === undefined) continue;
    const version = engine.cache.get(cluster, epoch)?.objects.get(object);
    if (version !== undefined) snapshot.set(object, version);
  }
  return snapshot;
}

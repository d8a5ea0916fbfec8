/**
 * The first objects (DESIGN §8): one idempotent internal request per object cluster, through the normal path like any
 * other. The regulator admits nobody before all are verified; that it has happened is journalled.
 */
import type { RequestId } from "@redoubt/shared";
import { GENESIS_OPERATION, genesisInput } from "../application-port.ts";
import { computeRequestId, digestInput } from "../digests.ts";
import { findAccess } from "./access.ts";
import { makePending, takeIn } from "./admission.ts";
import { append, publish, type Regulator } from "./context.ts";
import type { AdmittedRecord, RegulatedApplication } from "./types.ts";

/** Principal of the internal requests; no client can have it, because clients' ids are given by the manager. */
export const GENESIS_PRINCIPAL = "genesis";
const UNDER_WAY_MAX = 64;
const OBJECTS_PER_REQUEST = 100;

export interface GenesisRequest {
  readonly key: string;
  readonly inputText: string;
}

/** One request per object cluster (more where a cluster has very many objects), in ascending order. */
export function planGenesis(application: RegulatedApplication): GenesisRequest[] {
  const byCluster = new Map<number, string[]>();
  for (const object of [...application.genesisObjects].sort()) {
    const cluster = application.clusterOf(object);
    if (cluster === undefined) continue;
    const objects = byCluster.get(cluster);
    if (objects) objects.push(object);
    else byCluster.set(cluster, [object]);
  }
  const requests: GenesisRequest[] = [];
  for (const [cluster, objects] of [...byCluster].sort(([left], [right]) => left - right)) {
    for (let from = 0; from < objects.length; from += OBJECTS_PER_REQUEST) {
      const inputText = genesisInput(objects.slice(from, from + OBJECTS_PER_REQUEST));
      requests.push({ key: `cluster-${cluster}-${from}`, inputText });
    }
  }
  return requests;
}

const VERSIONS_KEPT_MAX = 64;

export class GenesisProgress {
  done = false;
  /** Versions of the application whose first objects are there, newest last. */
  readonly versions = new Set<string>();
  started = false;
  todo: GenesisRequest[] = [];
  readonly underWay = new Set<RequestId>();

  noteDone(version: string, first: string): void {
    if (version === first) this.done = true;
    this.versions.delete(version);
    this.versions.add(version);
    if (this.versions.size <= VERSIONS_KEPT_MAX) return;
    const [oldest] = this.versions;
    if (oldest !== undefined) this.versions.delete(oldest);
  }
}

/** Called whenever dispatching may have become possible. */
export function startGenesis(regulator: Regulator): void {
  const { genesis } = regulator;
  if (genesis.started) return;
  genesis.started = true;
  if (genesis.done) {
    publish(regulator, { kind: "ready", epoch: regulator.epoch });
    return;
  }
  genesis.todo = planGenesis(regulator.applications.first);
  for (const request of regulator.logs.allPending())
    if (request.internal === "genesis") genesis.underWay.add(request.requestId);
  pump(regulator);
}

export function advanceGenesis(regulator: Regulator, requestId: RequestId): void {
  const { genesis } = regulator;
  if (!genesis.underWay.delete(requestId)) return;
  pump(regulator);
}

function pump(regulator: Regulator): void {
  const { genesis, applications } = regulator;
  while (genesis.underWay.size < UNDER_WAY_MAX) {
    const next = genesis.todo.shift();
    if (!next) break;
    begin(regulator, next);
  }
  if (genesis.done || !genesis.started || genesis.todo.length > 0 || genesis.underWay.size > 0) return;
  const { version } = applications.first;
  genesis.noteDone(version, version);
  append(regulator, { kind: "genesisDone", applicationVersion: version });
  publish(regulator, { kind: "ready", epoch: regulator.epoch });
}

function begin(regulator: Regulator, { key, inputText }: GenesisRequest): void {
  const { hasher, makeKey } = regulator.dependencies;
  const { logs, genesis } = regulator;
  const inputDigest = digestInput(hasher, inputText);
  const requestId = computeRequestId(hasher, GENESIS_PRINCIPAL, key, GENESIS_OPERATION, inputDigest);
  if (logs.which(requestId) !== undefined) return;
  const access = findAccess(regulator.applications.first, GENESIS_OPERATION, inputText);
  if ("problem" in access) throw new Error(`the contract's first objects are not in order: ${access.detail}`);
  const record: AdmittedRecord = {
    kind: "admitted",
    requestId,
    clientId: GENESIS_PRINCIPAL,
    key,
    address: "",
    operation: GENESIS_OPERATION,
    applicationVersion: regulator.applications.first.version,
    inputText,
    inputDigest,
    admittedAt: Math.trunc(regulator.wall),
    seed: makeKey() as AdmittedRecord["seed"],
  };
  const pending = makePending(regulator, record, access, "genesis");
  pending.state = logs.seen.mayHave(requestId) ? "checking" : "waiting";
  genesis.underWay.add(requestId);
  takeIn(regulator, pending);
}

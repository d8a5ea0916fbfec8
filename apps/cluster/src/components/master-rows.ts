/**
 * What a master's core put out, as rows of its database: a batch of slots in one transaction, heads coalesced. Pure but
 * for the cache of object clusters, which the caller loads from the database it writes to.
 */
import type { AppliedBatch, ObjectClusterRow, ObjectHeadRow, PrimaryLeaseRow } from "@redoubt/database";
import { requestPrefix } from "@redoubt/database";
import { type ApplyEffect, eachCluster, type VersionRow } from "@redoubt/protocol";
import type { Decision, RequestId } from "@redoubt/shared";
import { packGeneral } from "../runtime/record-codec.ts";
import { isReduced, unpackPayload } from "./reduced-slots.ts";

/** A decided slot as Postgres has it, packed. */
export interface PackedSlot {
  readonly decisions: readonly Decision[];
  readonly rows: ApplyEffect["rows"];
}

/** A slot to be written; `payload` where it came packed from a peer's database. */
export interface SlotRow extends PackedSlot {
  readonly slot: number;
  readonly at: number;
  readonly payload?: Uint8Array;
}

export const unpackSlot = (slot: number, at: number, payload: Uint8Array): SlotRow => ({
  ...unpackPayload(payload),
  ...{ slot, at, payload },
});

const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, "hex");

/** Rows of the object clusters that the slots change, on top of those known. */
export function clustersAfter(
  slots: readonly SlotRow[],
  known: ReadonlyMap<number, ObjectClusterRow>,
): ObjectClusterRow[] {
  const changed = new Map<number, ObjectClusterRow>();
  for (const { slot, decisions } of slots) {
    for (const decision of decisions) {
      if (decision.kind !== "epochOpened" && decision.kind !== "settled") continue;
      for (const cluster of eachCluster(decision.clusters)) {
        const before = changed.get(cluster) ?? known.get(cluster);
        changed.set(cluster, clusterRow(cluster, slot, decision, before));
      }
    }
  }
  return [...changed.values()];
}

function clusterRow(
  cluster: number,
  slot: number,
  decision: Extract<Decision, { kind: "epochOpened" | "settled" }>,
  before: ObjectClusterRow | undefined,
): ObjectClusterRow {
  const kept = before ?? { cluster, epoch: 0n, settledEpoch: 0n, holder: null, members: [], chainHead: null, slot: 0n };
  if (decision.kind === "settled") return { ...kept, settledEpoch: BigInt(decision.epoch), slot: BigInt(slot) };
  const { epoch, holder, members } = decision;
  return { ...kept, epoch: BigInt(epoch), holder, members, slot: BigInt(slot) };
}

export function batchOf(
  slots: readonly SlotRow[],
  clusters: readonly ObjectClusterRow[],
  clusterOf: (object: string) => number,
): AppliedBatch {
  const heads = new Map<string, ObjectHeadRow>();
  const leases = new Map<string, PrimaryLeaseRow>();
  for (const { slot, decisions, rows } of slots) {
    for (const version of rows.versions) heads.set(version.object, headOf(version, slot, clusterOf));
    for (const decision of decisions) {
      if (decision.kind !== "primary") continue;
      const { component, server, epoch } = decision;
      leases.set(component, { component, server, epoch: BigInt(epoch), slot: BigInt(slot) });
    }
  }
  return {
    throughSlot: BigInt(slots.at(-1)?.slot ?? 0),
    slots: slots.map(rowOf),
    heads: [...heads.values()],
    clusters,
    leases: [...leases.values()],
  };
}

function rowOf({ slot, at, decisions, rows, payload }: SlotRow): AppliedBatch["slots"][number] {
  // The first version of each object in this slot says which slot came before.
  const previous = new Map<string, number>();
  for (const { object, previousSlot } of rows.versions) if (!previous.has(object)) previous.set(object, previousSlot);
  // By its requests a slot is found only while it is whole.
  const ids = payload && isReduced(payload) ? [] : [...requestIdsOf(decisions)];
  return {
    slot: BigInt(slot),
    at: new Date(at),
    kinds: [...new Set(decisions.map((decision) => decision.kind))].sort(),
    payload: payload ?? packGeneral({ decisions, rows } satisfies PackedSlot),
    requestPrefixes: ids.map((requestId) => requestPrefix(bytesOf(requestId))),
    executionServers: [...new Set(rows.versions.map((version) => version.executionServer))],
    objects: [...previous.keys()],
    previousSlots: [...previous.values()].map(BigInt),
  };
}

function headOf(version: VersionRow, slot: number, clusterOf: (object: string) => number): ObjectHeadRow {
  return {
    object: version.object,
    cluster: clusterOf(version.object),
    number: BigInt(version.number),
    epoch: BigInt(version.epoch),
    c1: bytesOf(version.c1),
    c2: bytesOf(version.c2),
    status: "verified",
    changeDigest: bytesOf(version.changeDigest),
    requestId: bytesOf(version.requestId),
    slot: BigInt(slot),
  };
}

export function requestIdsOf(decisions: readonly Decision[]): Set<RequestId> {
  const ids = new Set<RequestId>();
  for (const decision of decisions) {
    if (decision.kind === "verified") ids.add(decision.change.requestId);
    else if (decision.kind === "closed") ids.add(decision.requestId);
    else if (decision.kind === "epochOpened") for (const change of decision.invalid) ids.add(change.requestId);
    else if (decision.kind === "settled")
      for (const change of [...decision.survivors, ...decision.voided]) ids.add(change.requestId);
  }
  return ids;
}

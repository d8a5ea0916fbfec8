/**
 * What a state master writes to its own Postgres, and what it reads there for administrators. Rows are made from the
 * slots the core applied, in slot order, and are the same on every master (PROTOCOL §11). Postgres is off the path: while
 * it is away slots queue here and the core goes on voting.
 */
import type { AppliedBatch, MasterStore, ObjectClusterRow, ObjectHeadRow, PrimaryLeaseRow } from "@redoubt/database";
import { requestPrefix } from "@redoubt/database";
import { type ApplyEffect, eachCluster, type VersionRow } from "@redoubt/protocol";
import type { Decision, RequestId } from "@redoubt/shared";
import type { Logger } from "pino";
import { packGeneral } from "../runtime/record-codec.ts";

/** A decided slot as Postgres has it, packed. */
export interface PackedSlot {
  readonly decisions: readonly Decision[];
  readonly rows: ApplyEffect["rows"];
}

const SLOTS_PER_BATCH_MAX = 512;
const RETRY_MS = 500;

const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, "hex");

export class MasterMetadata {
  readonly #store: () => MasterStore | undefined;
  readonly #clusterOf: (object: string) => number;
  readonly #log: Logger;
  readonly #onFailure: () => void;
  #queue: ApplyEffect[] = [];
  #busy = false;
  #closed = false;
  /** Slot through which Postgres is known to be; undefined until asked. */
  #appliedSlot: number | undefined;
  readonly #clusters = new Map<number, ObjectClusterRow>();

  constructor(parts: {
    readonly store: () => MasterStore | undefined;
    readonly clusterOf: (object: string) => number;
    readonly log: Logger;
    readonly onFailure: () => void;
  }) {
    this.#store = parts.store;
    this.#clusterOf = parts.clusterOf;
    this.#log = parts.log;
    this.#onFailure = parts.onFailure;
  }

  /** Slots waiting for Postgres. */
  get backlog(): number {
    return this.#queue.length;
  }

  get appliedSlot(): number {
    return this.#appliedSlot ?? 0;
  }

  apply(effect: ApplyEffect): void {
    this.#queue.push(effect);
    if (!this.#busy) void this.#work();
  }

  close(): void {
    this.#closed = true;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#queue.length > 0 && !this.#closed) {
      const slots = this.#queue.slice(0, SLOTS_PER_BATCH_MAX);
      try {
        const store = this.#store();
        if (!store) throw new Error("Postgres is not there yet");
        this.#appliedSlot ??= Number(await store.appliedSlot());
        const clusters = this.#clustersAfter(slots);
        const fresh = slots.filter(({ slot }) => slot > (this.#appliedSlot ?? 0));
        if (fresh.length > 0) this.#appliedSlot = Number(await store.applySlots(this.#batchOf(fresh, clusters)));
        for (const row of clusters) this.#clusters.set(row.cluster, row);
        this.#queue.splice(0, slots.length);
      } catch (error) {
        this.#log.warn(
          { error: error instanceof Error ? error.message : error, backlog: this.#queue.length },
          "metadata waits for Postgres",
        );
        this.#onFailure();
        await new Promise<void>((resume) => setTimeout(resume, RETRY_MS).unref());
      }
    }
    this.#busy = false;
  }

  #batchOf(slots: readonly ApplyEffect[], clusters: readonly ObjectClusterRow[]): AppliedBatch {
    const heads = new Map<string, ObjectHeadRow>();
    const leases = new Map<string, PrimaryLeaseRow>();
    for (const { slot, decisions, rows } of slots) {
      for (const version of rows.versions) heads.set(version.object, this.#headOf(version, slot));
      for (const decision of decisions) {
        if (decision.kind !== "primary") continue;
        const { component, server, epoch } = decision;
        leases.set(component, { component, server, epoch: BigInt(epoch), slot: BigInt(slot) });
      }
    }
    return {
      throughSlot: BigInt(slots.at(-1)?.slot ?? 0),
      slots: slots.map(({ slot, at, decisions, rows }) => ({
        slot: BigInt(slot),
        at: new Date(at),
        kinds: [...new Set(decisions.map((decision) => decision.kind))].sort(),
        payload: packGeneral({ decisions, rows } satisfies PackedSlot),
        requestPrefixes: [...requestIdsOf(decisions)].map((requestId) => requestPrefix(bytesOf(requestId))),
        executionServers: [...new Set(rows.versions.map((version) => version.executionServer))],
        objects: [...new Set(rows.versions.map((version) => version.object))],
      })),
      heads: [...heads.values()],
      clusters,
      leases: [...leases.values()],
    };
  }

  #headOf(version: VersionRow, slot: number): ObjectHeadRow {
    return {
      object: version.object,
      cluster: this.#clusterOf(version.object),
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

  #clustersAfter(slots: readonly ApplyEffect[]): ObjectClusterRow[] {
    const changed = new Map<number, ObjectClusterRow>();
    for (const { slot, decisions } of slots) {
      for (const decision of decisions) {
        if (decision.kind !== "epochOpened" && decision.kind !== "settled") continue;
        for (const cluster of eachCluster(decision.clusters)) {
          const before = changed.get(cluster) ?? this.#clusters.get(cluster);
          changed.set(cluster, clusterRow(cluster, slot, decision, before));
        }
      }
    }
    return [...changed.values()];
  }
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

/**
 * A state master's metadata in its own Postgres (PROTOCOL.md §11). The master decides by Paxos from its journal; this is
 * where decided slots are applied, in batches, so that they can be looked up and compared.
 *
 * A batch is one transaction and moves the applied slot only forward, so a batch that is repeated after a crash changes
 * nothing. Cost does not grow with the number of versions: heads are upserted once per batch, a slot is one row. The store
 * does not judge what it is given; a false invariant of the caller (slots out of order, an object without head) throws.
 */
import { assert } from "@redoubt/shared";
import type { PrismaClient } from "../generated/master/client.ts";
import { emptyChainDigest, slotChainDigest } from "./chain-digest.ts";
import { digestTables } from "./digest.ts";
import { searchSlots, timedHeads } from "./explorer.ts";
import { readRetention, reduceOldestBlock, reduceSuperseded } from "./retention.ts";
import type {
  AppliedBatch,
  DecidedSlotRow,
  HistoryStep,
  MasterCounts,
  MasterDigest,
  ObjectClusterRow,
  ObjectHeadRow,
  ObjectStatus,
  PrimaryLeaseRow,
  Reduce,
  Reduction,
  RetentionRow,
  SlotSearch,
  StoredSlot,
  SweepPlace,
  TimedHead,
} from "./rows.ts";
import {
  adoptRetention,
  insertDecidedSlots,
  insertServerBlocks,
  type Transaction,
  upsertClusters,
  upsertHeads,
  upsertLeases,
} from "./write-batch.ts";

export class MasterStore {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /** Newest applied slot, 0 before the first. */
  async appliedSlot(): Promise<bigint> {
    const state = await this.#client.appliedState.findUnique({ where: { id: 1 } });
    return state?.appliedSlot ?? 0n;
  }

  /**
   * Applies what the batch holds beyond the applied slot; durable when it resolves.
   * @returns the applied slot afterwards
   */
  async applySlots(batch: AppliedBatch): Promise<bigint> {
    assertWellFormed(batch);
    return this.#client.$transaction((transaction) => applyBatch(transaction, batch));
  }

  /**
   * Slots that decided about the object, newest first; continue with the last `previousSlot` as `fromSlot`. Ends early,
   * with a `previousSlot`, where that slot is no longer kept whole.
   */
  async objectHistory(object: string, limit: number, fromSlot?: bigint): Promise<HistoryStep[]> {
    const steps = await this.#client.$queryRaw<(StoredSlot & { previousSlot: bigint })[]>`
      WITH RECURSIVE walk AS (
        SELECT decided.*, decided."previousSlots"[array_position(decided."objects", ${object})] AS "previousSlot", 1 AS step
          FROM "DecidedSlot" decided
         WHERE decided."slot" = coalesce(${fromSlot ?? null}::bigint, (SELECT "slot" FROM "ObjectHead" WHERE "object" = ${object}))
           AND ${object} = ANY(decided."objects")
        UNION ALL
        SELECT decided.*, decided."previousSlots"[array_position(decided."objects", ${object})], walk.step + 1
          FROM walk JOIN "DecidedSlot" decided ON decided."slot" = walk."previousSlot"
         WHERE walk.step < ${limit} AND ${object} = ANY(decided."objects")
      )
      SELECT "slot", "at", "kinds", "payload", "previousSlot" FROM walk ORDER BY step`;
    return steps.map((step) => ({ ...step, previousSlot: step.previousSlot === 0n ? null : step.previousSlot }));
  }

  /** Slots that hold a request id of this prefix, oldest first; the caller compares whole ids (`requestPrefix`). */
  async requestOutcome(prefix: bigint): Promise<StoredSlot[]> {
    return this.#client.$queryRaw<StoredSlot[]>`
      SELECT "slot", "at", "kinds", "payload" FROM "DecidedSlot"
       WHERE "requestPrefixes" @> ARRAY[${prefix}]::bigint[] ORDER BY "slot"`;
  }

  /** Slots after `slot` in order, for a reader that follows the stream of decisions. */
  async slotsAfter(slot: bigint, limit: number): Promise<StoredSlot[]> {
    return this.#client.decidedSlot.findMany({
      where: { slot: { gt: slot } },
      orderBy: { slot: "asc" },
      take: limit,
      select: { slot: true, at: true, kinds: true, payload: true },
    });
  }

  async head(object: string): Promise<ObjectHeadRow | null> {
    const row = await this.#client.objectHead.findUnique({ where: { object } });
    return row === null ? null : { ...row, status: row.status as ObjectStatus };
  }

  /** Heads of objects whose name starts with `prefix`, by name, after `afterObject`. */
  async heads(prefix: string, limit: number, afterObject = ""): Promise<ObjectHeadRow[]> {
    const rows = await this.#client.objectHead.findMany({
      where: { object: { startsWith: prefix, gt: afterObject } },
      orderBy: { object: "asc" },
      take: limit,
    });
    return rows.map((row) => ({ ...row, status: row.status as ObjectStatus }));
  }

  /** As `heads`, with the time of each: what the state explorer lists. */
  async timedHeads(prefix: string, limit: number, afterObject = ""): Promise<TimedHead[]> {
    return timedHeads(this.#client, prefix, limit, afterObject);
  }

  /** Slots that changed objects, by time and execution server, newest first. */
  async searchSlots(search: SlotSearch): Promise<StoredSlot[]> {
    return searchSlots(this.#client, search);
  }

  /** Every object cluster that has ever had an epoch. */
  async clusters(): Promise<ObjectClusterRow[]> {
    return this.#client.objectCluster.findMany({ orderBy: { cluster: "asc" } });
  }

  async leases(): Promise<PrimaryLeaseRow[]> {
    return this.#client.primaryLease.findMany({ orderBy: { component: "asc" } });
  }

  async counts(): Promise<MasterCounts> {
    const [appliedSlot, decidedSlots, objects, objectClusters, primaryLeases] = await Promise.all([
      this.appliedSlot(),
      this.#client.decidedSlot.count(),
      this.#client.objectHead.count(),
      this.#client.objectCluster.count(),
      this.#client.primaryLease.count(),
    ]);
    return { appliedSlot, decidedSlots, objects, objectClusters, primaryLeases };
  }

  /** Reads every row as of one moment; the more there are, the longer it takes (about a second per 200 000). */
  async digest(from?: bigint): Promise<MasterDigest> {
    return digestTables(this.#client, from);
  }

  // ---- retention (ADR 0022) ----

  /** From where on everything is kept. */
  async retention(): Promise<RetentionRow> {
    return readRetention(this.#client);
  }

  /** When the newest slot was decided; undefined in an empty database. */
  async newestTime(): Promise<Date | undefined> {
    const newest = await this.#client.decidedSlot.findFirst({ orderBy: { slot: "desc" }, select: { at: true } });
    return newest?.at;
  }

  /** Reduces the next block of 64 slots; undefined when not all of it was decided before `before`. */
  async reduceOldest(before: Date, reduce: Reduce): Promise<Reduction | undefined> {
    return reduceOldestBlock(this.#client, before, reduce);
  }

  /** One step of the walk over old rows left whole. */
  async reduceSuperseded(reduce: Reduce, after?: SweepPlace): ReturnType<typeof reduceSuperseded> {
    return reduceSuperseded(this.#client, reduce, after);
  }
}

async function applyBatch(transaction: Transaction, batch: AppliedBatch): Promise<bigint> {
  const states = await transaction.$queryRaw<ChainState[]>`
    SELECT state."appliedSlot", state."chainDigest", own."reducedThrough", own."chainDigest" AS "reducedDigest"
      FROM "AppliedState" state LEFT JOIN "Retention" own ON own."id" = 1 WHERE state."id" = 1 FOR UPDATE OF state`;
  const applied = states[0]?.appliedSlot ?? 0n;
  if (batch.afterSlot !== undefined && batch.afterSlot !== applied) {
    throw new Error(`the database is at slot ${applied}, expected ${batch.afterSlot}`);
  }
  if (batch.throughSlot <= applied) return applied;

  const isNew = ({ slot }: { readonly slot: bigint }) => slot > applied;
  const slots = batch.slots.filter(isNew);
  const chainDigest = await extendChain(transaction, states[0], batch.base, slots);
  await insertDecidedSlots(transaction, slots, await previousSlots(transaction, slots));
  await insertServerBlocks(transaction, slots);
  await upsertHeads(transaction, batch.heads.filter(isNew));
  await upsertClusters(transaction, batch.clusters.filter(isNew));
  await upsertLeases(transaction, batch.leases.filter(isNew));
  await transaction.$executeRaw`
    INSERT INTO "AppliedState" ("id", "appliedSlot", "chainDigest", "updatedAt")
    VALUES (1, ${batch.throughSlot}, ${chainDigest}, now())
    ON CONFLICT ("id") DO UPDATE SET "appliedSlot" = EXCLUDED."appliedSlot", "chainDigest" = EXCLUDED."chainDigest",
      "updatedAt" = EXCLUDED."updatedAt"`;
  return batch.throughSlot;
}

interface ChainState {
  readonly appliedSlot: bigint;
  readonly chainDigest: Uint8Array;
  /** Null while everything is kept. */
  readonly reducedThrough: bigint | null;
  readonly reducedDigest: Uint8Array | null;
}

/**
 * The chain after these slots. Reduced slots cannot extend it: through them it is what the database says that they come
 * from, and this one remembers that, since its other sources may keep more or less.
 */
async function extendChain(
  transaction: Transaction,
  state: ChainState | undefined,
  offered: RetentionRow | undefined,
  slots: readonly DecidedSlotRow[],
): Promise<Uint8Array> {
  const applied = state?.appliedSlot ?? 0n;
  const own = { through: state?.reducedThrough ?? 0n, digest: state?.reducedDigest ?? emptyChainDigest };
  const isAdopted = offered !== undefined && offered.reducedThrough > applied && offered.reducedThrough > own.through;
  const base = isAdopted ? { through: offered.reducedThrough, digest: offered.chainDigest } : own;
  if (isAdopted) await adoptRetention(transaction, offered);
  const before = applied >= base.through ? (state?.chainDigest ?? emptyChainDigest) : base.digest;
  return slots.filter(({ slot }) => slot > base.through).reduce(slotChainDigest, before);
}

/** For each slot, the slot before it that names the same object (0: none), in the order of its objects. */
async function previousSlots(transaction: Transaction, slots: readonly DecidedSlotRow[]): Promise<bigint[][]> {
  const unknown = slots.filter((slot) => slot.previousSlots === undefined);
  const objects = [...new Set(unknown.flatMap((slot) => slot.objects))];
  if (objects.length === 0) return slots.map((slot) => [...(slot.previousSlots ?? [])]);
  const heads = await transaction.$queryRaw<{ object: string; slot: bigint }[]>`
    SELECT "object", "slot" FROM "ObjectHead" WHERE "object" = ANY(${objects}::text[])`;
  const newest = new Map(heads.map(({ object, slot }) => [object, slot]));
  return slots.map(({ slot, objects, previousSlots: known }) =>
    objects.map((object, index) => {
      const previous = known?.[index] ?? newest.get(object) ?? 0n;
      newest.set(object, slot);
      return previous;
    }),
  );
}

function assertWellFormed({ throughSlot, slots, heads }: AppliedBatch): void {
  const headSlots = new Map(heads.map(({ object, slot }) => [object, slot]));
  assert(headSlots.size === heads.length, "a batch holds one head per object");
  let previous = 0n;
  for (const { slot, objects, previousSlots } of slots) {
    assert((previousSlots ?? objects).length === objects.length, `slot ${slot} has as many previous slots as objects`);
    assert(slot > previous, `slots of a batch ascend: ${slot} follows ${previous}`);
    previous = slot;
    for (const object of objects) {
      const headSlot = headSlots.get(object);
      assert(headSlot !== undefined && headSlot >= slot, `slot ${slot} names ${object}, which has no head that new`);
    }
  }
  assert(previous <= throughSlot, `slot ${previous} lies beyond the batch, which ends at ${throughSlot}`);
}

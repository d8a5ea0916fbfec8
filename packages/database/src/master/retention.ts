/**
 * Makes a master's database smaller at its old end (ADR 0022): rows of slots decided before a given time are reduced, a
 * block of 64 slots at a time and always from the oldest on, so that everything after `reducedThrough` is whole. What a
 * reduced row keeps is the caller's business (`Reduce`); what it is found by goes here. Rows that hold the newest version
 * of some object stay as they are until a newer one is decided, and are found again by a second, slower walk.
 *
 * Transactions are short, touch only old rows and do not wait for the disk: one lost in a crash is simply made again.
 */
import type { PrismaClient } from "../generated/master/client.ts";
import { emptyChainDigest, slotChainDigest } from "./chain-digest.ts";
import type { Reduce, Reduction, RetentionRow, StoredSlot, SweepPlace } from "./rows.ts";
import { SERVER_BLOCK_BITS, type Transaction } from "./write-batch.ts";

/** Payloads read at a time: a slot of a busy cluster may hold hundreds of versions. */
const READ_BYTES_MAX = 256 * 1024;
/** Whole old rows looked at for one step of the walk. */
const SWEEP_ROWS = 128;

interface OldRow {
  readonly slot: bigint;
  readonly at: Date;
  readonly bytes: number;
  readonly isHead: boolean;
}
interface BlockRow extends OldRow {
  readonly executionServers: readonly string[];
}
/** No payload: the row goes. */
interface Rewritten {
  readonly slot: bigint;
  readonly payload: Uint8Array | undefined;
}

export async function readRetention(client: PrismaClient): Promise<RetentionRow> {
  const row = await client.retention.findUnique({ where: { id: 1 } });
  if (!row) return { reducedThrough: 0n, reducedAt: new Date(0), chainDigest: emptyChainDigest };
  const { reducedThrough, reducedAt, chainDigest } = row;
  return { reducedThrough, reducedAt, chainDigest };
}

/**
 * The block after those reduced already, if all of it was decided before `before`; undefined when it was not. The block
 * of the applied slot is left alone, so that the newest row is always whole.
 */
export async function reduceOldestBlock(
  client: PrismaClient,
  before: Date,
  reduce: Reduce,
): Promise<Reduction | undefined> {
  const state = await readRetention(client);
  const rows = await oldestBlock(client, state.reducedThrough);
  const [first] = rows;
  if (!first || rows.some(({ at }) => at >= before)) return undefined;
  const block = first.slot >> SERVER_BLOCK_BITS;
  const through = ((block + 1n) << SERVER_BLOCK_BITS) - 1n;
  const applied = await client.appliedState.findUnique({ where: { id: 1 } });
  if (!applied || applied.appliedSlot <= through) return undefined;

  let { chainDigest } = state;
  const rewritten: Rewritten[] = [];
  const heads = new Set(rows.filter(({ isHead }) => isHead).map(({ slot }) => slot));
  for await (const stored of readStored(client, rows)) {
    chainDigest = slotChainDigest(chainDigest, stored);
    if (!heads.has(stored.slot)) rewritten.push({ slot: stored.slot, payload: reduce(stored) });
  }
  const newest = Math.max(state.reducedAt.getTime(), ...rows.map(({ at }) => at.getTime()));
  const next = { reducedThrough: through, reducedAt: new Date(newest), chainDigest };
  const servers = [...new Set(rows.flatMap(({ executionServers }) => executionServers))];
  await client.$transaction(async (transaction) => {
    await moveOn(transaction, state.reducedThrough, next);
    await rewrite(transaction, rewritten);
    await transaction.$executeRaw`
      DELETE FROM "ServerBlock" WHERE "server" = ANY(${servers}::text[]) AND "block" = ${block}::bigint`;
  });
  return { ...counted(rewritten), reducedThrough: through, reducedAt: next.reducedAt };
}

/** Rows of the first block that has any after this slot; payloads are left out. */
async function oldestBlock(client: PrismaClient, after: bigint): Promise<BlockRow[]> {
  const bits = Number(SERVER_BLOCK_BITS);
  return client.$queryRaw<BlockRow[]>`
    SELECT decided."slot", decided."at", octet_length(decided."payload") AS bytes, decided."executionServers",
           EXISTS (SELECT 1 FROM unnest(decided."objects") named(object)
                    JOIN "ObjectHead" head ON head."object" = named.object
                   WHERE head."slot" = decided."slot") AS "isHead"
      FROM "DecidedSlot" decided,
           (SELECT "slot" >> ${bits}::int AS block FROM "DecidedSlot" WHERE "slot" > ${after}::bigint
             ORDER BY "slot" LIMIT 1) oldest
     WHERE decided."slot" >= oldest.block << ${bits}::int AND decided."slot" < (oldest.block + 1) << ${bits}::int
       AND decided."slot" > ${after}::bigint
     ORDER BY decided."slot"`;
}

/** Whole rows, in the order given. */
async function* readStored(client: PrismaClient, rows: readonly OldRow[]): AsyncGenerator<StoredSlot> {
  for (let index = 0; index < rows.length; ) {
    const slots: bigint[] = [];
    for (let bytes = 0; index < rows.length; index++) {
      const row = rows[index] as OldRow;
      bytes += row.bytes;
      if (slots.length > 0 && bytes > READ_BYTES_MAX) break;
      slots.push(row.slot);
    }
    yield* await client.$queryRaw<StoredSlot[]>`
      SELECT "slot", "at", "kinds", "payload" FROM "DecidedSlot" WHERE "slot" = ANY(${slots}::bigint[]) ORDER BY "slot"`;
  }
}

/** Refuses when somebody else was here: a database that was swapped, or a second process. */
async function moveOn(transaction: Transaction, from: bigint, to: RetentionRow): Promise<void> {
  await transaction.$executeRaw`SET LOCAL synchronous_commit TO OFF`;
  const moved = await transaction.$executeRaw`
    INSERT INTO "Retention" ("id", "reducedThrough", "reducedAt", "chainDigest")
    VALUES (1, ${to.reducedThrough}, ${to.reducedAt}, ${to.chainDigest})
    ON CONFLICT ("id") DO UPDATE SET "reducedThrough" = EXCLUDED."reducedThrough", "reducedAt" = EXCLUDED."reducedAt",
      "chainDigest" = EXCLUDED."chainDigest" WHERE "Retention"."reducedThrough" = ${from}::bigint`;
  if (moved !== 1) throw new Error(`rows were reduced from slot ${from} on by somebody else`);
}

async function rewrite(transaction: Transaction, rows: readonly Rewritten[]): Promise<void> {
  const gone = rows.filter(({ payload }) => payload === undefined).map(({ slot }) => slot);
  const kept = rows.filter((row): row is Required<Rewritten> => row.payload !== undefined);
  if (gone.length > 0) await transaction.$executeRaw`DELETE FROM "DecidedSlot" WHERE "slot" = ANY(${gone}::bigint[])`;
  if (kept.length === 0) return;
  await transaction.$executeRaw`
    UPDATE "DecidedSlot" SET "payload" = reduced.payload, "requestPrefixes" = '{}', "executionServers" = '{}',
           "objects" = '{}', "previousSlots" = '{}'
      FROM unnest(${kept.map(({ slot }) => slot)}::bigint[], ${kept.map(({ payload }) => payload)}::bytea[])
           AS reduced(slot, payload)
     WHERE "DecidedSlot"."slot" = reduced.slot`;
}

function counted(rows: readonly Rewritten[]): { readonly reduced: number; readonly removed: number } {
  const removed = rows.filter(({ payload }) => payload === undefined).length;
  return { reduced: rows.length - removed, removed };
}

/**
 * One step of the walk over old rows that were left whole: those that hold no newest version any more are reduced.
 * `next` is undefined at the end of the walk.
 */
export async function reduceSuperseded(
  client: PrismaClient,
  reduce: Reduce,
  after: SweepPlace = { at: new Date(0), slot: 0n },
): Promise<{ readonly reduced: number; readonly removed: number; readonly next: SweepPlace | undefined }> {
  const { reducedThrough, reducedAt } = await readRetention(client);
  const rows = await client.$queryRaw<OldRow[]>`
    SELECT page."slot", page."at", page.bytes,
           EXISTS (SELECT 1 FROM unnest(page."objects") named(object)
                    JOIN "ObjectHead" head ON head."object" = named.object WHERE head."slot" = page."slot") AS "isHead"
      FROM (SELECT "slot", "at", "objects", octet_length("payload") AS bytes FROM "DecidedSlot"
             WHERE cardinality("objects") > 0 AND "at" <= ${reducedAt}::timestamptz
               AND ("at", "slot") > (${after.at}::timestamptz, ${after.slot}::bigint)
             ORDER BY "at", "slot" LIMIT ${SWEEP_ROWS}) page
     ORDER BY page."at", page."slot"`;
  const superseded = rows.filter(({ slot, isHead }) => slot <= reducedThrough && !isHead);
  const rewritten: Rewritten[] = [];
  for await (const stored of readStored(client, superseded))
    rewritten.push({ slot: stored.slot, payload: reduce(stored) });
  if (rewritten.length > 0)
    await client.$transaction(async (transaction) => {
      await transaction.$executeRaw`SET LOCAL synchronous_commit TO OFF`;
      await rewrite(transaction, rewritten);
    });
  const last = rows.at(-1);
  const isMore = rows.length === SWEEP_ROWS && last !== undefined;
  return { ...counted(rewritten), next: isMore ? { at: last.at, slot: last.slot } : undefined };
}

/**
 * The writes of one applied batch, a statement per table however many rows: arrays go over as parameters and are
 * unfolded by `unnest`, which is many times faster than row-by-row inserts.
 */
import type { PrismaClient } from "../generated/master/client.ts";
import { bigintArrayLiteral, textArrayLiteral } from "./array-literal.ts";
import type { DecidedSlotRow, ObjectClusterRow, ObjectHeadRow, PrimaryLeaseRow, RetentionRow } from "./rows.ts";

export type Transaction = Parameters<Parameters<PrismaClient["$transaction"]>[0]>[0];

export async function insertDecidedSlots(
  transaction: Transaction,
  slots: readonly DecidedSlotRow[],
  previousSlots: readonly (readonly bigint[])[],
): Promise<void> {
  if (slots.length === 0) return;
  await transaction.$executeRaw`
    INSERT INTO "DecidedSlot" ("slot", "at", "kinds", "payload", "requestPrefixes", "executionServers", "objects",
      "previousSlots")
    SELECT r.slot, to_timestamp(r.at / 1000.0), r.kinds::text[], r.payload, r.prefixes::bigint[], r.servers::text[],
           r.objects::text[], r.previous::bigint[]
      FROM unnest(${slots.map((row) => row.slot)}::bigint[],
                  ${slots.map((row) => row.at.getTime())}::bigint[],
                  ${slots.map((row) => textArrayLiteral(row.kinds))}::text[],
                  ${slots.map((row) => row.payload)}::bytea[],
                  ${slots.map((row) => bigintArrayLiteral(row.requestPrefixes))}::text[],
                  ${slots.map((row) => textArrayLiteral(row.executionServers))}::text[],
                  ${slots.map((row) => textArrayLiteral(row.objects))}::text[],
                  ${previousSlots.map(bigintArrayLiteral)}::text[])
           AS r(slot, at, kinds, payload, prefixes, servers, objects, previous)`;
}

/** Slots per row of ServerBlock, as a power of two. */
export const SERVER_BLOCK_BITS = 6n;

export async function insertServerBlocks(transaction: Transaction, slots: readonly DecidedSlotRow[]): Promise<void> {
  const blocks = new Map<string, { readonly server: string; readonly block: bigint }>();
  for (const { slot, executionServers } of slots) {
    const block = slot >> SERVER_BLOCK_BITS;
    for (const server of executionServers) blocks.set(`${block} ${server}`, { server, block });
  }
  if (blocks.size === 0) return;
  const rows = [...blocks.values()];
  await transaction.$executeRaw`
    INSERT INTO "ServerBlock" ("server", "block")
    SELECT * FROM unnest(${rows.map(({ server }) => server)}::text[], ${rows.map(({ block }) => block)}::bigint[])
    ON CONFLICT DO NOTHING`;
}

export async function upsertHeads(transaction: Transaction, heads: readonly ObjectHeadRow[]): Promise<void> {
  if (heads.length === 0) return;
  await transaction.$executeRaw`
    INSERT INTO "ObjectHead"
      ("object", "cluster", "number", "epoch", "c1", "c2", "status", "changeDigest", "requestId", "slot")
    SELECT * FROM unnest(${heads.map((row) => row.object)}::text[],
                         ${heads.map((row) => row.cluster)}::int[],
                         ${heads.map((row) => row.number)}::bigint[],
                         ${heads.map((row) => row.epoch)}::bigint[],
                         ${heads.map((row) => row.c1)}::bytea[],
                         ${heads.map((row) => row.c2)}::bytea[],
                         ${heads.map((row) => row.status)}::text[],
                         ${heads.map((row) => row.changeDigest)}::bytea[],
                         ${heads.map((row) => row.requestId)}::bytea[],
                         ${heads.map((row) => row.slot)}::bigint[])
    ON CONFLICT ("object") DO UPDATE SET
      "cluster" = EXCLUDED."cluster", "number" = EXCLUDED."number", "epoch" = EXCLUDED."epoch",
      "c1" = EXCLUDED."c1", "c2" = EXCLUDED."c2", "status" = EXCLUDED."status",
      "changeDigest" = EXCLUDED."changeDigest", "requestId" = EXCLUDED."requestId", "slot" = EXCLUDED."slot"`;
}

export async function upsertClusters(transaction: Transaction, clusters: readonly ObjectClusterRow[]): Promise<void> {
  if (clusters.length === 0) return;
  await transaction.$executeRaw`
    INSERT INTO "ObjectCluster" ("cluster", "epoch", "settledEpoch", "holder", "members", "chainHead", "slot")
    SELECT r.cluster, r.epoch, r.settled, r.holder, r.members::text[], r.chain, r.slot
      FROM unnest(${clusters.map((row) => row.cluster)}::int[],
                  ${clusters.map((row) => row.epoch)}::bigint[],
                  ${clusters.map((row) => row.settledEpoch)}::bigint[],
                  ${clusters.map((row) => row.holder)}::text[],
                  ${clusters.map((row) => textArrayLiteral(row.members))}::text[],
                  ${clusters.map((row) => row.chainHead)}::bytea[],
                  ${clusters.map((row) => row.slot)}::bigint[])
           AS r(cluster, epoch, settled, holder, members, chain, slot)
    ON CONFLICT ("cluster") DO UPDATE SET
      "epoch" = EXCLUDED."epoch", "settledEpoch" = EXCLUDED."settledEpoch", "holder" = EXCLUDED."holder",
      "members" = EXCLUDED."members", "chainHead" = EXCLUDED."chainHead", "slot" = EXCLUDED."slot"`;
}

export async function upsertLeases(transaction: Transaction, leases: readonly PrimaryLeaseRow[]): Promise<void> {
  if (leases.length === 0) return;
  await transaction.$executeRaw`
    INSERT INTO "PrimaryLease" ("component", "server", "epoch", "slot")
    SELECT * FROM unnest(${leases.map((row) => row.component)}::text[],
                         ${leases.map((row) => row.server)}::text[],
                         ${leases.map((row) => row.epoch)}::bigint[],
                         ${leases.map((row) => row.slot)}::bigint[])
    ON CONFLICT ("component") DO UPDATE SET
      "server" = EXCLUDED."server", "epoch" = EXCLUDED."epoch", "slot" = EXCLUDED."slot"`;
}

/** The rows come from a database that keeps less: from now on this one keeps no more. */
export async function adoptRetention(transaction: Transaction, base: RetentionRow): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO "Retention" ("id", "reducedThrough", "reducedAt", "chainDigest")
    VALUES (1, ${base.reducedThrough}, ${base.reducedAt}, ${base.chainDigest})
    ON CONFLICT ("id") DO UPDATE SET "reducedThrough" = EXCLUDED."reducedThrough", "reducedAt" = EXCLUDED."reducedAt",
      "chainDigest" = EXCLUDED."chainDigest"`;
}

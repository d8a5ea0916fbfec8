/**
 * Digest over a master's tables, to compare masters (`redoubt masters compare`).
 *
 * Each row is written as text that does not depend on a server's settings, hashed with SHA-256, and the hashes of a table
 * are added up (four lanes of 64 bits). A sum does not depend on the order of rows, which differs between databases of
 * different collations, and needs neither sorting nor memory. It finds every difference that a fault makes; it is no
 * defence against somebody who may write to the database and constructs rows of equal sums: masters are trusted not to
 * lie (PROTOCOL.md §0).
 */
import { createHash } from "node:crypto";
import { Prisma, type PrismaClient } from "../generated/master/client.ts";
import type { MasterDigest } from "./rows.ts";
import { SERVER_BLOCK_BITS } from "./write-batch.ts";

const digestTimeoutMs = 600_000;

/**
 * Table → its columns as text; the master's own clock (`updatedAt`) is left out. So is how far a master has reduced its
 * old rows (`Retention`): masters do that at different moments, and only what both keep can be equal (`keptRows`).
 */
const tables = {
  AppliedState: `"appliedSlot", encode("chainDigest", 'hex')`,
  DecidedSlot: `"slot", (extract(epoch FROM "at") * 1000)::bigint, "kinds", encode(sha256("payload"), 'hex'), "requestPrefixes",
    "executionServers", "objects", "previousSlots"`,
  ObjectHead: `"object", "cluster", "number", "epoch", encode("c1", 'hex'), encode("c2", 'hex'), "status",
    encode("changeDigest", 'hex'), encode("requestId", 'hex'), "slot"`,
  ObjectCluster: `"cluster", "epoch", "settledEpoch", "holder", "members", encode("chainHead", 'hex'), "slot"`,
  ServerBlock: `"server", "block"`,
  PrimaryLease: `"component", "server", "epoch", "slot"`,
} as const;

interface TableSum {
  readonly rows: bigint;
  readonly sums: string;
}

/** Rows that every master has whole that has reduced nothing after this slot. */
function keptRows(comparedAfter: bigint): Readonly<Partial<Record<string, string>>> {
  if (comparedAfter === 0n) return {};
  return {
    DecidedSlot: `"slot" > ${comparedAfter} OR (cardinality("objects") > 0 AND EXISTS (SELECT 1
      FROM unnest("objects") named(object) JOIN "ObjectHead" head ON head."object" = named.object
     WHERE head."slot" = "DecidedSlot"."slot"))`,
    ServerBlock: `"block" > ${comparedAfter >> SERVER_BLOCK_BITS}`,
  };
}

/** @param from compares from no earlier than this slot on, because another master keeps no more */
export async function digestTables(client: PrismaClient, from = 0n): Promise<MasterDigest> {
  return client.$transaction(
    async (transaction) => {
      const state = await transaction.appliedState.findUnique({ where: { id: 1 } });
      const reducedThrough = (await transaction.retention.findUnique({ where: { id: 1 } }))?.reducedThrough ?? 0n;
      const comparedAfter = reducedThrough > from ? reducedThrough : from;
      const kept = keptRows(comparedAfter);
      const digests: Record<string, string> = {};
      const rows: Record<string, number> = {};
      for (const [table, columns] of Object.entries(tables)) {
        const [found] = await transaction.$queryRaw<TableSum[]>(tableSum(table, columns, kept[table] ?? "true"));
        const { rows: count, sums } = found ?? { rows: 0n, sums: "" };
        digests[table] = sha256(`${table} ${count} ${sums}`);
        rows[table] = Number(count);
      }
      return {
        appliedSlot: state?.appliedSlot ?? 0n,
        comparedAfter,
        digest: sha256(Object.values(digests).join(" ")),
        tables: digests,
        rows,
      };
    },
    { isolationLevel: Prisma.TransactionIsolationLevel.RepeatableRead, timeout: digestTimeoutMs },
  );
}

function tableSum(table: string, columns: string, condition: string): Prisma.Sql {
  const lanes = [1, 9, 17, 25].map(
    (from) => `coalesce(sum(('x' || encode(substring(hash FROM ${from} FOR 8), 'hex'))::bit(64)::bigint), 0)`,
  );
  return Prisma.raw(`
    SELECT count(*) AS rows, concat_ws(' ', ${lanes.join(", ")}) AS sums
      FROM (SELECT sha256(convert_to(ROW(${columns})::text, 'UTF8')) AS hash FROM "${table}" WHERE ${condition}) hashed`);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

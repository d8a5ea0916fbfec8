/**
 * The state explorer's searches in a master's database. Each has to answer within 50 ms among 10 million versions
 * (PROTOCOL.md section 11), so each reads a number of rows that depends on its limit and not on how much is stored:
 * objects by the primary key, time by an index over the slots that changed objects, and an execution server by blocks of
 * 64 slots in which it has versions at all. Payloads are opaque here; whoever unpacks them picks the versions.
 */
import { Prisma, type PrismaClient } from "../generated/master/client.ts";
import type { ObjectStatus, SlotSearch, StoredSlot, TimedHead } from "./rows.ts";
import { SERVER_BLOCK_BITS } from "./write-batch.ts";

/** A slot's time is its proposer's clock: slots of neighbouring times may stand the other way round by this much. */
const CLOCKS_APART = Prisma.sql`interval '60 seconds'`;

export async function timedHeads(
  client: PrismaClient,
  prefix: string,
  limit: number,
  afterObject: string,
): Promise<TimedHead[]> {
  const pattern = `${prefix.replace(/[\\%_]/g, "\\$&")}%`;
  const rows = await client.$queryRaw<(Omit<TimedHead, "status"> & { status: string })[]>`
    SELECT head."object", head."number", head."epoch", head."status", head."requestId", head."slot", decided."at"
      FROM (SELECT * FROM "ObjectHead" WHERE "object" LIKE ${pattern} AND "object" > ${afterObject}
             ORDER BY "object" LIMIT ${limit}) head
      LEFT JOIN "DecidedSlot" decided ON decided."slot" = head."slot"
     ORDER BY head."object"`;
  return rows.map((row) => ({ ...row, status: row.status as ObjectStatus }));
}

export async function searchSlots(client: PrismaClient, search: SlotSearch): Promise<StoredSlot[]> {
  return search.server === undefined ? searchByTime(client, search) : searchByServer(client, search, search.server);
}

async function searchByTime(
  client: PrismaClient,
  { from, to, before, after, limit }: SlotSearch,
): Promise<StoredSlot[]> {
  const bounds = [Prisma.sql`cardinality("objects") > 0`, ...timeBounds(from, to)];
  if (after !== undefined) bounds.push(Prisma.sql`"slot" > ${after}::bigint`);
  if (before) bounds.push(Prisma.sql`("at", "slot") < (${before.at}::timestamptz, ${before.slot}::bigint)`);
  return client.$queryRaw<StoredSlot[]>`
    SELECT "slot", "at", "kinds", "payload" FROM "DecidedSlot"
     WHERE ${Prisma.join(bounds, " AND ")} ORDER BY "at" DESC, "slot" DESC LIMIT ${limit}`;
}

/**
 * Slots of a server are told in slot order, not by time. The times asked for become bounds on slots first, so that a time
 * long ago is not reached by walking; then blocks are read newest first until the limit is full.
 */
async function searchByServer(
  client: PrismaClient,
  { from, to, before, after, limit }: SlotSearch,
  server: string,
): Promise<StoredSlot[]> {
  const block = Prisma.sql`blocks."block" << ${Number(SERVER_BLOCK_BITS)}::int`;
  const beyond = Prisma.sql`(blocks."block" + 1) << ${Number(SERVER_BLOCK_BITS)}::int`;
  const blocks = [Prisma.sql`"server" = ${server}`];
  const slots = [
    Prisma.sql`decided."slot" >= ${block}`,
    Prisma.sql`decided."slot" < ${beyond}`,
    Prisma.sql`decided."executionServers" @> ARRAY[${server}]::text[]`,
    ...timeBounds(from, to),
  ];
  const newest = await boundarySlot(client, to, "newest");
  const oldest = await boundarySlot(client, from, "oldest");
  if (newest === null || oldest === null) return [];
  if (newest !== undefined) blocks.push(Prisma.sql`"block" <= ${newest >> SERVER_BLOCK_BITS}::bigint`);
  if (oldest !== undefined) blocks.push(Prisma.sql`"block" >= ${oldest >> SERVER_BLOCK_BITS}::bigint`);
  if (after !== undefined) slots.push(Prisma.sql`decided."slot" > ${after}::bigint`);
  if (before) {
    blocks.push(Prisma.sql`"block" <= ${before.slot >> SERVER_BLOCK_BITS}::bigint`);
    slots.push(Prisma.sql`decided."slot" < ${before.slot}::bigint`);
  }
  return client.$queryRaw<StoredSlot[]>`
    SELECT found."slot", found."at", found."kinds", found."payload"
      FROM (SELECT "block" FROM "ServerBlock" WHERE ${Prisma.join(blocks, " AND ")}
             ORDER BY "block" DESC) blocks
     CROSS JOIN LATERAL (SELECT * FROM "DecidedSlot" decided WHERE ${Prisma.join(slots, " AND ")}
                          ORDER BY decided."slot" DESC) found
     ORDER BY blocks."block" DESC, found."slot" DESC LIMIT ${limit}`;
}

function timeBounds(from: Date | undefined, to: Date | undefined): Prisma.Sql[] {
  return [
    ...(from ? [Prisma.sql`"at" >= ${from}::timestamptz`] : []),
    ...(to ? [Prisma.sql`"at" <= ${to}::timestamptz`] : []),
  ];
}

/** The slot at which a time lies, with room for clocks; undefined: no bound asked for; null: nothing lies on that side. */
async function boundarySlot(
  client: PrismaClient,
  time: Date | undefined,
  side: "newest" | "oldest",
): Promise<bigint | null | undefined> {
  if (!time) return undefined;
  const [found] =
    side === "newest"
      ? await client.$queryRaw<{ slot: bigint }[]>`
          SELECT "slot" FROM "DecidedSlot" WHERE cardinality("objects") > 0 AND "at" <= ${time}::timestamptz + ${CLOCKS_APART}
           ORDER BY "at" DESC, "slot" DESC LIMIT 1`
      : await client.$queryRaw<{ slot: bigint }[]>`
          SELECT "slot" FROM "DecidedSlot" WHERE cardinality("objects") > 0 AND "at" >= ${time}::timestamptz - ${CLOCKS_APART}
           ORDER BY "at", "slot" LIMIT 1`;
  return found?.slot ?? null;
}

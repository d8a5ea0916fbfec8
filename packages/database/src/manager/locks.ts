/** Advisory locks of the manager's database, held to the end of a transaction; a number each. */
import type { PrismaClient } from "../generated/manager/client.ts";

export type Transaction = Parameters<Parameters<PrismaClient["$transaction"]>[0]>[0];

const lockNumbers = { audit: 7_401, feed: 7_402 } as const;

/** Waits for the lock. What is read afterwards in the same transaction is what its previous holder committed. */
export async function lockForTransaction(transaction: Transaction, lock: keyof typeof lockNumbers): Promise<void> {
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(${lockNumbers[lock]}::bigint)`;
}

/**
 * Connections of every Prisma client here: a pool that survives the death of the database.
 *
 * adapter-pg takes its error listener off a connection before it gives up a transaction that failed; when Postgres is
 * killed the connection's last words then meet no listener, which would end this process. So every connection gets a
 * listener for life. The failure itself reaches the caller through its query.
 */
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";

const connectTimeoutMs = 10_000;
const idleTimeoutMs = 300_000;

/** Patience of every transaction: Prisma's own 2 and 5 seconds are short for a busy machine with five databases. */
export const transactionOptions = {
  /** Waiting for a connection of the pool (ms). */
  maxWait: 15_000,
  /** From begin to commit (ms). */
  timeout: 30_000,
};

/** Connects at the first query, and again by itself after connections were cut. */
export function poolAdapter(url: string, connectionsMax: number): PrismaPg {
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    keepAlive: true,
  });
  pool.on("connect", (client) => {
    client.on("error", () => undefined);
  });
  return new PrismaPg(pool, { disposeExternalPool: true });
}

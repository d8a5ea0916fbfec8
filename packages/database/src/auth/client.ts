/** Prisma client of the log-in database, made for the console's better-auth Prisma adapter. */
import { poolAdapter, transactionOptions } from "../connection.ts";
import { PrismaClient } from "../generated/auth/client.ts";

export type AuthClient = PrismaClient;

const connectionsMax = 5;

/** Connects lazily; `$disconnect()` ends it. */
export function createAuthClient(url: string): AuthClient {
  return new PrismaClient({ adapter: poolAdapter(url, connectionsMax), transactionOptions });
}

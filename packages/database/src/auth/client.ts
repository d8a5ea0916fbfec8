/** Prisma client of the log-in database, made for the console's better-auth Prisma adapter. */
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../generated/auth/client.ts";

export type AuthClient = PrismaClient;

const connectionsMax = 5;

/** Connects lazily; `$disconnect()` ends it. */
export function createAuthClient(url: string): AuthClient {
  return new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: connectionsMax }) });
}

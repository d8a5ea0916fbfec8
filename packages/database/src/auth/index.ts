/** The log-in database: a Prisma client for better-auth, and what the configuration manager may read of it. */
export { type AuthClient, createAuthClient } from "./client.ts";
export { AuthReader, type SessionUser, type VerificationKey } from "./reader.ts";

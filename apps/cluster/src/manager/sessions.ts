/**
 * Console sessions as the manager may see them: the public keys their tokens are signed with, and which sessions have
 * ended. Read from the log-in database, whose loss stops only log-in: until it is back, tokens end by themselves.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type AuthClient, AuthReader, createAuthClient } from "@redoubt/database/auth";
import type { JSONWebKeySet } from "jose";
import type { JwksProvider, SessionDirectory } from "../administration/index.ts";

const DATABASE_USER = "redoubt";

export class ConsoleSessions implements JwksProvider, SessionDirectory {
  readonly #url: () => string | undefined;
  #client: AuthClient | undefined;

  /** @param url the database's URL; undefined while it has not been made yet */
  constructor(url: () => string | undefined) {
    this.#url = url;
  }

  async keys(): Promise<JSONWebKeySet> {
    const reader = this.#reader();
    if (!reader) return { keys: [] };
    const keys = await reader.verificationKeys();
    return {
      keys: keys.map(({ id, publicKey, algorithm }) => ({
        ...(JSON.parse(publicKey) as JSONWebKeySet["keys"][number]),
        kid: id,
        alg: algorithm ?? "EdDSA",
      })),
    };
  }

  async revoked(sessionIds: readonly string[]): Promise<ReadonlySet<string>> {
    const reader = this.#reader();
    if (!reader) return new Set();
    const now = new Date();
    const found = await Promise.all(sessionIds.map((id) => reader.findSessionById(id, now)));
    return new Set(sessionIds.filter((_id, index) => found[index] === null));
  }

  async close(): Promise<void> {
    await this.#client?.$disconnect();
  }

  #reader(): AuthReader | undefined {
    const url = this.#url();
    if (url === undefined) return undefined;
    this.#client ??= createAuthClient(url);
    return new AuthReader(this.#client);
  }
}

/** URL of an embedded instance that another process keeps; undefined until it was made. */
export function embeddedDatabaseUrl(folder: string, port: number, database: string): string | undefined {
  const pointer = join(folder, "location");
  const path = existsSync(pointer) ? readFileSync(pointer, "utf8").trim() : folder;
  const passwordFile = join(path, "password");
  if (!existsSync(passwordFile)) return undefined;
  const password = readFileSync(passwordFile, "utf8").trim();
  return `postgresql://${DATABASE_USER}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

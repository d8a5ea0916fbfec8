/**
 * Brings a database to the state of its schema's migrations: what `prisma migrate deploy` does, without Prisma's engine
 * in the running cluster. Table, checksums and advisory lock are Prisma's own, so `prisma migrate status` agrees.
 *
 * Unlike Prisma's command each migration and its row are one transaction: a process killed in the middle leaves nothing
 * behind and simply migrates at its next start. So a migration may not hold statements that refuse a transaction
 * (`CREATE INDEX CONCURRENTLY`). It only ever goes forward; it does not roll back and does not compare the tables.
 */
import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";

/** The three schemas under `prisma/`. */
export type SchemaName = "master" | "manager" | "auth";

/** The lock that Prisma itself takes while it migrates. */
const prismaAdvisoryLock = 72_707_369;
const lockTimeoutMs = 60_000;
const connectTimeoutMs = 10_000;

const createMigrationsTable = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum VARCHAR(64) NOT NULL,
    finished_at TIMESTAMPTZ,
    migration_name VARCHAR(255) NOT NULL,
    logs TEXT,
    rolled_back_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
  )`;

/** A migration that cannot be applied; starting again does not help before somebody has repaired the database. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

/** Folder that holds the migrations of one schema. The same from `src/` and from `dist/`. */
export function migrationsDirectory(schema: SchemaName): string {
  return fileURLToPath(new URL(`../../../prisma/${schema}/migrations`, import.meta.url));
}

/**
 * Applies every migration of `directory` that the database has not seen, in the order of their names.
 *
 * Safe to call from several processes at once, and again and again.
 * @returns names of the migrations applied now
 * @throws MigrationError if one failed earlier, was edited after it was applied, or fails now
 */
export async function migrateDeploy(url: string, directory: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
  await client.connect();
  try {
    await client.query(`SET lock_timeout = ${lockTimeoutMs}`);
    await client.query("SELECT pg_advisory_lock($1)", [prismaAdvisoryLock]);
    await client.query("SET client_min_messages = warning");
    await client.query(createMigrationsTable);
    const known = await appliedChecksums(client);
    const applied: string[] = [];
    for (const migration of await readMigrations(directory)) {
      const checksum = known.get(migration.name);
      if (checksum === undefined) {
        await apply(client, migration);
        applied.push(migration.name);
      } else if (checksum !== migration.checksum) {
        throw new MigrationError(`migration ${migration.name} was edited after it was applied`);
      }
    }
    return applied;
  } finally {
    await client.end();
  }
}

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(directory, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function appliedChecksums(client: pg.Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ migration_name: string; checksum: string; finished_at: Date | null }>(
    "SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL",
  );
  const unfinished = rows.find((row) => row.finished_at === null);
  if (unfinished !== undefined) {
    throw new MigrationError(`migration ${unfinished.migration_name} failed earlier and must be resolved (P3009)`);
  }
  return new Map(rows.map((row) => [row.migration_name, row.checksum]));
}

async function apply(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined); // the first error is the one worth telling
    throw new MigrationError(`migration ${name} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

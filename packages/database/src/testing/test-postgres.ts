/**
 * A real Postgres for a test file, and fresh migrated databases on it. The launcher is run as a program, by its path,
 * because a package may not import an application.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { migrateDeploy, migrationsDirectory, type SchemaName } from "../migrate.ts";

const program = fileURLToPath(
  new URL("../../../../apps/cluster/src/adapters/postgres/serve-for-tests.ts", import.meta.url),
);

/** Generous: first use of a machine copies files, and other tests want the processor too. */
export const startTimeoutMs = 120_000;

export interface TestPostgres {
  /** URL of a new, migrated database. */
  database(schema: SchemaName): Promise<string>;
  /** URL of a new, empty database. */
  emptyDatabase(): Promise<string>;
  stop(): Promise<void>;
}

export async function startTestPostgres(): Promise<TestPostgres> {
  const child = spawn(process.execPath, ["--import", "tsx", program], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, "exit");
  const [baseUrl] = await Promise.race([
    once(lines, "line"),
    ended.then(([code]) => Promise.reject(new Error(`no Postgres for the test: ${program} ended with ${code}`))),
  ]);
  let databases = 0;
  const emptyDatabase = async () => {
    databases += 1;
    const name = `test_${databases}`;
    const client = new pg.Client({ connectionString: `${baseUrl}postgres` });
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    return `${baseUrl}${name}`;
  };
  return {
    emptyDatabase,
    async database(schema) {
      const url = await emptyDatabase();
      await migrateDeploy(url, migrationsDirectory(schema));
      return url;
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

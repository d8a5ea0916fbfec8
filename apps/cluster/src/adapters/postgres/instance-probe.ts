/** Looking at an instance from outside: its lock file, its log, and whether it answers. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { type DataFolder, databaseUser } from "./data-folder.ts";

const connectTimeoutMs = 5_000;

export interface LockFile {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

/** Postgres's own postmaster.pid: line 1 the process id, line 4 the port, line 8 the status. */
export async function readLockFile(folder: DataFolder): Promise<LockFile | undefined> {
  const text = await readFile(join(folder.cluster, "postmaster.pid"), "utf8").catch(() => "");
  const [pid = "", , , port = "", , , , status = ""] = text.split("\n");
  if (!/^\d+$/.test(pid)) return undefined;
  return { pid: Number(pid), port: Number(port), ready: status.trim() === "ready" };
}

/** Does the instance of this very folder answer there? Another Postgres on the port does not count. */
export async function answers(folder: DataFolder, port: number, database = "postgres"): Promise<boolean> {
  const client = new pg.Client({
    connectionString: connectionUrl(folder, port, database),
    connectionTimeoutMillis: connectTimeoutMs,
  });
  client.on("error", () => undefined); // a connection cut later is no answer, and must not end this process
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>("SHOW data_directory");
    return rows[0]?.data_directory === folder.cluster;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

export async function createDatabases(maintenanceUrl: string, databases: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: maintenanceUrl, connectionTimeoutMillis: connectTimeoutMs });
  await client.connect();
  try {
    for (const database of databases) {
      const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
      if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
    }
  } finally {
    await client.end();
  }
}

export function connectionUrl(folder: DataFolder, port: number, database: string): string {
  return `postgresql://${databaseUser}:${folder.password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

/** For error messages. */
export async function lastLogLines(folder: DataFolder): Promise<string> {
  const text = await readFile(folder.logFile, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-8).join("\n");
}

/** A port that is free now on 127.0.0.1. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MigrationError, migrateDeploy, migrationsDirectory, type SchemaName } from "./migrate.ts";
import { startTestPostgres, startTimeoutMs, type TestPostgres } from "./testing/test-postgres.ts";

const run = promisify(execFile);
const schemas: SchemaName[] = ["master", "manager", "auth"];
const prismaProgram = fileURLToPath(new URL("../../../node_modules/prisma/build/index.js", import.meta.url));

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startTestPostgres();
}, startTimeoutMs);

afterAll(() => postgres.stop(), startTimeoutMs);

/** Prisma's own command, as a developer runs it; rejects when it exits with an error. */
async function prisma(schema: SchemaName, url: string, ...parameters: string[]): Promise<string> {
  const config = fileURLToPath(new URL(`../../../prisma/${schema}/prisma.config.ts`, import.meta.url));
  const environment = { ...process.env, DATABASE_URL: url, CHECKPOINT_DISABLE: "1", PRISMA_HIDE_UPDATE_MESSAGE: "1" };
  const command = [prismaProgram, ...parameters, "--config", config];
  return (await run(process.execPath, command, { env: environment })).stdout;
}

async function tableNames(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
  );
  await client.end();
  return rows.map(({ name }) => name);
}

for (const schema of schemas) {
  describe(`the migrations of ${schema}`, () => {
    test("say the same as its schema", { timeout: startTimeoutMs }, async () => {
      const file = fileURLToPath(new URL(`../../../prisma/${schema}/schema.prisma`, import.meta.url));
      const ends = ["--from-migrations", migrationsDirectory(schema), "--to-schema", file];
      const difference = await prisma(
        schema,
        await postgres.emptyDatabase(),
        "migrate",
        "diff",
        ...ends,
        "--exit-code",
      );
      expect(difference).toContain("No difference detected");
    });

    test("deployed here are known to Prisma as deployed", { timeout: startTimeoutMs }, async () => {
      const url = await postgres.database(schema);
      expect(await prisma(schema, url, "migrate", "status")).toContain("Database schema is up to date");
    });
  });
}

describe("deploying", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "redoubt-migrations-"));
    await cp(migrationsDirectory("master"), directory, { recursive: true });
    return () => rm(directory, { recursive: true });
  });

  async function addMigration(name: string, sql: string): Promise<void> {
    await mkdir(join(directory, name), { recursive: true });
    await writeFile(join(directory, name, "migration.sql"), sql);
  }

  /** Those of the project, in their order. */
  const shipped = async (): Promise<string[]> =>
    (await readdir(migrationsDirectory("master"))).filter((name) => /^\d/.test(name)).sort();

  test("applies each migration once, also from several processes at the same time", async () => {
    const url = await postgres.emptyDatabase();
    const applied = await Promise.all([1, 2, 3].map(() => migrateDeploy(url, directory)));
    expect(applied.flat()).toEqual(await shipped());
    expect(await migrateDeploy(url, directory)).toEqual([]);
    await addMigration("30000102000000_second", "CREATE TABLE second (id int)");
    expect(await migrateDeploy(url, directory)).toEqual(["30000102000000_second"]);
  });

  test("a migration that fails leaves nothing behind and can be corrected", async () => {
    const url = await postgres.emptyDatabase();
    await migrateDeploy(url, directory);
    await addMigration("30000102000000_second", "CREATE TABLE second (id int); CREATE TABLE second (id int);");
    await expect(migrateDeploy(url, directory)).rejects.toThrow(/30000102000000_second failed: .*already exists/);
    expect(await tableNames(url)).not.toContain("second");
    await addMigration("30000102000000_second", "CREATE TABLE second (id int)");
    expect(await migrateDeploy(url, directory)).toEqual(["30000102000000_second"]);
  });

  test("a migration that was edited after it was applied is refused", async () => {
    const url = await postgres.emptyDatabase();
    await migrateDeploy(url, directory);
    await addMigration("20260101000000_init", "SELECT 1");
    await expect(migrateDeploy(url, directory)).rejects.toThrow(MigrationError);
  });
});

/** A real, migrated database of a manager for tests, with the feed and incidents that write to it. */
import { join } from "node:path";
import { createLogger } from "../../adapters/logging/index.ts";
import { startPostgres } from "../../adapters/postgres/index.ts";
import { makeTestFolder, removeTestFolder } from "../../adapters/postgres/test-folders.ts";
import { ManagerDatabase } from "../database.ts";
import { ManagerFeed } from "../feed.ts";
import { Incidents } from "../incidents.ts";

/** Generous: the first use of a machine copies files. */
export const DATABASE_START_MS = 120_000;

export interface TestDatabase {
  readonly folder: string;
  readonly database: ManagerDatabase;
  readonly feed: ManagerFeed;
  readonly incidents: Incidents;
  readonly stop: () => Promise<void>;
}

export const quietLog = createLogger({ name: "test", level: "error" });

export async function startTestDatabase(): Promise<TestDatabase> {
  const folder = await makeTestFolder();
  const postgres = await startPostgres({ dataDirectory: join(folder, "pg"), port: 0, databases: ["redoubt"] });
  const layout = { run: join(folder, "run"), postgres: () => join(folder, "pg") };
  const database = new ManagerDatabase({ layout, log: quietLog }, 0, postgres.url("redoubt"));
  database.start();
  await database.opened;
  const feed = new ManagerFeed(database, quietLog);
  return {
    folder,
    database,
    feed,
    incidents: new Incidents(database, feed, quietLog),
    async stop() {
      await database.stop();
      await postgres.stop();
      await removeTestFolder(folder);
    },
  };
}

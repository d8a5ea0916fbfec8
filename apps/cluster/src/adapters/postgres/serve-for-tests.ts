/**
 * A program for tests of packages, which may not import an application: starts a Postgres in a temporary folder, prints
 * its base URL as one line, and removes everything when its standard input closes, so also when the test process dies.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { startPostgres } from "./start-postgres.ts";

// Not the system's temporary folder: the user who runs Postgres must be able to enter it.
const directory = await mkdtemp(join("/var/tmp", "redoubt-test-"));
const postgres = await startPostgres({ dataDirectory: join(directory, "postgres"), port: 0, databases: [] });
process.stdin.resume().once("close", async () => {
  await postgres.stop();
  await rm(postgres.dataDirectory, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
  process.exit(0);
});
console.log(postgres.url(""));

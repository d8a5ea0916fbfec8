/**
 * A program for tests of packages, which may not import an application: starts a Postgres in a temporary folder, prints
 * its base URL as one line, and removes everything when its standard input closes, so also when the test process dies.
 */
import { join } from "node:path";
import { startPostgres } from "./start-postgres.ts";
import { makeTestFolder, removeTestFolder } from "./test-folders.ts";

const directory = await makeTestFolder();
const postgres = await startPostgres({ dataDirectory: join(directory, "postgres"), port: 0, databases: [] });
process.stdin.resume().once("close", async () => {
  await postgres.stop();
  await removeTestFolder(directory);
  process.exit(0);
});
console.log(postgres.url(""));

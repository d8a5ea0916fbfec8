/** A Postgres for the tests of one file, and masters' stores in it, each in a database of its own. */
import { afterAll, beforeAll } from "vitest";
import { openMasterStore } from "../master/client.ts";
import type { MasterStore } from "../master/master-store.ts";
import { startTestPostgres, startTimeoutMs, type TestPostgres } from "./test-postgres.ts";

export function provideMasterStores(): () => Promise<{ store: MasterStore; url: string }> {
  let postgres: TestPostgres;
  const closers: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres();
  }, startTimeoutMs);
  afterAll(async () => {
    for (const close of closers) await close();
    await postgres.stop();
  }, startTimeoutMs);
  return async () => {
    const url = await postgres.database("master");
    const { store, close } = openMasterStore(url);
    closers.push(close);
    return { store, url };
  };
}

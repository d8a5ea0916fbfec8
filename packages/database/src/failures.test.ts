import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isTransient } from "./failures.ts";
import { type ManagerStore, openManagerStore } from "./manager/store.ts";
import { migrateDeploy, migrationsDirectory } from "./migrate.ts";
import { startTestPostgres, startTimeoutMs, type TestPostgres } from "./testing/test-postgres.ts";

let postgres: TestPostgres;
let url: string;
let store: ManagerStore;

beforeAll(async () => {
  postgres = await startTestPostgres();
  url = await postgres.database("manager");
  store = openManagerStore(url);
}, startTimeoutMs);

afterAll(async () => {
  await store.close();
  await postgres.stop();
}, startTimeoutMs);

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** As when Postgres is killed: every other connection is cut, in the middle of whatever it does. */
async function cutConnections(): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()",
  );
  await client.end();
}

test("connections that were cut are replaced by themselves, and idle ones do not end the process", async () => {
  await store.settings.set("before", 1, "local", new Date());
  await cutConnections();
  const outcome = await failureOf(store.settings.get("before"));
  if (outcome !== undefined) expect(isTransient(outcome)).toBe(true);
  await expect.poll(() => store.settings.get("before").catch(() => undefined), { timeout: 10_000 }).toBe(1);
});

test("a transaction whose connection is cut fails with an error that says it may be repeated", async () => {
  const appends = Array.from({ length: 20 }, (_, index) =>
    failureOf(
      store.audit.append({
        at: new Date(),
        actor: "ada",
        role: "admin",
        via: "local",
        action: "test.append",
        subject: String(index),
        reason: null,
        detail: "{}",
      }),
    ),
  );
  await cutConnections();
  const failures = (await Promise.all(appends)).filter((failure) => failure !== undefined);
  for (const failure of failures) expect([failure, isTransient(failure)]).toEqual([failure, true]);
  const { intact, entries } = await store.audit.verify();
  expect(intact).toBe(true);
  // What failed may have taken effect all the same; what was acknowledged did.
  expect(entries).toBeGreaterThanOrEqual(20 - failures.length);
});

test("a database that is not there is a failure that may pass", async () => {
  const nowhere = openManagerStore("postgresql://redoubt@127.0.0.1:9/nothing");
  expect(isTransient(await failureOf(nowhere.settings.get("x")))).toBe(true);
  expect(
    isTransient(await failureOf(migrateDeploy("postgresql://redoubt@127.0.0.1:9/x", migrationsDirectory("auth")))),
  ).toBe(true);
  await nowhere.close();
});

test("a mistake of ours is not", async () => {
  const empty = openManagerStore(await postgres.emptyDatabase());
  expect(isTransient(await failureOf(empty.settings.get("x")))).toBe(false);
  expect(isTransient(new Error("invariant broken"))).toBe(false);
  expect(isTransient(undefined)).toBe(false);
  await empty.close();
});

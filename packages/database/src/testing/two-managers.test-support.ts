/** Two managers on one database, as after a fail-over that the old one has not noticed yet. */
import { afterAll, beforeAll } from "vitest";
import { type ManagerStore, openManagerStore } from "../manager/store.ts";
import { startTestPostgres, startTimeoutMs, type TestPostgres } from "./test-postgres.ts";

export interface TwoManagers {
  readonly store: ManagerStore;
  readonly other: ManagerStore;
}

/** For all tests of a file. The stores are there while a test runs. */
export function useTwoManagers(): TwoManagers {
  let postgres: TestPostgres | undefined;
  const stores: ManagerStore[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres();
    const url = await postgres.database("manager");
    stores.push(openManagerStore(url), openManagerStore(url));
  }, startTimeoutMs);
  afterAll(async () => {
    for (const store of stores) await store.close();
    await postgres?.stop();
  }, startTimeoutMs);
  const storeAt = (index: number): ManagerStore => {
    const store = stores[index];
    if (store === undefined) throw new Error("the stores are open while a test runs");
    return store;
  };
  return {
    get store() {
      return storeAt(0);
    },
    get other() {
      return storeAt(1);
    },
  };
}

/** When the tests say that things happen. */
export const at = new Date("2026-01-02T03:04:05.678Z");
export const later = (seconds: number): Date => new Date(at.getTime() + seconds * 1000);

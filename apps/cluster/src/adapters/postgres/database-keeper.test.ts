import { join } from "node:path";
import pg from "pg";
import { afterEach, expect, test } from "vitest";
import { DatabaseKeeper, type DatabaseState } from "./database-keeper.ts";
import { makeTestFolder, removeTestFolder } from "./test-folders.ts";

const timeoutMs = 120_000;
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, timeoutMs);

async function newKeeper(): Promise<{ keeper: DatabaseKeeper; states: DatabaseState[]; dataDirectory: string }> {
  const directory = await makeTestFolder();
  cleanups.push(() => removeTestFolder(directory));
  const dataDirectory = join(directory, "pg");
  const states: DatabaseState[] = [];
  const keeper = new DatabaseKeeper({
    database: "bank",
    embedded: { dataDirectory, port: 0 },
    onState: (state) => states.push(state),
  });
  cleanups.push(() => keeper.stop({ leaveRunning: false }));
  return { keeper, states, dataDirectory };
}

async function answer(url: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query("SELECT 1 AS one");
  await client.end();
  return rows;
}

function lastPid(states: DatabaseState[]): number {
  const state = states.at(-1);
  if (state?.kind !== "up" || state.pid === undefined) throw new Error("the database is not up");
  return state.pid;
}

test("a killed database is back by itself, at the same URL", { timeout: timeoutMs }, async () => {
  const { keeper, states } = await newKeeper();
  expect(() => keeper.url()).toThrow(/not been started/);
  await keeper.start();
  const url = keeper.url();
  expect(await answer(url)).toEqual([{ one: 1 }]);

  const firstPid = lastPid(states);
  process.kill(firstPid, "SIGKILL");
  await expect.poll(() => states.map(({ kind }) => kind), { timeout: 60_000 }).toEqual(["up", "down", "up"]);
  expect(keeper.url()).toBe(url);
  expect(lastPid(states)).not.toBe(firstPid);
  expect(await answer(url)).toEqual([{ one: 1 }]);
});

test("a keeper that left its database running hands it to the next one", { timeout: timeoutMs }, async () => {
  const { keeper, states, dataDirectory } = await newKeeper();
  await keeper.start();
  const port = Number(new URL(keeper.url()).port);
  const pid = lastPid(states);
  await keeper.stop({ leaveRunning: true });
  expect(states.at(-1)).toEqual({ kind: "stopped" });

  const next = new DatabaseKeeper({ database: "bank", embedded: { dataDirectory, port } });
  await next.start();
  expect(next.state).toEqual({ kind: "up", pid, adopted: true });
  expect(await answer(next.url())).toEqual([{ one: 1 }]);

  // What it adopted is not its child, and its end is noticed all the same.
  process.kill(pid, "SIGKILL");
  await expect.poll(() => next.state, { timeout: 60_000 }).toMatchObject({ kind: "up", adopted: false });
  await next.stop({ leaveRunning: false });
  expect(next.state).toEqual({ kind: "stopped" });
});

test("a database kept by somebody else is only named", async () => {
  const keeper = new DatabaseKeeper({
    database: "bank",
    externalUrl: "postgresql://somebody@db.example/bank",
    embedded: { dataDirectory: "/nonexistent", port: 1 },
  });
  await keeper.start();
  expect(keeper.url()).toBe("postgresql://somebody@db.example/bank");
  await keeper.stop({ leaveRunning: false });
});

import type { FeedEvent, FeedFact } from "@redoubt/shared";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ManagerFeed } from "./feed.ts";
import { DATABASE_START_MS, quietLog, startTestDatabase, type TestDatabase } from "./testing/manager-database.ts";

let manager: TestDatabase;
beforeAll(async () => {
  manager = await startTestDatabase();
}, DATABASE_START_MS);
afterAll(() => manager.stop(), DATABASE_START_MS);

const fact = (node: string): FeedFact => ({
  kind: "node.state",
  severity: "info",
  node,
  from: "up",
  to: "down",
  cause: "test",
});
const nodeOf = (event: FeedEvent): string => (event.kind === "node.state" ? event.node : "");

test("events are numbered without holes in the order in which they were recorded, and told in it", async () => {
  const told: number[] = [];
  const stop = manager.feed.subscribe(({ number }) => told.push(number));
  const recorded = await Promise.all(Array.from({ length: 20 }, (_, index) => manager.feed.record(fact(`n${index}`))));
  stop();
  const numbers = recorded.flat().map(({ number }) => number);
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] as number) + index));
  expect(told).toEqual(numbers);
  expect(recorded.flat().map(nodeOf)).toEqual(Array.from({ length: 20 }, (_, index) => `n${index}`));
});

test("a reader gets everything after its cursor, from memory and from the database alike", async () => {
  await manager.feed.record(fact("a"), fact("b"), fact("c"));
  const { latest } = manager.feed;
  const successor = new ManagerFeed(manager.database, quietLog);
  successor.open(await manager.database.readOpening());
  expect(successor.latest).toBe(latest);
  for (const feed of [manager.feed, successor])
    expect((await feed.since(latest - 3, 100)).map(nodeOf)).toEqual(["a", "b", "c"]);
  await successor.record(fact("d"));
  expect((await successor.since(latest - 1, 100)).map(nodeOf)).toEqual(["c", "d"]);
});

test("a fact outside the catalogue is left out and stops nothing behind it", async () => {
  const wrong = { ...fact("x"), node: "" };
  const [events, next] = await Promise.all([manager.feed.record(wrong), manager.feed.record(fact("y"))]);
  expect(events).toEqual([]);
  expect(next.map(nodeOf)).toEqual(["y"]);
});

test("what a manager had recorded before it was killed is not recorded again by the next one", async () => {
  await manager.feed.recordOnce("regulator 7:1000", fact("e"), fact("f"));
  const { latest } = manager.feed;
  const successor = new ManagerFeed(manager.database, quietLog);
  successor.open(await manager.database.readOpening());
  expect(await successor.recordOnce("regulator 7:1000", fact("e"), fact("f"))).toEqual([]);
  const next = await successor.recordOnce("regulator 8:1001", fact("g"));
  expect(next.map(({ number }) => number)).toEqual([latest + 1]);
  expect((await successor.since(latest - 2, 100)).map(nodeOf)).toEqual(["e", "f", "g"]);
  expect(Object.keys((await successor.since(latest - 2, 1))[0] ?? {}).sort()).toEqual(
    Object.keys(next[0] ?? {}).sort(),
  );
});

import { type AttemptReport, type FeedFact, feedEventSchema, type ServerHealthMessage } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { parseServerHealth } from "./health-schema.ts";
import { isDatabase, WorkerAttempts } from "./worker-attempts.ts";

const REQUEST = "a".repeat(64);
const attempt = (change: Partial<AttemptReport> = {}): AttemptReport => ({
  ...{ at: 1, act: "read-file", target: "/etc/passwd", witness: "worker", operation: "transfer", requestId: REQUEST },
  count: 1,
  ...change,
});

function intake() {
  const facts: FeedFact[] = [];
  const incidents: string[] = [];
  let now = 0;
  const attempts = new WorkerAttempts({
    feed: {
      record: async (...recorded) => {
        facts.push(...recorded);
        return [];
      },
    },
    incidents: { report: async ({ key }) => void incidents.push(key) },
    isDatabase: (target) => isDatabase(target, 7400),
    now: () => now,
  });
  const server = { server: "execution-server-1", node: "node-2" };
  return {
    facts,
    incidents,
    take: (...told: AttemptReport[]) => attempts.take(server, told),
    wait: (ms: number) => (now += ms),
  };
}

describe("attempts in workers", () => {
  test("each is an event with what was tried, where, in which operation and request, and an incident of its server", () => {
    const { facts, incidents, take } = intake();
    take(attempt(), attempt({ act: "process", target: "id" }));
    expect(facts).toMatchObject([
      { kind: "worker.attempt", severity: "warning", server: "execution-server-1", node: "node-2", act: "read-file" },
      { act: "process", target: "id", operation: "transfer", requestId: REQUEST, count: 1 },
    ]);
    for (const fact of facts)
      expect(feedEventSchema.safeParse({ ...fact, number: 1, at: new Date().toISOString() }).success).toBe(true);
    expect(new Set(incidents)).toEqual(new Set(["worker-attempt:execution-server-1"]));
  });

  test("what the kernel saw, and a reach for a database, are critical", () => {
    const { facts, take } = intake();
    take(attempt({ act: "system-call", witness: "kernel" }), attempt({ act: "network", target: "127.0.0.1:7470" }));
    expect(facts).toMatchObject([
      { act: "system-call", severity: "critical" },
      { act: "database", severity: "critical" },
    ]);
  });

  test("equal ones are counted until it is time for another event", () => {
    const { facts, take, wait } = intake();
    for (let index = 0; index < 100; index++) take(attempt({ count: 2 }));
    wait(10_001);
    take(attempt());
    expect(facts.map((fact) => (fact.kind === "worker.attempt" ? fact.count : 0))).toEqual([2, 199]);
  });

  test("a server that reports without end fills neither feed nor memory", () => {
    const { facts, take, wait } = intake();
    for (let index = 0; index < 20_000; index++) take(attempt({ target: `/etc/${index}` }));
    expect(facts).toHaveLength(50);
    wait(10_001);
    take(attempt({ target: "/etc/later" }));
    expect(facts).toHaveLength(51);
  });

  test("databases are known by the cluster's ports and by their socket files", () => {
    const known = ["127.0.0.1:7470", "localhost:7495", "/tmp/.s.PGSQL.5432"];
    expect(known.map((target) => isDatabase(target, 7400))).toEqual([true, true, true]);
    expect(["127.0.0.1:7400", "127.0.0.1:7496", "name x"].some((target) => isDatabase(target, 7400))).toBe(false);
  });
});

describe("what an execution server says of its workers", () => {
  const health: ServerHealthMessage = {
    ...{
      kind: "serverHealth",
      server: "execution-server-1",
      incarnation: "1.a",
      pid: 7,
      ready: true,
      role: "executor",
    },
    ...{ counters: {}, processes: [], violations: [], attempts: [attempt()] },
    confinement: { means: ["bubblewrap"], sentence: "bubblewrap" },
  };

  test("is taken from execution servers only", () => {
    expect(parseServerHealth(health, "execution-server-1")).toMatchObject({ attempts: [attempt()] });
    const replica = parseServerHealth({ ...health, server: "state-replica-1" }, "state-replica-1");
    expect([replica?.attempts, replica?.confinement]).toEqual([undefined, undefined]);
  });

  test.each([
    ["more attempts than a report may have", { attempts: Array.from({ length: 33 }, () => attempt()) }],
    ["a target of any length", { attempts: [attempt({ target: "x".repeat(201) })] }],
    ["a request id that is none", { attempts: [attempt({ requestId: "<script>" })] }],
    ["an act nobody knows", { attempts: [{ ...attempt(), act: "everything" }] }],
    ["a sentence of any length", { confinement: { means: [], sentence: "x".repeat(501) } }],
  ])("is refused with %s", (_, change) => {
    expect(parseServerHealth({ ...health, ...change }, "execution-server-1")).toBeUndefined();
  });
});

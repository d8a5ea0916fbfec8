import type { HealthReportMessage, ServerHealthMessage, ServerReport } from "@redoubt/shared";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../adapters/testing/temporary-directory.ts";
import { waitUntil } from "../adapters/testing/wait.ts";
import type { ClusterFile } from "../launch/cluster-file.ts";
import { HealthGate } from "./health-gate.ts";
import { parseServerHealth } from "./health-schema.ts";
import { MemoryFile } from "./memory.ts";
import { Registry } from "./registry.ts";

const cluster = {
  nodes: [{ name: "node-1", address: "127.0.1.1", port: 1 }],
} as unknown as ClusterFile;
const placed = [{ server: "execution-server-1", component: "execution-server" as const, node: "node-1" }];

let scratch: TemporaryDirectory;
let memory: MemoryFile;
let registry: Registry;
let told: string[];

beforeEach(() => {
  scratch = temporaryDirectory();
  memory = new MemoryFile(scratch.path);
  told = [];
  registry = newRegistry();
});
afterEach(() => {
  registry.close();
  memory.write();
  scratch.remove();
});

function newRegistry(): Registry {
  const created = new Registry(cluster, memory);
  created.listen({
    onEnded: ({ server }, { incarnation, cause }) => told.push(`${server} ${incarnation} ended: ${cause}`),
    onServerState: ({ server, state }, from) => told.push(`${server} ${from} → ${state}`),
    onNodeState: ({ name, state }, from) => told.push(`${name} ${from} → ${state}`),
    onNewProcess: (name) => told.push(`new process of ${name}`),
    onAttempts: ({ server }, attempts) => told.push(`${attempts.length} attempts in ${server}`),
    onViolations: (reporter) => told.push(`violations seen by ${reporter}`),
    onCondition: (name, condition) => told.push(`condition of ${name}: ${condition ?? "well"}`),
  });
  created.expect(placed);
  return created;
}

const server = (change: Partial<ServerReport> = {}): ServerReport => ({
  server: "execution-server-1",
  component: "execution-server",
  incarnation: "1.a",
  state: "running",
  pid: 7,
  serial: "AA",
  evidenceKeyPem: "key",
  since: Date.now(),
  ...change,
});
const report = (...servers: ServerReport[]): HealthReportMessage => ({
  kind: "healthReport",
  node: "node-1",
  pid: 5,
  at: Date.now(),
  membershipVersion: 3,
  servers,
  processes: [],
  host: { load: 1, memoryFreeBytes: 1, memoryTotalBytes: 2 },
});
const health = (change: Partial<ServerHealthMessage> = {}): ServerHealthMessage => ({
  kind: "serverHealth",
  server: "execution-server-1",
  incarnation: "1.a",
  pid: 7,
  ready: true,
  role: "executor",
  counters: {},
  processes: [],
  violations: [],
  ...change,
});

describe("the registry", () => {
  test("tells once that a server's disk is full, and once that it is no longer", () => {
    registry.takeReport("node-1", report(server()));
    registry.takeHealth(health());
    for (const condition of ["disk-full", "disk-full", undefined, undefined] as const)
      registry.takeHealth(health({ condition }));
    const conditions = told.filter((line) => line.startsWith("condition"));
    expect(conditions).toEqual(["condition of execution-server-1: disk-full", "condition of execution-server-1: well"]);
  });

  test("tells changes of state once, from start over crash to replacement", () => {
    registry.takeReport("node-1", report(server({ state: "starting", pid: null })));
    registry.takeReport("node-1", report(server()));
    registry.takeHealth(health());
    registry.takeHealth(health());
    const lastExit = { incarnation: "1.a", at: 1, cause: "signal SIGKILL" };
    registry.takeReport("node-1", report(server({ state: "exited", pid: null, serial: "", lastExit })));
    registry.takeReport("node-1", report(server({ incarnation: "1.b", serial: "BB", lastExit })));
    registry.takeHealth(health({ incarnation: "1.b" }));
    expect(told).toEqual([
      "new process of node-1",
      "node-1 unknown → up",
      "execution-server-1 unknown → starting",
      "new process of execution-server-1",
      "execution-server-1 starting → up",
      "execution-server-1 1.a ended: signal SIGKILL",
      "execution-server-1 up → down",
      "execution-server-1 down → starting",
      "new process of execution-server-1",
      "execution-server-1 starting → up",
    ]);
    expect(registry.live("execution-server")).toBe(1);
  });

  test("tells nothing when a manager starts again and finds everything as it was", () => {
    registry.takeReport("node-1", report(server()));
    registry.takeHealth(health());
    registry.close();
    told = [];
    registry = newRegistry();
    registry.takeReport("node-1", report(server()));
    registry.takeHealth(health());
    expect(told).toEqual(["new process of node-1", "new process of execution-server-1"]);
  });

  test("does not take a server for up because another process of it was up before this manager started", () => {
    registry.takeReport("node-1", report(server()));
    registry.takeHealth(health());
    registry.close();
    told = [];
    registry = newRegistry();
    registry.takeReport("node-1", report(server({ incarnation: "1.b" })));
    expect(registry.server("execution-server-1")?.state).toBe("starting");
    registry.takeHealth(health({ incarnation: "1.b" }));
    expect(registry.server("execution-server-1")?.state).toBe("up");
  });

  test("believes no report of a node about another node's servers, nor of an agent about another node", () => {
    registry.expect([{ ...placed[0], node: "node-2" } as (typeof placed)[number]]);
    registry.takeReport("node-1", report(server()));
    expect(registry.server("execution-server-1")?.report).toBeUndefined();
    registry.takeReport("node-9", report(server()));
    expect(registry.node("node-1")?.pid).toBe(5);
  });

  test("says discarded of a process that was discarded, and not of its successor", () => {
    registry.takeReport("node-1", report(server()));
    registry.takeHealth(health());
    memory.value.discarded.push("execution-server-1 1.a");
    registry.noteDiscarded("execution-server-1");
    expect(registry.server("execution-server-1")?.state).toBe("discarded");
    registry.takeReport("node-1", report(server({ incarnation: "1.b" })));
    registry.takeHealth(health({ incarnation: "1.b" }));
    expect(registry.server("execution-server-1")?.state).toBe("up");
  });

  test("suspects and gives up a node that has fallen silent", async () => {
    registry.takeReport("node-1", report());
    told = [];
    await waitUntil(() => told.includes("node-1 suspect → down"), "the node to be down");
    expect(told).toEqual(["node-1 up → suspect", "node-1 suspect → down"]);
  });
});

describe("a health report of a server", () => {
  test("is not read when it is one of very many", () => {
    const gate = new HealthGate();
    const passed = Array.from({ length: 1_000 }, (_, index) => gate.mayPass("execution-server-1", index / 2));
    expect(passed.filter(Boolean)).toHaveLength(10);
    expect(gate.mayPass("execution-server-2", 500)).toBe(true);
    expect(gate.mayPass("execution-server-1", 1_600)).toBe(true);
  });

  test("is taken only in its own name and within limits", () => {
    expect(parseServerHealth(health(), "execution-server-2")).toBeUndefined();
    expect(parseServerHealth({ ...health(), pid: "7" }, "execution-server-1")).toBeUndefined();
    const counters = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`c${index}`, 1]));
    expect(parseServerHealth(health({ counters }), "execution-server-1")).toBeUndefined();
    // An execution server is not believed about its disk; a replica is.
    expect(parseServerHealth(health({ condition: "disk-full" }), "execution-server-1")?.condition).toBeUndefined();
    const replica = { ...health({ condition: "disk-full" }), server: "state-replica-1" };
    expect(parseServerHealth(replica, "state-replica-1")).toMatchObject({ condition: "disk-full" });
  });

  test("of an execution server names no process but its workers and accuses nobody", () => {
    const processes = [
      { name: "execution-server-1/worker-1", pid: 8 },
      { name: "postgres-manager", pid: 1 },
    ];
    const violations = [{ at: 1, peer: "state-replica-1", reason: "lies" }];
    expect(parseServerHealth(health({ processes, violations }), "execution-server-1")).toMatchObject({
      processes: [{ name: "execution-server-1/worker-1", pid: 8 }],
      violations: [],
    });
  });
});

/** Real workers that compute: the kernel counts, and the shell ends what is over its budget. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { LoadedApplication } from "../applications/load-application.ts";
import { createExecutionPool, type ExecutionFailure, type ExecutionPool } from "./execution-pool.ts";
import { Bundles } from "./testing.ts";

type Ending =
  | { readonly body: unknown }
  | { readonly reason: ExecutionFailure; readonly detail: string; readonly alsoInside: readonly string[] };

/** A budget that is reached long before any of these deadlines, on a busy machine too. */
const DEADLINE_MS = 60_000;
const BUDGET_MS = 300;
const TIMEOUT_MS = 60_000;

const bundles = new Bundles();
let application: LoadedApplication;
const pools: ExecutionPool[] = [];

beforeAll(async () => {
  const wrapped = '"return (async () => {" + code + "})()"';
  application = await bundles.probe({
    limits: `deadlineMs: ${DEADLINE_MS}, cpuMs: ${BUDGET_MS},`,
    handler: `(transaction, { code }) => new Function("load", ${wrapped})((name) => import(name))`,
  });
});
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));
afterAll(() => bundles.remove());

function poolOf() {
  const endings = new Map<string, (ending: Ending) => void>();
  const pool = createExecutionPool({
    application,
    workers: 1,
    handlers: {
      onRead: () => undefined,
      onFinished: (execution, { reply }) => endings.get(execution)?.({ body: reply.body }),
      onFailed: (execution, reason, detail, alsoInside) => endings.get(execution)?.({ reason, detail, alsoInside }),
    },
  });
  pools.push(pool);
  const run = (execution: string, code: string, cpuMs?: number): Promise<Ending> =>
    new Promise((resolve) => {
      endings.set(execution, resolve);
      const context = { principal: "alice", now: 1_000, seed: "5eed", requestId: "r" };
      const limits = cpuMs === undefined ? {} : { cpuMs };
      pool.start({ execution, operation: "probe", input: { name: "a", code }, context, provided: {}, ...limits });
    });
  return { pool, run };
}

const spinning = (ms: number): string =>
  `for (const end = process.cpuUsage().user + ${ms * 1_000}; process.cpuUsage().user < end; );`;

describe("CPU time of a request", { timeout: TIMEOUT_MS }, () => {
  test("one that computes beyond its budget is ended with its worker, by its own words, and the worker is replaced", async () => {
    const { pool, run } = poolOf();
    await run("first", "return 0;");
    const [pid] = pool.status().workers.map((worker) => worker.pid);
    const over = await run("spins", "for (;;) {}");
    expect(over).toMatchObject({ reason: "cpu", alsoInside: [] });
    expect(over).toHaveProperty("detail", expect.stringMatching(/^\d+ ms of CPU time, 300 ms are allowed$/));
    expect(pool.status().workers.map((worker) => worker.pid)).not.toContain(pid);
    expect(await run("next", "return 1;")).toEqual({ body: 1 });
  });

  test("threads of a handler add up, also while the handler itself only waits", async () => {
    const { run } = poolOf();
    const threads = `
      const { Worker } = await load("node:worker_threads");
      for (let count = 0; count < 3; count++) new Worker("for (;;) {}", { eval: true });
      await new Promise(() => {});`;
    expect(await run("threads", threads, 1_000)).toMatchObject({ reason: "cpu" });
  });

  test("one that waits is not charged with what another one beside it computes within its own budget", async () => {
    const { run } = poolOf();
    await run("first", "return 0;");
    const waits = run("waits", "await new Promise((resolve) => { globalThis.release = resolve; }); return 1;", 100);
    const computes = run("computes", `${spinning(400)} globalThis.release(); return 2;`, 20_000);
    expect(await computes).toEqual({ body: 2 });
    expect(await waits).toEqual({ body: 1 });
  });

  test("with one that computes without end everything inside is named, once", async () => {
    const { run } = poolOf();
    await run("first", "return 0;");
    const told: Ending[] = [];
    const ended = new Promise<void>((resolve) => {
      for (const [execution, code] of [
        ["waits", "await new Promise(() => {});"],
        ["spins", "await null; for (;;) {}"],
      ] as const)
        void run(execution, code).then((ending) => resolve(void told.push(ending)));
    });
    await ended;
    // That one of them is over is certain; which, is found out by running each alone.
    expect(told).toMatchObject([{ reason: "cpu", alsoInside: ["spins"] }]);
  });

  test("nothing is looked at while nothing is inside", async () => {
    const { run } = poolOf();
    const setInterval = vi.spyOn(globalThis, "setInterval");
    const clearInterval = vi.spyOn(globalThis, "clearInterval");
    await run("one", "return 0;");
    const timers = setInterval.mock.results.map(({ value }) => value as unknown);
    expect(timers).toHaveLength(1);
    await vi.waitFor(() => expect(clearInterval.mock.calls.map(([timer]) => timer as unknown)).toContain(timers[0]));
    vi.restoreAllMocks();
  });
});

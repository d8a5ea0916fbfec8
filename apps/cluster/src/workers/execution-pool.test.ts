import { existsSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { LoadedApplication } from "../applications/load-application.ts";
import type { ExecutionOutput } from "./execution-frames.ts";
import type {
  ExecutionFailure,
  ExecutionPool,
  ExecutionPoolHandlers,
  ExecutionPoolOptions,
  ExecutionStart,
  WorkerAttempt,
} from "./execution-pool.ts";
import { createExecutionPool } from "./execution-pool.ts";
import { sandboxInForce } from "./sandbox.ts";
import { Bundles } from "./testing.ts";

type Ending =
  | { readonly kind: "finished"; readonly output: ExecutionOutput }
  | {
      readonly kind: "failed";
      readonly reason: ExecutionFailure;
      readonly detail: string;
      readonly alsoInside: readonly string[];
    };

const bundles = new Bundles();
let bank: LoadedApplication;
/** Runs the text `code` of its input as a function of transaction, context and import: what an attacker who took over would do. */
let open: LoadedApplication;
const pools: ExecutionPool[] = [];

beforeAll(async () => {
  bank = await bundles.bank();
  const wrapped = '"return (async () => {" + code + "})()"';
  const handler = `(transaction, { code }, context) =>
    new Function("transaction", "context", "load", ${wrapped})(transaction, context, (name) => import(name))`;
  open = await bundles.probe({ handler });
});
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));
afterAll(() => bundles.remove());

/** Provided by the test itself, when what it waits for has happened. */
const LATE = "thing/late";

/** A pool whose objects come from `state`, with one promise for each execution. */
function poolOf(
  application: LoadedApplication,
  state: Record<string, unknown> = {},
  { onAttempt = () => {}, ...options }: Partial<ExecutionPoolOptions> & Pick<ExecutionPoolHandlers, "onAttempt"> = {},
) {
  const endings = new Map<string, (ending: Ending) => void>();
  const reads: string[] = [];
  const end = (execution: string, ending: Ending): void => endings.get(execution)?.(ending);
  const pool = createExecutionPool({
    application,
    workers: 1,
    ...options,
    handlers: {
      onAttempt,
      onRead: (execution, object) => {
        reads.push(object);
        if (object !== LATE) pool.provide(execution, object, state[object] ?? null);
      },
      onFinished: (execution, output) => end(execution, { kind: "finished", output }),
      onFailed: (execution, reason, detail, alsoInside) =>
        end(execution, { kind: "failed", reason, detail, alsoInside }),
    },
  });
  pools.push(pool);
  let executions = 0;
  const run = (operation: string, input: unknown, start: Partial<ExecutionStart> = {}): Promise<Ending> => {
    const execution = start.execution ?? `execution-${++executions}`;
    const context = { principal: "alice", now: 1_000, seed: "5eed", requestId: "r" };
    return new Promise((resolve) => {
      endings.set(execution, resolve);
      pool.start({ execution, operation, input, context, provided: {}, ...start });
    });
  };
  const probe = (code: string, start: Partial<ExecutionStart> = {}) =>
    run("probe", { name: "a", code }, { deadlineMs: 10_000, ...start });
  return { pool, run, probe, reads };
}

const bodyOf = (ending: Ending): unknown => (ending.kind === "finished" ? ending.output.reply.body : ending);
const account = (checking: number) => ({ holder: "Amara Okafor", checking, savings: 0 });
const attack: unknown = JSON.parse(
  readFileSync(new URL("../../../../examples/bank/attacks/import-statement.json", import.meta.url), "utf8"),
);

const isAlive = (pid: number | undefined): boolean => pid !== undefined && existsSync(`/proc/${pid}`);

describe("requests", () => {
  test("a transfer reads what was not provided and gives back its writes", async () => {
    const { run, reads } = poolOf(bank, { "account/2": account(10) });
    const ending = await run("transfer", { from: 1, to: 2, amount: 30 }, { provided: { "account/1": account(100) } });
    expect(ending).toEqual({
      kind: "finished",
      output: {
        reply: { status: 200, body: { from: 1, to: 2, amount: 30, checking: 70 } },
        reads: ["account/1", "account/2"],
        writes: [
          { object: "account/1", value: account(70) },
          { object: "account/2", value: account(40) },
        ],
      },
    });
    expect(reads).toEqual(["account/2"]);
  });

  test("a refusal is a reply without writes", async () => {
    const { run } = poolOf(bank, { "account/1": account(1), "account/2": account(1) });
    const ending = await run("transfer", { from: 1, to: 2, amount: 30 });
    expect(ending).toMatchObject({
      kind: "finished",
      output: { reply: { status: 422, body: { type: "urn:redoubt:bank:insufficient-funds" } }, writes: [] },
    });
  });

  test("many requests run at the same time in one worker", async () => {
    const { probe } = poolOf(open);
    const waiting = probe('const value = await transaction.get("thing/slow"); return value;', {
      provided: { "thing/slow": 1 },
    });
    const others = Array.from({ length: 200 }, (_, index) => probe(`return ${index};`));
    expect((await Promise.all(others)).map(bodyOf)).toEqual(others.map((_, index) => index));
    expect(bodyOf(await waiting)).toBe(1);
  });

  test("the context is the same on every attempt, and its ids differ by label and request", async () => {
    const { probe } = poolOf(open);
    const code = 'return [context.principal, context.now, context.id("a"), context.id("b")];';
    const [first, second] = [await probe(code), await probe(code)];
    expect(bodyOf(first)).toEqual(bodyOf(second));
    const [principal, now, a, b] = bodyOf(first) as unknown[];
    expect([principal, now]).toEqual(["alice", 1_000]);
    expect(a).toMatch(/^[0-9a-f]{32}$/);
    expect(a).not.toBe(b);
  });

  test("set, create and append are buffered and seen by later reads", async () => {
    const { probe } = poolOf(open, { "thing/list": [1] });
    const code = `
      await transaction.append("thing/list", 2);
      await transaction.create("thing/new", { a: 1 });
      transaction.set("thing/new", { a: 2 });
      const failure = await transaction.create("thing/list", 0).catch((error) => error.message);
      return [await transaction.get("thing/list"), await transaction.get("thing/new"), failure];`;
    const ending = await probe(code);
    expect(bodyOf(ending)).toEqual([[1, 2], { a: 2 }, "thing/list exists already"]);
    expect(ending).toMatchObject({
      output: {
        writes: [
          { object: "thing/list", value: [1, 2] },
          { object: "thing/new", value: { a: 2 } },
        ],
      },
    });
  });

  test("any other throw fails only that execution", async () => {
    const { probe } = poolOf(open);
    const failed = await probe('throw new TypeError("broken");');
    expect(failed).toEqual({ kind: "failed", reason: "thrown", detail: "TypeError: broken", alsoInside: [] });
    expect(bodyOf(await probe("return 1;"))).toBe(1);
  });

  test("a cancelled execution is not reported", async () => {
    const { pool, probe } = poolOf(open);
    const reported = probe('return await transaction.get("thing/never");', { execution: "cancelled" });
    pool.cancel("cancelled");
    expect(bodyOf(await probe("return 2;"))).toBe(2);
    expect(await Promise.race([reported, Promise.resolve("silent")])).toBe("silent");
  });
});

describe("what a crafted request does to a worker", () => {
  test("the attack pollutes the process for the next request, but not a disposable one", async () => {
    const { run } = poolOf(bank, { "account/7": account(100_000), "account/8": account(100_000) });
    const innocent = { customer: 8, lines: [] };
    expect(bodyOf(await run("import-statement", innocent))).toMatchObject({ checking: 100_000 });
    expect(bodyOf(await run("import-statement", attack))).toMatchObject({ checking: 5_097_500 });
    expect(bodyOf(await run("import-statement", innocent))).toMatchObject({ checking: 5_100_000 });
    expect(bodyOf(await run("import-statement", innocent, { disposable: true }))).toMatchObject({ checking: 100_000 });
  });

  test("a disposable worker is used once and ends", async () => {
    const { pool, probe } = poolOf(open);
    const code = "globalThis.seen = (globalThis.seen ?? 0) + 1; return globalThis.seen;";
    expect(bodyOf(await probe(code, { disposable: true }))).toBe(1);
    expect(bodyOf(await probe(code, { disposable: true }))).toBe(1);
    expect(pool.status().workers.filter(({ role }) => role !== "spare")).toHaveLength(1);
  });
});

describe("limits", () => {
  test("a worker that spins is ended at its deadline, with all inside it, and replaced", async () => {
    const { pool, probe } = poolOf(open);
    await probe("return 0;");
    const [pid] = pool.status().workers.map((worker) => worker.pid);
    const bystander = probe('return await transaction.get("thing/x");', { execution: "bystander" });
    await bystander;
    const startedAt = performance.now();
    const spinning = await probe("for (;;) {}", { deadlineMs: 300 });
    expect(spinning).toMatchObject({ kind: "failed", reason: "timeout", detail: "no reply within 300 ms" });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(bodyOf(await probe("return 1;"))).toBe(1);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false));
  });

  test("executions beside the one that missed its deadline are named with it, once", async () => {
    const { probe } = poolOf(open);
    await probe("return 0;");
    const first = probe("await new Promise(() => {}); return 1;", { execution: "first", deadlineMs: 10_000 });
    const second = await probe("for (;;) {}", { execution: "second", deadlineMs: 300 });
    expect(second).toMatchObject({ reason: "timeout", alsoInside: ["first"] });
    expect(await Promise.race([first, Promise.resolve("silent")])).toBe("silent");
  });

  test("a worker that dies is reported as a crash and replaced", async () => {
    const { probe } = poolOf(open);
    expect(await probe("process.exit(3);")).toMatchObject({
      reason: "crash",
      detail: "the worker process ended with code 3",
    });
    expect(bodyOf(await probe("return 1;"))).toBe(1);
  });

  test("a worker that takes too much memory dies alone", async () => {
    const { probe } = poolOf(open, {}, { memoryMegabytes: 48 });
    const hungry = await probe("const all = []; for (;;) all.push(new Array(1e5).fill(1.5));", { deadlineMs: 15_000 });
    expect(hungry).toMatchObject({ kind: "failed", reason: "crash" });
    expect(bodyOf(await probe("return 1;"))).toBe(1);
  });

  test("an output beyond the limit fails, said by the worker or forged", async () => {
    const { probe } = poolOf(open, {}, { outputBytesMax: 10_000 });
    expect(await probe('return "x".repeat(20_000);')).toMatchObject({ reason: "oversize", alsoInside: [] });
    const forged =
      'const { writeSync } = await load("node:fs"); for (;;) { try { writeSync(3, "x".repeat(8192)); } catch {} }';
    expect(await probe(forged)).toMatchObject({ kind: "failed", reason: "oversize" });
    expect(bodyOf(await probe("return 1;"))).toBe(1);
  });

  test("a worker that says what no worker says is ended", async () => {
    const { probe } = poolOf(open);
    const forged = '(await load("node:fs")).writeSync(3, "{}\\n"); await new Promise(() => {});';
    expect(await probe(forged)).toMatchObject({
      reason: "crash",
      detail: "the worker process sent what no worker sends",
    });
  });

  test("a worker that starts threads without end is held to its limit, and only it is concerned", async () => {
    const { probe } = poolOf(open);
    const bomb = `
      const { Worker } = await load("node:worker_threads");
      for (;;) new Worker("for (;;) {}", { eval: true });`;
    expect(await probe(bomb)).toMatchObject({ kind: "failed", reason: "thrown" });
    expect(bodyOf(await probe("return 1;"))).toBe(1);
  });

  test("buffers outside of every heap are bounded where the kernel can, and only the worker is concerned", async () => {
    const { probe } = poolOf(open, {}, { memoryMegabytes: 48 });
    const code = `
      const all = [];
      for (let index = 0; index < 200; index++) all.push(Buffer.alloc(8_000_000, 1));
      return all.length;`;
    const ending = await probe(code);
    if (sandboxInForce().resourceLimits) expect(ending).toMatchObject({ kind: "failed" });
    else expect(bodyOf(ending)).toBe(200);
    expect(bodyOf(await probe("return 1;"))).toBe(1);
  });

  test("an execution that reads without end is ended", async () => {
    const { probe, reads } = poolOf(open);
    const code = 'for (let index = 0; ; index++) await transaction.get("thing/" + index);';
    expect(await probe(code)).toMatchObject({ kind: "failed", reason: "oversize", detail: "more than 512 reads" });
    expect(reads.length).toBe(512);
  });

  test("computation that an execution leaves behind ends its worker, and is told", async () => {
    const attempts: WorkerAttempt[] = [];
    const { pool, probe } = poolOf(open, {}, { onAttempt: (attempt) => attempts.push(attempt) });
    await probe("return 0;");
    const [busy] = pool.status().workers.map(({ pid }) => pid);
    await probe("setInterval(() => { for (const end = Date.now() + 900; Date.now() < end; ); }, 1); return 0;");
    await vi.waitFor(() => expect(isAlive(busy)).toBe(false), { timeout: 20_000, interval: 100 });
    expect(attempts).toMatchObject([{ act: "computation", witness: "shell", requestId: null }]);
    expect(bodyOf(await probe("return 1;"))).toBe(1);
  });

  test("requests in other workers go on when one dies, and a warm one takes its place", async () => {
    const { pool, probe } = poolOf(open, {}, { workers: 2 });
    await Promise.all([probe("return 0;"), probe("return 0;")]);
    await vi.waitFor(() => expect(pool.status().workers.filter(({ ready }) => ready)).toHaveLength(3), {
      timeout: 10_000,
    });
    const spare = pool.status().workers.find(({ role }) => role === "spare")?.pid;
    const waiting = `return await transaction.get("${LATE}");`;
    const first = probe(waiting, { execution: "first" });
    const crash = probe("process.abort();");
    const second = probe(waiting, { execution: "second" });
    expect(await crash).toMatchObject({ kind: "failed", reason: "crash" });
    const now = pool.status().workers.filter(({ role }) => role === "regular");
    expect(now.map(({ pid }) => pid)).toContain(spare);
    expect(now.every(({ ready }) => ready)).toBe(true);
    pool.provide("first", LATE, 1);
    pool.provide("second", LATE, 2);
    expect([bodyOf(await first), bodyOf(await second)]).toEqual([1, 2]);
  });

  test("workers end when the pool is closed", async () => {
    const { pool, probe } = poolOf(open, {}, { workers: 2 });
    await probe("return 1;");
    const pids = pool.status().workers.map(({ pid }) => pid);
    expect(pids.every(isAlive)).toBe(true);
    await pool.close();
    await vi.waitFor(() => expect(pids.some(isAlive)).toBe(false));
  });
});

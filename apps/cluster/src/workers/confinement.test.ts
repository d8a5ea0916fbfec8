/**
 * What a worker's handler tries and may not, under every confinement that this machine can make: names of the tests say
 * which. Under each it gets nothing, and each attempt is told with the request in which it was made.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { LoadedApplication } from "../applications/load-application.ts";
import type { ExecutionPool, WorkerAttempt } from "./execution-pool.ts";
import { createExecutionPool } from "./execution-pool.ts";
import { bubblewrapArguments, probeSandbox, SANDBOX_PROGRAMS, type Sandbox } from "./sandbox.ts";
import { isFilteredArchitecture, workerFilter } from "./seccomp/filter.ts";
import { Bundles } from "./testing.ts";

const NONE = "/nonexistent";
/** The strongest first; machines without bubblewrap or namespaces have fewer different ones. */
const sandboxes = new Map<string, Sandbox>();
for (const programs of [
  {},
  { bubblewrap: NONE },
  { bubblewrap: NONE, unshare: NONE },
  { bubblewrap: NONE, unshare: NONE, setpriv: NONE, prlimit: NONE },
]) {
  const sandbox = probeSandbox(programs);
  sandboxes.set(sandbox.inForce.description, sandbox);
}

const bundles = new Bundles();
const folder = realpathSync(mkdtempSync(join(tmpdir(), "redoubt-confinement-")));
let open: LoadedApplication;
const pools: ExecutionPool[] = [];

beforeAll(async () => {
  const wrapped = '"return (async () => {" + code + "})()"';
  const handler = `(transaction, { code }, context) =>
    new Function("transaction", "context", "load", ${wrapped})(transaction, context, (name) => import(name))`;
  open = await bundles.probe({ handler });
});
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));
afterAll(() => {
  bundles.remove();
  rmSync(folder, { recursive: true, force: true });
});

type Ending = { readonly body: unknown } | { readonly failed: string; readonly detail: string };

function poolIn(sandbox: Sandbox) {
  const attempts: WorkerAttempt[] = [];
  const endings = new Map<string, (ending: Ending) => void>();
  const pool = createExecutionPool({
    application: open,
    workers: 1,
    sandbox,
    handlers: {
      onRead: (execution, object) => pool.provide(execution, object, null),
      onFinished: (execution, { reply }) => endings.get(execution)?.({ body: reply.body }),
      onFailed: (execution, failed, detail) => endings.get(execution)?.({ failed, detail }),
      onAttempt: (attempt) => attempts.push(attempt),
    },
  });
  pools.push(pool);
  const run = (code: string, requestId = "request"): Promise<Ending> =>
    new Promise((resolve) => {
      const execution = `execution of ${requestId}`;
      endings.set(execution, resolve);
      const context = { principal: "alice", now: 1_000, seed: "5eed", requestId };
      pool.start({
        ...{ execution, operation: "probe", input: { name: "a", code }, context, provided: {}, deadlineMs: 10_000 },
      });
    });
  return { pool, run, attempts };
}

/** Threads of a worker's process, as the kernel counts them. */
const tasksOf = (pool: ExecutionPool): number => {
  const [worker] = pool.status().workers;
  return readdirSync(`/proc/${worker?.pid}/task`).length;
};

const failsWith = (statement: string): string => `
  let outcome = "done";
  try { ${statement} } catch (error) { outcome = error.code; }
  return outcome;`;
const emits = (statement: string): string =>
  `return await new Promise((resolve) => ${statement}.once("error", (error) => resolve(error.code)));`;

const tries: readonly (readonly [what: string, code: string, act: string, target: string])[] = [
  ["reads /etc/passwd", failsWith('(await load("node:fs")).readFileSync("/etc/passwd")'), "read-file", "/etc/passwd"],
  [
    "reads it by a promise",
    failsWith('await (await load("node:fs/promises")).readFile("/etc/passwd")'),
    "read-file",
    "/etc/passwd",
  ],
  [
    "reads it by a stream",
    emits('(await load("node:fs")).createReadStream("/etc/passwd")').replace(
      "return await",
      "const fs = 0; return await",
    ),
    "read-file",
    "/etc/passwd",
  ],
  ["reads who it is", failsWith('(await load("node:os")).userInfo()'), "read-file", "/etc/passwd"],
  [
    "reads this program",
    failsWith(`(await load("node:fs")).readFileSync("${import.meta.filename}")`),
    "read-file",
    ".",
  ],
  [
    "writes a file",
    failsWith('(await load("node:fs")).writeFileSync("/tmp/redoubt-x", "")'),
    "write-file",
    "/tmp/redoubt-x",
  ],
  ["opens a socket", emits('(await load("node:net")).connect(5432, "127.0.0.1")'), "network", "127.0.0.1:5432"],
  [
    "fetches",
    failsWith('await fetch("http://127.0.0.1:8081/").catch((error) => { throw error.cause })'),
    "network",
    "127.0.0.1:8081",
  ],
  ["listens", emits('(await load("node:net")).createServer().listen(0)'), "network", "listen"],
  [
    "sends a datagram",
    failsWith('(await load("node:dgram")).createSocket("udp4").send("x", 9, "127.0.0.1")'),
    "network",
    "datagram",
  ],
  ["looks a name up", failsWith('await (await load("node:dns/promises")).lookup("localhost")'), "network", "localhost"],
  ["starts a program", failsWith('(await load("node:child_process")).spawnSync("/bin/true")'), "process", "/bin/true"],
  [
    "starts a shell by a promise",
    failsWith('await (await load("node:util")).promisify((await load("node:child_process")).exec)("id")'),
    "process",
    "id",
  ],
  ["signals another process", failsWith("process.kill(process.ppid, 0)"), "signal", "process"],
  ["reads its environment", 'return process.env.DATABASE_URL ?? "ERR_ACCESS_DENIED";', "environment", "DATABASE_URL"],
  [
    "lists its environment",
    'return Object.keys(process.env).join() || "ERR_ACCESS_DENIED";',
    "environment",
    "all names",
  ],
  [
    "starts an unconfined thread",
    failsWith('new (await load("node:worker_threads")).Worker("1", { eval: true, execArgv: [] })'),
    "thread",
    "execArgv",
  ],
];

describe.each([...sandboxes])("under %s", (_, sandbox) => {
  test("every attempt gets nothing and is told with operation and request", async () => {
    const { run, attempts } = poolIn(sandbox);
    for (const [what, code, act, target] of tries) {
      // `await` inside the executor of a promise is not to be had: the module is loaded before.
      const ready = code.replace(
        /\(resolve\) => \(await load\("(\S+?)"\)\)/,
        '(resolve) => process.getBuiltinModule("$1")',
      );
      expect([what, await run(ready, what)]).toEqual([what, { body: "ERR_ACCESS_DENIED" }]);
      const told = attempts.filter(({ requestId }) => requestId === what);
      expect([what, told]).toEqual([what, [{ act, target: expect.stringContaining(target), ...witnessed(what) }]]);
    }
  });

  test("a file that is imported is not there, and that is told when nobody has caught it", async () => {
    const { run, attempts } = poolIn(sandbox);
    expect(await run('return await load("file:///etc/hosts");')).toMatchObject({ failed: "thrown" });
    expect(attempts).toEqual([{ act: "read-file", target: "/etc/hosts", ...witnessed("request") }]);
  });

  test("a thread is confined as the worker is, and what it tries is told too", async () => {
    const { run, attempts } = poolIn(sandbox);
    const thread = `
      const { parentPort } = require("node:worker_threads");
      const outcomes = [];
      try { require("node:fs").readFileSync("/etc/passwd"); } catch (error) { outcomes.push(error.code); }
      try { require("node:child_process").spawnSync("id"); } catch (error) { outcomes.push(error.code); }
      require("node:net").connect(9, "127.0.0.1").once("error", (error) => parentPort.postMessage([...outcomes, error.code]));`;
    const code = `
      const { Worker } = await load("node:worker_threads");
      const thread = new Worker(${JSON.stringify(thread)}, { eval: true });
      return await new Promise((resolve) => thread.once("message", resolve));`;
    expect(await run(code)).toEqual({ body: Array.from({ length: 3 }, () => "ERR_ACCESS_DENIED") });
    await vi.waitFor(() => expect(attempts.map(({ act }) => act)).toEqual(["read-file", "process", "network"]));
    expect(attempts.every(({ requestId, operation }) => requestId === "request" && operation === "probe")).toBe(true);
  });

  test("a polluted prototype gives a thread no way out", async () => {
    const { run } = poolIn(sandbox);
    const read =
      'try { require("node:fs").readFileSync("/etc/passwd"); r = "read"; } catch (error) { r = error.code; }';
    const code = `
      Object.prototype.execArgv = [];
      const { Worker } = await load("node:worker_threads");
      try {
        const Found = new Worker("", { eval: true }).constructor;
        const thread = new Found('let r; ${read} require("node:worker_threads").parentPort.postMessage(r)', { eval: true });
        return await new Promise((resolve) => thread.once("message", resolve));
      } catch (error) { return error.code; } finally { delete Object.prototype.execArgv; }`;
    expect(await run(code.replaceAll('"node:fs"', "`node:fs`"))).toEqual({ body: "ERR_ACCESS_DENIED" });
  });

  test("code that is not deterministic, waits and computes in threads is executed", async () => {
    const { run, attempts } = poolIn(sandbox);
    const thread =
      'const { parentPort, workerData } = require("worker_threads"); parentPort.postMessage(workerData * 2);';
    const code = `
      const { Worker } = await load("node:worker_threads");
      const { setTimeout: pause } = await load("node:timers/promises");
      const before = Date.now();
      await pause(20);
      const threads = [1, 2, 3].map((workerData) => new Worker(${JSON.stringify(thread)}, { eval: true, workerData }));
      const doubled = await Promise.all(threads.map((each) => new Promise((resolve) => each.once("message", resolve))));
      return { doubled, passed: Date.now() - before >= 19, random: Math.random() < 1 };`;
    expect(await run(code)).toEqual({ body: { doubled: [2, 4, 6], passed: true, random: true } });
    expect(attempts).toEqual([]);
  });

  test("threads end with the execution that started them", async () => {
    const { pool, run } = poolIn(sandbox);
    await run("return 0;");
    const before = tasksOf(pool);
    const code = `
      const { Worker } = await load("node:worker_threads");
      const threads = [1, 2, 3].map(() => new Worker("for (;;) {}", { eval: true }));
      await Promise.all(threads.map((each) => new Promise((resolve) => each.once("online", resolve))));
      return threads.length;`;
    expect(await run(code)).toEqual({ body: 3 });
    await vi.waitFor(() => expect(tasksOf(pool)).toBeLessThanOrEqual(before + 1), { timeout: 5_000 });
    expect(await run("return 1;")).toEqual({ body: 1 });
  });

  test("the kernel reaches as far as the description says", async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const script = join(folder, "raw.mjs");
    // No watch in it: what refuses here is the kernel or nobody.
    writeFileSync(
      script,
      `import { connect } from "node:net";
       const [port, pid] = process.argv.slice(2).map(Number);
       let signal = true;
       try { process.kill(pid, 0); } catch { signal = false; }
       const socket = connect(port, "127.0.0.1").once("connect", () => end(true)).once("error", () => end(false));
       const end = (network) => { process.stdout.write(JSON.stringify({ signal, network })); socket.destroy(); };`,
    );
    const words = [String(port), String(process.pid)];
    const {
      command,
      arguments: line,
      input,
    } = sandbox.command({
      ...{ directory: folder, script, arguments: words, memoryMegabytes: 128 },
    });
    const { stdout, status } = spawnSync(command, line, { env: {}, encoding: "utf8", ...(input && { input }) });
    server.close();
    const { networkNamespace, processNamespace, seccomp } = sandbox.inForce;
    if (seccomp) expect([status, stdout]).toEqual([159, ""]);
    else expect(JSON.parse(stdout)).toEqual({ signal: !processNamespace, network: !networkNamespace });
  });

  test("code that goes around the watch meets the kernel's filter where there is one, and that is told", async () => {
    const { run, attempts } = poolIn(sandbox);
    const code = '(await load("node:net"))._createServerHandle("127.0.0.1", 0, 4); return "listens";';
    const ending = await run(code);
    if (!sandbox.inForce.seccomp) {
      expect(attempts).toEqual([]);
      expect(ending).toEqual({ body: "listens" });
      return;
    }
    expect(ending).toMatchObject({ failed: "crash", detail: "the worker process ended with signal SIGSYS" });
    expect(attempts).toMatchObject([
      { act: "system-call", witness: "kernel", operation: "probe", requestId: "request" },
    ]);
    expect(await run("return 1;")).toEqual({ body: 1 });
  });
});

const witnessed = (requestId: string) => ({ witness: "worker", operation: "probe", requestId });

test("inside bubblewrap the filter is in force for every system call it names, seen from the machine", () => {
  const { bubblewrap } = SANDBOX_PROGRAMS;
  const inForce = probeSandbox().inForce;
  if (!inForce.seccomp || !isFilteredArchitecture(process.arch)) {
    expect(inForce.description).toMatch(/bubblewrap is not available|not filtered/);
    return;
  }
  const inside = (code: string) =>
    spawnSync(
      bubblewrap,
      [...bubblewrapArguments([process.execPath]), "--seccomp", "0", "--", process.execPath, "-e", code],
      {
        env: {},
        encoding: "utf8",
        input: workerFilter(process.arch as "x64"),
      },
    );
  const status = inside('process.stdout.write(require("fs").readFileSync("/proc/self/status", "utf8"))').stdout;
  expect(status).toMatch(/^Seccomp:\t2$/m);
  expect(status).toMatch(/^CapEff:\t0+$/m);
  expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  expect(inside('process.stdout.write(require("fs").readdirSync("/").join())').stdout).not.toMatch(/home|root|tmp|var/);
  const etc = inside('process.stdout.write(require("fs").readdirSync("/etc").join())');
  expect(etc.stdout).toMatch(/^(ld\.so\.cache)?$/);
  expect(inside('require("child_process").spawnSync("/usr/bin/node")').status).toBe(159);
  expect(inside('require("dgram").createSocket("udp4").bind(0)').status).toBe(159);
  expect(inside('process.stdout.write(String(Object.keys(require("os").networkInterfaces()).length))').status).not.toBe(
    159,
  );
});

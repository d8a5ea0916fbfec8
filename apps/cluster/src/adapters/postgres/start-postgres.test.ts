import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { processesWorkingIn, signalProcess, waitForEnd } from "./processes.ts";
import { type RunningPostgres, type StartPostgresOptions, startPostgres } from "./start-postgres.ts";
import { makeTestFolder, removeTestFolder } from "./test-folders.ts";
import { postgresUserIds } from "./unprivileged-user.ts";

const timeoutMs = 120_000;
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, timeoutMs);

async function temporaryDirectory(): Promise<string> {
  const directory = await makeTestFolder();
  cleanups.push(() => removeTestFolder(directory));
  return directory;
}

async function start(options: Partial<StartPostgresOptions> & { dataDirectory: string }): Promise<RunningPostgres> {
  const running = await startPostgres({ port: 0, databases: ["bank"], ...options });
  cleanups.push(async () => {
    await running.stop();
    if (running.dataDirectory !== options.dataDirectory) await removeTestFolder(running.dataDirectory);
  });
  return running;
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** kill -9 of the postmaster and all its helpers at once, as when a whole machine goes. */
async function killEverything(postgres: RunningPostgres): Promise<void> {
  const all = await processesWorkingIn(join(postgres.dataDirectory, "cluster"), await postgresUserIds());
  expect(all.map(({ pid }) => pid)).toContain(postgres.pid);
  for (const each of all) signalProcess(each, "SIGKILL");
  for (const each of all) expect(await waitForEnd(each, 10_000)).toBe(true);
}

describe("a started instance", () => {
  test("runs with full durability, as an ordinary user, and only on the loopback address", {
    timeout: timeoutMs,
  }, async () => {
    const pids: number[] = [];
    const directory = await temporaryDirectory();
    // What is made on the way to it is no obstacle to that user either.
    const dataDirectory = join(directory, "postgres", "master-1");
    const postgres = await start({ dataDirectory, onPid: (pid) => pids.push(pid), name: "master-1" });
    expect(postgres).toMatchObject({ adopted: false, dataDirectory });
    expect(pids).toEqual([postgres.pid]);
    const settings = await query<{ name: string; setting: string }>(
      postgres.url("bank"),
      `SELECT name, setting FROM pg_settings
        WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'autovacuum', 'listen_addresses', 'cluster_name')`,
    );
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: "on",
      synchronous_commit: "on",
      full_page_writes: "on",
      autovacuum: "on",
      listen_addresses: "127.0.0.1",
      cluster_name: "master-1",
    });
    const status = await readFile(`/proc/${postgres.pid}/status`, "utf8");
    expect(status).not.toMatch(/^Uid:\s+0\s/m);
  });

  test("refuses a wrong password", { timeout: timeoutMs }, async () => {
    const postgres = await start({ dataDirectory: join(await temporaryDirectory(), "pg") });
    const url = new URL(postgres.url("bank"));
    url.password = "guessed";
    await expect(query(String(url), "SELECT 1")).rejects.toThrow(/password authentication failed/);
  });

  test("on a taken port, fails at once and names the port", { timeout: timeoutMs }, async () => {
    const directory = await temporaryDirectory();
    const first = await start({ dataDirectory: join(directory, "one") });
    await expect(start({ dataDirectory: join(directory, "two"), port: first.port })).rejects.toThrow(
      new RegExp(`port ${first.port} ended while starting[^]*Address already in use`),
    );
  });

  test("five can be started at the same time", { timeout: timeoutMs }, async () => {
    const directory = await temporaryDirectory();
    const names = ["master-1", "master-2", "master-3", "manager", "auth"];
    const started = await Promise.all(
      names.map((name) => start({ dataDirectory: join(directory, name), name, databases: [name] })),
    );
    expect(new Set(started.map(({ pid }) => pid)).size).toBe(5);
    for (const [index, postgres] of started.entries()) {
      expect(await query(postgres.url(names[index] ?? ""), "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    }
  });
});

describe("after kill -9", () => {
  test("of the whole tree under load, every acknowledged row is there", { timeout: timeoutMs }, async () => {
    const dataDirectory = join(await temporaryDirectory(), "pg");
    const postgres = await start({ dataDirectory });
    await query(postgres.url("bank"), "CREATE TABLE deposit (id int PRIMARY KEY)");
    const acknowledged: number[] = [];
    const writers = [0, 1, 2, 3].map(async (writer) => {
      const client = new pg.Client({ connectionString: postgres.url("bank") });
      client.on("error", () => undefined);
      await client.connect();
      try {
        for (let id = writer; ; id += 4) {
          await client.query("INSERT INTO deposit VALUES ($1)", [id]);
          acknowledged.push(id);
        }
      } catch {
        await client.end().catch(() => undefined);
      }
    });
    await expect.poll(() => acknowledged.length, { timeout: 30_000 }).toBeGreaterThan(200);
    await killEverything(postgres);
    await Promise.all(writers);

    const again = await start({ dataDirectory, port: postgres.port });
    expect(again).toMatchObject({ adopted: false, port: postgres.port });
    const rows = await query<{ id: number }>(again.url("bank"), "SELECT id FROM deposit");
    const found = new Set(rows.map(({ id }) => id));
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
  });

  test("of the postmaster alone, its helpers are waited for and a new one starts", { timeout: timeoutMs }, async () => {
    const dataDirectory = join(await temporaryDirectory(), "pg");
    const postgres = await start({ dataDirectory });
    process.kill(postgres.pid, "SIGKILL");
    const again = await start({ dataDirectory, port: postgres.port });
    expect(again.adopted).toBe(false);
    expect(await query(again.url("bank"), "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  test("a lock file that names somebody else's process does not keep it from starting", {
    timeout: timeoutMs,
  }, async () => {
    const dataDirectory = join(await temporaryDirectory(), "pg");
    const postgres = await start({ dataDirectory });
    const lockFile = join(postgres.dataDirectory, "cluster/postmaster.pid");
    const lines = (await readFile(lockFile, "utf8")).split("\n");
    await killEverything(postgres);
    await writeFile(lockFile, [String(process.pid), ...lines.slice(1)].join("\n"));
    const again = await start({ dataDirectory, port: postgres.port });
    expect(again.adopted).toBe(false);
  });
});

describe("an orphan", () => {
  test("survives the kill -9 of its owner and is adopted by the next", { timeout: timeoutMs }, async () => {
    const dataDirectory = join(await temporaryDirectory(), "pg");
    const module = fileURLToPath(new URL("./start-postgres.ts", import.meta.url));
    const owner = `
      import { startPostgres } from ${JSON.stringify(module)};
      const { port } = await startPostgres({ dataDirectory: ${JSON.stringify(dataDirectory)}, port: 0, databases: [] });
      console.log(port);
      setInterval(() => undefined, 1000);`;
    const parameters = ["--import", "tsx", "--input-type=module", "--eval", owner];
    const child = spawn(process.execPath, parameters, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    child.kill("SIGKILL");
    await once(child, "exit");

    const pids: number[] = [];
    const onPid = (pid: number) => pids.push(pid);
    const adopted = await start({ dataDirectory, port: Number(line), databases: ["late"], onPid });
    expect(adopted).toMatchObject({ adopted: true, port: Number(line) });
    expect(pids).toEqual([adopted.pid]);
    expect(adopted.isAlive()).toBe(true);
    expect(await query(adopted.url("late"), "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await adopted.stop();
    expect(adopted.isAlive()).toBe(false);
  });

  test("on another port than the wanted one is stopped and started again there", { timeout: timeoutMs }, async () => {
    const dataDirectory = join(await temporaryDirectory(), "pg");
    const postgres = await start({ dataDirectory });
    const other = await start({ dataDirectory: join(await temporaryDirectory(), "pg") });
    await other.stop(); // its port is free now
    const moved = await start({ dataDirectory, port: other.port });
    expect(moved).toMatchObject({ adopted: false, port: other.port });
    expect(postgres.isAlive()).toBe(false);
  });
});

describe("below a folder that only its owner may enter", () => {
  /** Root runs Postgres as somebody else, who cannot enter; everybody else runs it themselves. */
  const isKeptElsewhere = process.getuid?.() === 0;

  test("data is kept where Postgres can get, which is said and found again", { timeout: timeoutMs }, async () => {
    const closed = await temporaryDirectory();
    await chmod(closed, 0o700);
    const dataDirectory = join(closed, "data", "pg");
    const lines: string[] = [];
    const postgres = await start({ dataDirectory, onLog: (line) => lines.push(line) });
    if (isKeptElsewhere) {
      expect(postgres.dataDirectory).toMatch(/^\/var\/tmp\/redoubt-postgres-[0-9a-f]{16}-[0-9a-f]{16}$/);
      expect(lines).toEqual([expect.stringContaining(`cannot enter ${dataDirectory}`)]);
      expect((await readFile(join(dataDirectory, "location"), "utf8")).trim()).toBe(postgres.dataDirectory);
    } else {
      expect([postgres.dataDirectory, lines]).toEqual([dataDirectory, []]);
    }
    await query(postgres.url("bank"), "CREATE TABLE kept (id int)");
    await postgres.stop();

    const again = await start({ dataDirectory });
    expect(again.dataDirectory).toBe(postgres.dataDirectory);
    expect(await query(again.url("bank"), "SELECT * FROM kept")).toEqual([]);
  });

  test("a folder deleted and made anew gets fresh data on the same port, and nothing of the old remains", {
    timeout: timeoutMs,
  }, async () => {
    const closed = await temporaryDirectory();
    await chmod(closed, 0o700);
    const dataDirectory = join(closed, "pg");
    const old = await startPostgres({ dataDirectory, port: 0, databases: ["bank"] });
    await query(old.url("bank"), "CREATE TABLE forgotten (id int)");
    await rm(dataDirectory, { recursive: true });
    await mkdir(dataDirectory);

    const fresh = await start({ dataDirectory, port: old.port });
    await expect(query(fresh.url("bank"), "SELECT * FROM forgotten")).rejects.toThrow(/does not exist/);
    expect(old.isAlive()).toBe(false);
    expect(fresh.dataDirectory !== old.dataDirectory).toBe(isKeptElsewhere);
    if (isKeptElsewhere) await expect(readFile(join(old.dataDirectory, "password"))).rejects.toThrow(/ENOENT/);
  });
});

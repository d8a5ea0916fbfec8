/**
 * The faults of drills F6–F13 (REQUIREMENTS §C): how each begins on a living cluster and how it ends. Processes are chosen
 * by their part in the cluster at that moment; only those that the data folder's records name are touched.
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { freeze, isAlive, kill, type ProcessRecord, readProcessRecord, thaw } from "../adapters/supervisor/index.ts";
import { dataLayout } from "../runtime/data-layout.ts";
import { type DrillServer, serversOf, until } from "./channel.ts";
import { endProcesses } from "./end-processes.ts";
import { findServer, LEASE_HOLDER, type Stage } from "./stage.ts";

const run = promisify(execFile);

/** A fault that has begun. */
export interface Fault {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly servers: readonly string[];
  readonly end: () => Promise<void>;
}

export interface FaultScene {
  readonly name: string;
  readonly begin: (stage: Stage) => Promise<Fault>;
  /** How long it lasts at least. */
  readonly lastsMs: number;
  /** Nobody can be served before it has ended. */
  readonly interrupts?: true;
}

interface Choice {
  readonly component: string;
  /** Where no server of that component runs. */
  readonly otherwise?: string;
  readonly role?: string;
}

type RunningServer = DrillServer & { readonly pid: number };

const HOLDER: Choice = { component: "execution-server", role: LEASE_HOLDER };
const PRIMARY: Choice = { component: "state-master", role: "primary" };
const REPLICA: Choice = { component: "state-replica" };
/** In the optimized profile acceptance tests run beside the replicas, and end with them. */
const TESTER: Choice = { component: "acceptance-test-server", otherwise: "state-replica" };
const REGULATOR: Choice = { component: "traffic-regulator" };
const ON_REQUESTS_PATH = [
  "traffic-regulator",
  "execution-server",
  "acceptance-test-server",
  "state-replica",
  "state-master",
];

const FAULTY_MS = 5_000;
const PAUSED_MS = 30_000;
const STARTED_LIMIT_MS = 40_000;

const isRunning = (server: DrillServer): server is RunningServer => server.pid !== null && server.state === "up";

async function choose(stage: Stage, { component, otherwise, role }: Choice): Promise<RunningServer> {
  const status = await stage.channel.status();
  const named = serversOf(status, component);
  const running = (named.length > 0 || otherwise === undefined ? named : serversOf(status, otherwise)).filter(
    isRunning,
  );
  const found = running.find((server) => role === undefined || server.role === role);
  if (!found) throw new Error(`no ${component} ${role === undefined ? "runs" : `has the role "${role}"`}`);
  return found;
}

function recordOf(stage: Stage, name: string): ProcessRecord {
  const record = readProcessRecord(dataLayout(stage.data).run, name);
  if (!record || !isAlive(record)) throw new Error(`${name} is not recorded as running`);
  return record;
}

async function awaitOther(stage: Stage, { name, pid }: RunningServer): Promise<void> {
  const other = await until(STARTED_LIMIT_MS, async () => {
    const now = findServer(await stage.channel.status(), name);
    return now !== undefined && isRunning(now) && now.pid !== pid ? true : undefined;
  });
  if (!other) throw new Error(`${name} was not replaced`);
}

/** The server's next process runs in such surroundings, until the fault ends. */
const surrounded = (choice: Choice, words: string): FaultScene => ({
  name: `${choice.component}${choice.role ? ` (${choice.role})` : ""}: ${words}`,
  lastsMs: FAULTY_MS,
  async begin(stage) {
    const server = await choose(stage, choice);
    await stage.channel.order({ kind: "replaceServer", server: server.name, entry: `drills/faulty.js ${words}` });
    await awaitOther(stage, server);
    return {
      at: Date.now(),
      servers: [server.name],
      async end() {
        const now = findServer(await stage.channel.status(), server.name);
        await stage.channel.order({ kind: "restoreServer", server: server.name });
        if (now && isRunning(now)) await awaitOther(stage, now);
      },
    };
  },
});

const paused = (choice: Choice): FaultScene => ({
  name: `${choice.component} (${choice.role}) paused`,
  lastsMs: PAUSED_MS,
  async begin(stage) {
    const { name } = await choose(stage, choice);
    const record = recordOf(stage, name);
    freeze(record);
    // It may have been replaced and ended meanwhile: then there is nobody to wake.
    return { at: Date.now(), servers: [name], end: async () => void thaw(record) };
  },
});

const killed = (choice: Choice): FaultScene => ({
  name: `${choice.component} killed`,
  lastsMs: 0,
  async begin(stage) {
    const server = await choose(stage, choice);
    const at = endProcesses(stage.data, [server]);
    return { at, servers: [server.name], end: () => awaitOther(stage, server) };
  },
});

/** The Postgres of a master that is not the primary, as its keeper recorded it. */
async function chooseDatabase(stage: Stage): Promise<{ readonly master: string; readonly database: string }> {
  const masters = serversOf(await stage.channel.status(), "state-master").filter(isRunning);
  const backup = masters.find(({ role }) => role !== PRIMARY.role);
  if (!backup) throw new Error("there is no master besides the primary");
  return { master: backup.name, database: `master-${backup.name.replace(/^.*-/, "")}` };
}

async function awaitDatabase(stage: Stage, database: string, before: ProcessRecord): Promise<void> {
  const other = await until(STARTED_LIMIT_MS, () => {
    const record = readProcessRecord(dataLayout(stage.data).run, `postgres-${database}`);
    return record && record.pid !== before.pid && isAlive(record) ? true : undefined;
  });
  if (!other) throw new Error(`the database ${database} was not started again`);
}

const databaseKilled: FaultScene = {
  name: "a master's database killed",
  lastsMs: 0,
  async begin(stage) {
    const { master, database } = await chooseDatabase(stage);
    const record = recordOf(stage, `postgres-${database}`);
    kill(record);
    return { at: Date.now(), servers: [master], end: () => awaitDatabase(stage, database, record) };
  },
};

/** Where an instance keeps its files (adapters/postgres/data-folder.ts). */
function databaseFolder(stage: Stage, database: string): string {
  const wanted = dataLayout(stage.data).postgres(database);
  const pointer = join(wanted, "location");
  return join(existsSync(pointer) ? readFileSync(pointer, "utf8").trim() : wanted, "cluster");
}

/** While its master stands still a database does not come back: its files can be changed. */
async function withoutDatabase(stage: Stage, master: string, database: string, work: () => Promise<unknown>) {
  const [keeper, before] = [recordOf(stage, master), recordOf(stage, `postgres-${database}`)];
  freeze(keeper);
  try {
    kill(before);
    await until(STARTED_LIMIT_MS, () => (isAlive(before) ? undefined : true));
    await work();
  } finally {
    thaw(keeper);
  }
  await awaitDatabase(stage, database, before);
}

/** A copy is made; what is decided meanwhile is not in it; then the copy takes the place of the files. */
const databaseFromOldCopy: FaultScene = {
  name: "a master's database restored from an old copy",
  lastsMs: FAULTY_MS,
  async begin(stage) {
    const { master, database } = await chooseDatabase(stage);
    const folder = databaseFolder(stage, database);
    const copy = `${folder}.drill-copy`;
    const at = Date.now();
    await rm(copy, { recursive: true, force: true });
    await withoutDatabase(stage, master, database, () => run("cp", ["-a", folder, copy]));
    return {
      at,
      servers: [master],
      async end() {
        await withoutDatabase(stage, master, database, async () => {
          await rm(folder, { recursive: true });
          await run("mv", [copy, folder]);
        });
      },
    };
  },
};

/** Every server and database on a request's path at once; manager and agents are left to watch. */
const everything: FaultScene = {
  name: "every server and every master's database at once",
  lastsMs: 0,
  interrupts: true,
  async begin(stage) {
    const status = await stage.channel.status();
    const servers = ON_REQUESTS_PATH.flatMap((component) => serversOf(status, component)).filter(isRunning);
    const databases = servers
      .filter(({ component }) => component === "state-master")
      .flatMap(
        ({ name }) =>
          readProcessRecord(dataLayout(stage.data).run, `postgres-master-${name.replace(/^.*-/, "")}`) ?? [],
      );
    for (const record of databases) kill(record);
    const at = endProcesses(stage.data, servers);
    const end = async (): Promise<void> => void (await Promise.all(servers.map((server) => awaitOther(stage, server))));
    return { at, servers: servers.map(({ name }) => name), end };
  },
};

/** By the drill's name. */
export const FAULTS: Readonly<Record<string, readonly FaultScene[]>> = {
  F6: [killed(TESTER)],
  F7: [
    surrounded(REPLICA, "links mute"),
    surrounded(REPLICA, "links cut"),
    surrounded(PRIMARY, "links mute"),
    surrounded(HOLDER, "links cut"),
  ],
  F8: [REPLICA, PRIMARY, HOLDER, REGULATOR].map((choice) => surrounded(choice, "links lossy")),
  F9: [paused(HOLDER), paused(PRIMARY)],
  F10: [
    surrounded(REPLICA, "clock ahead"),
    surrounded(PRIMARY, "clock behind"),
    surrounded(HOLDER, "clock fast"),
    surrounded(REGULATOR, "clock behind"),
    surrounded(REGULATOR, "clock ahead"),
  ],
  F11: [
    ...["slow", "short", "full", "error", "flip"].map((how) => surrounded(REPLICA, `disk ${how}`)),
    surrounded(PRIMARY, "disk slow"),
    surrounded(PRIMARY, "disk full"),
  ],
  F12: [databaseKilled, databaseFromOldCopy],
  F13: [everything],
};

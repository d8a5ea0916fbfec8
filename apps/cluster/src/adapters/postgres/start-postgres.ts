/**
 * Starts a real Postgres of our own for one data folder, or adopts the one that is already running there because its
 * owner was killed and it was not. Durability is never traded: fsync and synchronous commit are on.
 *
 * It listens on 127.0.0.1 only, with a password, on no socket file. It does not watch the instance afterwards; that is
 * the DatabaseKeeper's work.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { open, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type DataFolder, postgresEnvironment, prepareDataFolder, preparedDataFolder } from "./data-folder.ts";
import { answers, connectionUrl, createDatabases, freePort, lastLogLines, readLockFile } from "./instance-probe.ts";
import { prepareNativeFiles } from "./native-files.ts";
import { identify, isAlive, type ProcessIdentity, processesWorkingIn, signalProcess, waitForEnd } from "./processes.ts";
import { type PostgresSettings, settingParameters } from "./settings.ts";
import { postgresUserIds, type UserIds } from "./unprivileged-user.ts";

const startTimeoutMs = 60_000;
const logFileBytesMax = 10_000_000;
const setpriv = "/usr/bin/setpriv";

export interface StartPostgresOptions {
  /** Folder for the data; see data-folder.ts for when another one is used instead. */
  readonly dataDirectory: string;
  /** Port on 127.0.0.1; 0 lets the system choose a free one. */
  readonly port: number;
  /** Databases that must exist, created if they do not. */
  readonly databases: readonly string[];
  /** Shown in the process list, for instance `master-1`. */
  readonly name?: string;
  /** Overrides of the settings in settings.ts. */
  readonly settings?: PostgresSettings;
  /** Ends Postgres when this process dies (Linux with setpriv). Default false: a restarted owner adopts it. */
  readonly dieWithParent?: boolean;
  /** Told the process id as soon as there is one, before Postgres is ready, so that it can be recorded. */
  readonly onPid?: (pid: number) => void;
  /** Told, in sentences, what an administrator should know. */
  readonly onLog?: (line: string) => void;
}

export interface RunningPostgres {
  /** Connection URL of one of its databases. */
  url(database: string): string;
  readonly port: number;
  readonly pid: number;
  /** True if it was running already. */
  readonly adopted: boolean;
  /** Where its data is: the wanted folder or its substitute. */
  readonly dataDirectory: string;
  isAlive(): boolean;
  /** Ends it: politely, then less so. Everything acknowledged is on disk in any case. */
  stop(): Promise<void>;
}

interface Instance {
  readonly process: ProcessIdentity;
  readonly port: number;
  readonly adopted: boolean;
}

/**
 * @throws Error if it is not ready within 60 s, or at once when it cannot become ready (port taken, damaged data); the
 *   message holds the last lines of its log
 */
export async function startPostgres(options: StartPostgresOptions): Promise<RunningPostgres> {
  const onLog = options.onLog ?? (() => undefined);
  const ids = await postgresUserIds();
  const prepared = await preparedDataFolder(options.dataDirectory, ids).catch(() => undefined);
  const running = prepared && (await adoptServing(prepared, options));
  const { folder, instance } =
    prepared && running ? { folder: prepared, instance: running } : await adoptOrLaunch(ids, options, onLog);
  const url = (database: string) => connectionUrl(folder, instance.port, database);
  // One that answered as that very database need not be asked again.
  if (!running || options.databases.length > 1) await createDatabases(url("postgres"), options.databases);
  return {
    url,
    port: instance.port,
    pid: instance.process.pid,
    adopted: instance.adopted,
    dataDirectory: folder.path,
    isAlive: () => isAlive(instance.process),
    stop: () => stopPostgres(instance.process),
  };
}

/** A Postgres of this very folder that answers needs no further looking: most starts of an owner find one. */
async function adoptServing(folder: DataFolder, options: StartPostgresOptions): Promise<Instance | undefined> {
  const lock = await readLockFile(folder);
  if (lock === undefined || !lock.ready || (options.port !== 0 && lock.port !== options.port)) return undefined;
  const postmaster = identify(lock.pid);
  if (!isAlive(postmaster) || !(await answers(folder, lock.port, options.databases[0]))) return undefined;
  options.onPid?.(lock.pid);
  return { process: postmaster, port: lock.port, adopted: true };
}

async function adoptOrLaunch(ids: UserIds, options: StartPostgresOptions, onLog: (line: string) => void) {
  // Both ask other processes; side by side they take half as long.
  const native = prepareNativeFiles(ids, onLog);
  native.catch(() => undefined);
  const folder = await prepareDataFolder(options.dataDirectory, native, ids, onLog);
  const instance = (await adopt(folder, ids, options)) ?? (await launch(folder, await native, ids, options));
  return { folder, instance };
}

/**
 * Takes over what a dead owner left: a running Postgres on the wanted port. One on another port is stopped; remains of a
 * killed one (its helpers, its lock file) are cleared away so that a new one can start.
 */
async function adopt(folder: DataFolder, ids: UserIds, options: StartPostgresOptions): Promise<Instance | undefined> {
  const lock = await readLockFile(folder);
  const found = await processesWorkingIn(folder.cluster, ids);
  const postmaster = found.find(({ pid }) => pid === lock?.pid) ?? withoutProcFileSystem(lock?.pid);
  if (lock !== undefined && postmaster !== undefined) {
    if (options.port === 0 || lock.port === options.port) {
      options.onPid?.(lock.pid);
      const end = performance.now() + startTimeoutMs;
      while (isAlive(postmaster) && performance.now() < end) {
        if (await answers(folder, lock.port)) return { process: postmaster, port: lock.port, adopted: true };
        await delay(50);
      }
    }
    await stopPostgres(postmaster);
  }
  for (const remaining of found) {
    // Helpers of a killed Postgres notice and leave; a Postgres whose folder was deleted takes a minute, and has the port.
    if (lock !== undefined && (await waitForEnd(remaining, 2_000))) continue;
    signalProcess(remaining, "SIGKILL");
    await waitForEnd(remaining, 5_000);
  }
  // Nothing works in the folder now. A lock file left there could name a process id that somebody else has by now.
  if (process.platform === "linux") await rm(join(folder.cluster, "postmaster.pid"), { force: true });
  return undefined;
}

/** Where processes cannot be looked at, a lock file that names a living process is believed. */
function withoutProcFileSystem(pid: number | undefined): ProcessIdentity | undefined {
  if (process.platform === "linux" || pid === undefined) return undefined;
  const candidate = identify(pid);
  return isAlive(candidate) ? candidate : undefined;
}

async function launch(
  folder: DataFolder,
  native: string,
  ids: UserIds,
  options: StartPostgresOptions,
): Promise<Instance> {
  const port = options.port === 0 ? await freePort() : options.port;
  const child = await spawnPostgres(folder, native, ids, port, options);
  const pid = child.pid;
  if (pid === undefined) throw new Error(`Postgres could not be started from ${native}`);
  options.onPid?.(pid);
  const postmaster = identify(pid);
  const end = performance.now() + startTimeoutMs;
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 1.5, 200)) {
    const lock = await readLockFile(folder);
    if (lock?.pid === pid && lock.ready && (await answers(folder, port))) {
      return { process: postmaster, port, adopted: false };
    }
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`Postgres on port ${port} ended while starting:\n${await lastLogLines(folder)}`);
    }
    if (performance.now() > end) {
      await stopPostgres(postmaster);
      throw new Error(
        `Postgres on port ${port} was not ready after ${startTimeoutMs} ms:\n${await lastLogLines(folder)}`,
      );
    }
    await delay(pauseMs);
  }
}

/** In a session of its own, so that Ctrl-C in a terminal reaches only its owner; with no other inherited streams. */
async function spawnPostgres(
  folder: DataFolder,
  native: string,
  ids: UserIds,
  port: number,
  options: StartPostgresOptions,
): Promise<ChildProcess> {
  const settings: PostgresSettings = { ...options.settings, port };
  if (options.name !== undefined) settings.cluster_name = options.name;
  const program = [join(native, "bin/postgres"), "-D", folder.cluster, ...settingParameters(settings)];
  const dieWithParent = options.dieWithParent === true && existsSync(setpriv);
  const asUser = ids.uid === undefined ? [] : [`--reuid=${ids.uid}`, `--regid=${ids.gid}`, "--clear-groups"];
  const [command = "", ...parameters] = dieWithParent
    ? [setpriv, ...asUser, "--pdeathsig", "INT", ...program]
    : program;

  if (existsSync(folder.logFile) && (await stat(folder.logFile)).size > logFileBytesMax) await truncate(folder.logFile);
  const log = await open(folder.logFile, "a", 0o600);
  try {
    const child = spawn(command, parameters, {
      ...(dieWithParent ? {} : ids),
      env: postgresEnvironment,
      cwd: "/",
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    child.on("error", () => undefined); // seen as a missing process id by the caller
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

async function stopPostgres(postmaster: ProcessIdentity): Promise<void> {
  const attempts: [NodeJS.Signals, number][] = [
    ["SIGINT", 20_000],
    ["SIGQUIT", 5_000],
    ["SIGKILL", 2_000],
  ];
  for (const [signal, timeoutMs] of attempts) {
    signalProcess(postmaster, signal);
    if (await waitForEnd(postmaster, timeoutMs)) return;
  }
}

/**
 * Chooses and prepares the folder in which an instance keeps its data: `cluster/` (Postgres's own data folder), `password`
 * and `postgres.log`.
 *
 * That is the wanted folder, unless Postgres must run as a user who cannot get there (root's cluster data below /root or
 * another closed folder). Then it is a folder of its own below /var/tmp, and the file `location` in the wanted folder says
 * which. Only that file leads there: a wanted folder that was deleted and made anew gets fresh data, never the old.
 */
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, link, lstat, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { isAlive, processesWorkingIn, signalProcess, waitForEnd } from "./processes.ts";
import { canUse, type UserIds } from "./unprivileged-user.ts";

const run = promisify(execFile);
const alternativesDirectory = "/var/tmp";
const initTimeoutMs = 120_000;

/** Superuser of every instance this program creates. */
export const databaseUser = "redoubt";
/** Nothing of the caller's environment reaches Postgres. */
export const postgresEnvironment = { PATH: "/usr/bin:/bin", LANG: "C", LC_ALL: "C", TZ: "UTC" };

export interface DataFolder {
  /** The folder itself; the wanted one or its substitute. */
  readonly path: string;
  /** Postgres's data folder inside it. */
  readonly cluster: string;
  readonly password: string;
  readonly logFile: string;
}

/**
 * Chooses the folder, and runs initdb in it if it holds no data yet.
 * @param native the folder of the programs; awaited only for initdb
 */
export async function prepareDataFolder(
  wanted: string,
  native: Promise<string>,
  ids: UserIds,
  onLog: (line: string) => void,
): Promise<DataFolder> {
  const path = await chooseFolder(resolve(wanted), ids, onLog);
  if (!isInitialised(path)) await initialise(path, await native, ids);
  return openFolder(path);
}

/** The folder as somebody prepared it before; undefined when nobody did. */
export async function preparedDataFolder(wanted: string, ids: UserIds): Promise<DataFolder | undefined> {
  const pointer = join(resolve(wanted), "location");
  const path = existsSync(pointer) ? (await readFile(pointer, "utf8")).trim() : resolve(wanted);
  if (!isInitialised(path)) return undefined;
  await refuseForeignFolder(path, ids);
  return openFolder(path);
}

const isInitialised = (path: string): boolean => existsSync(join(path, "cluster", "PG_VERSION"));

async function openFolder(path: string): Promise<DataFolder> {
  const password = (await readFile(join(path, "password"), "utf8")).trim();
  return { path, cluster: join(path, "cluster"), password, logFile: join(path, "postgres.log") };
}

async function chooseFolder(wanted: string, ids: UserIds, onLog: (line: string) => void): Promise<string> {
  // Not closed like the folder itself: Postgres's user must get through what is made on the way.
  await mkdir(dirname(wanted), { recursive: true });
  await mkdir(wanted, { recursive: true, mode: 0o700 });
  const pointer = join(wanted, "location");
  if (existsSync(pointer)) {
    const chosen = (await readFile(pointer, "utf8")).trim();
    if (!existsSync(chosen))
      throw new Error(`${pointer} names ${chosen}, where this database was kept, but it is gone`);
    await refuseForeignFolder(chosen, ids);
    return chosen;
  }
  await own(wanted, ids);
  if (await canUse(wanted, ids)) return wanted;
  if (process.getuid?.() === 0) await chown(wanted, 0, 0);

  const stem = `redoubt-postgres-${createHash("sha256").update(wanted).digest("hex").slice(0, 16)}-`;
  await removeLeftovers(stem, ids);
  const chosen = join(alternativesDirectory, stem + randomBytes(8).toString("hex"));
  await mkdir(chosen, { mode: 0o700 });
  await own(chosen, ids);
  if (!(await canUse(chosen, ids))) {
    throw new Error(`the user who runs Postgres (uid ${ids.uid}) can use neither ${wanted} nor ${chosen}`);
  }
  await createFile(pointer, `${chosen}\n`, {});
  onLog(`the user who runs Postgres (uid ${ids.uid}) cannot enter ${wanted}: its data is kept in ${chosen} instead`);
  return chosen;
}

/** Substitutes of a wanted folder that was deleted since: nothing points to them any more. */
async function removeLeftovers(stem: string, ids: UserIds): Promise<void> {
  for (const name of await readdir(alternativesDirectory)) {
    const folder = join(alternativesDirectory, name);
    if (!name.startsWith(stem) || (await lstat(folder)).uid !== ids.uid) continue;
    for (const leftover of await processesWorkingIn(join(folder, "cluster"), ids)) {
      signalProcess(leftover, "SIGKILL");
      await waitForEnd(leftover, 5_000);
    }
    await rm(folder, { recursive: true, force: true });
  }
}

/** initdb works next door and the result is renamed: a killed initdb leaves nothing that looks complete. */
async function initialise(path: string, native: string, ids: UserIds): Promise<void> {
  for (const name of await readdir(path)) {
    const pid = Number(/^cluster\.new-(\d+)-/.exec(name)?.[1] ?? Number.NaN);
    if (!Number.isNaN(pid) && !isAlive({ pid, startTime: undefined }))
      await rm(join(path, name), { recursive: true, force: true });
  }
  const passwordFile = join(path, "password");
  await createFile(passwordFile, randomBytes(18).toString("base64url"), ids);
  const cluster = join(path, `cluster.new-${process.pid}-${randomBytes(4).toString("hex")}`);
  const parameters = ["-D", cluster, "-U", databaseUser, "-A", "scram-sha-256", `--pwfile=${passwordFile}`];
  await run(join(native, "bin/initdb"), [...parameters, "-E", "UTF8", "--locale=C", "--no-instructions"], {
    ...ids,
    env: postgresEnvironment,
    cwd: "/",
    timeout: initTimeoutMs,
  }).catch((error) => {
    throw new Error(`initdb failed in ${path}: ${error.stderr || error.message}`, { cause: error });
  });
  await rename(cluster, join(path, "cluster")).catch(async (error) => {
    await rm(cluster, { recursive: true, force: true });
    if (!existsSync(join(path, "cluster/PG_VERSION"))) throw error; // otherwise another process was faster
  });
}

async function own(path: string, ids: UserIds): Promise<void> {
  if (ids.uid !== undefined && ids.gid !== undefined) await chown(path, ids.uid, ids.gid);
  await chmod(path, 0o700);
}

/** A substitute folder must still be the one that was made here, not something put in its place. */
async function refuseForeignFolder(path: string, ids: UserIds): Promise<void> {
  const found = await lstat(path);
  const owner = ids.uid ?? process.getuid?.() ?? found.uid;
  if (found.isDirectory() && found.uid === owner && (found.mode & 0o077) === 0) return;
  throw new Error(`${path} is not a private folder of uid ${owner}: refusing to keep a database there`);
}

/** Writes a private file whole or not at all; one that is there already stays as it is. */
async function createFile(path: string, text: string, ids: UserIds): Promise<void> {
  if (existsSync(path)) return;
  const temporary = `${path}.${crypto.randomUUID()}`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    if (ids.uid !== undefined && ids.gid !== undefined) await file.chown(ids.uid, ids.gid);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(temporary);
  }
}

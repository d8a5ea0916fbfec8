/**
 * Small questions about operating-system processes that starting and adopting Postgres needs. On Linux they are answered
 * from /proc, so that a reused process id or an unreaped zombie is not taken for a running Postgres; elsewhere only by
 * asking whether the id exists.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { UserIds } from "./unprivileged-user.ts";

const isLinux = process.platform === "linux";
const listBytesMax = 16_000_000;

/** A process that cannot be confused with a later one of the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to its start; undefined where there is no /proc. */
  readonly startTime: number | undefined;
}

export function identify(pid: number): ProcessIdentity {
  return { pid, startTime: readStatus(pid)?.startTime };
}

/** Is that very process there, and not a zombie? Costs one system call and one small read; may be asked often. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  if (!isLinux) return true;
  const status = readStatus(pid);
  return status !== undefined && !status.isZombie && (startTime === undefined || status.startTime === startTime);
}

/** Waits until the process is gone, at most `timeoutMs`; says whether it is. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (isAlive(identity)) {
    if (performance.now() > end) return false;
    await delay(20);
  }
  return true;
}

/** Sends a signal to that very process; one that is gone already is no error. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * The living processes whose working directory is `directory`; every Postgres process works in its data folder. Those of a
 * folder of that name that was deleted under them count too.
 *
 * Asked as the user who runs Postgres, because in a container even root may not see where another user's process works.
 * Empty where there is no /proc.
 */
export async function processesWorkingIn(directory: string, ids: UserIds): Promise<ProcessIdentity[]> {
  if (!isLinux) return [];
  const pids = ids.uid === undefined ? workingInAsSelf(directory) : await workingInAs(ids, directory);
  return pids.map(identify).filter(isAlive);
}

function workingInAsSelf(directory: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && namesOf(directory).includes(workingDirectory(name) ?? ""))
    .map(Number);
}

function workingInAs(ids: UserIds, directory: string): Promise<number[]> {
  const command = "ls -l /proc/[0-9]*/cwd 2>/dev/null";
  return new Promise((resolve) => {
    // ls exits with an error as soon as one process is hidden or gone: what it did list is the answer.
    execFile("/bin/sh", ["-c", command], { ...ids, cwd: "/", maxBuffer: listBytesMax }, (_error, stdout) => {
      const ends = namesOf(directory).map((name) => ` -> ${name}`);
      const lines = stdout.split("\n").filter((line) => ends.some((end) => line.endsWith(end)));
      resolve(lines.map((line) => Number(/\/proc\/(\d+)\/cwd -> /.exec(line)?.[1])));
    });
  });
}

/** What the system calls the folder, there or deleted. */
function namesOf(directory: string): string[] {
  return [directory, `${directory} (deleted)`];
}

function workingDirectory(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // gone, a zombie, or not ours to look at
  }
}

function readStatus(pid: number): { isZombie: boolean; startTime: number } | undefined {
  if (!isLinux) return undefined;
  try {
    // The name in parentheses may hold anything, so the fields are counted from the last parenthesis: state is the 3rd
    // field of proc(5), start time the 22nd.
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { isZombie: fields[0] === "Z" || fields[0] === "X", startTime: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

/**
 * Who a process is: its pid together with the moment it started.
 *
 * A pid alone names nobody for long, because the kernel hands it out again; a command line names nobody at all, because a
 * program may rewrite its own. The kernel's record of when a process started cannot be changed from inside it, so
 * (boot, pid, start) stays one process for ever. This file only reads; it signals nothing.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What the kernel says about a live process. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat (clock ticks since boot); without /proc the start time in seconds since 1970. */
  readonly startTicks: number;
  /** The boot in which startTicks counts; empty where the system does not tell. */
  readonly bootId: string;
}

interface ProcessStat {
  readonly state: string;
  readonly startTicks: number;
}

let knownBootId: string | undefined;
let knownProcfs: boolean | undefined;

function hasProcfs(): boolean {
  knownProcfs ??= readText("/proc/self/stat") !== undefined;
  return knownProcfs;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

/** The identifier of this boot of the machine, or the empty string where there is none. */
export function currentBootId(): string {
  knownBootId ??= readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
  return knownBootId;
}

/** The second field is the program's name in parentheses and may itself hold spaces and parentheses: count from the last one. */
function parseStat(text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  const startTicks = Number(fields[19]);
  return state === undefined || !Number.isSafeInteger(startTicks) ? undefined : { state, startTicks };
}

function readStatFromPs(pid: number): ProcessStat | undefined {
  try {
    const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: "pipe",
    }).trim();
    const space = line.indexOf(" ");
    const startedAtMs = Date.parse(line.slice(space + 1));
    return Number.isNaN(startedAtMs) ? undefined : { state: line.slice(0, 1), startTicks: startedAtMs / 1000 };
  } catch {
    return undefined;
  }
}

/**
 * The identity of the live process with this pid; undefined if there is none.
 * A zombie counts as dead: it runs nothing any more and only waits for its parent to ask how it ended.
 */
export function readProcessIdentity(pid: number): ProcessIdentity | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const stat = hasProcfs() ? parseStat(readText(`/proc/${pid}/stat`) ?? "") : readStatFromPs(pid);
  if (stat === undefined || stat.state === "Z" || stat.state === "X") return undefined;
  return { pid, startTicks: stat.startTicks, bootId: currentBootId() };
}

/** True if the process that was recorded as `identity` is the one that has this pid now, and is alive. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  const now = readProcessIdentity(identity.pid);
  return now !== undefined && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** The identity of the calling process. */
export function ownProcessIdentity(): ProcessIdentity {
  const identity = readProcessIdentity(process.pid);
  if (identity === undefined)
    throw new Error("the system does not tell when this process started (neither /proc nor ps)");
  return identity;
}

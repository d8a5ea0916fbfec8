/**
 * Ending, freezing and thawing processes that are known by their record, and only those.
 *
 * Every signal is preceded by a look at the process's identity, so a pid that the kernel has given to somebody else is never hit.
 * Each process was started as the leader of a group of its own (setsid): what must not be ignored (KILL, STOP, CONT) goes to the
 * whole group, so that its workers go with it; TERM goes to the process alone, which knows in which order to take itself down.
 */
import { readProcessIdentity } from "./process-identity.ts";
import { isAlive, listProcessRecords, type ProcessRecord, removeProcessRecord } from "./process-record.ts";

const POLL_MS = 10;
/** A process in the kernel's hands (a hanging disk) may take its time to die; beyond this we report it as not ended. */
const KILL_TIMEOUT_MS = 10_000;
export const DEFAULT_GRACE_MS = 5_000;

function deliver(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Sends a signal if the recorded process lives. False if it does not. Throws EPERM if it is not ours to signal. */
export function signalProcess(record: ProcessRecord, signal: NodeJS.Signals): boolean {
  return isAlive(record) && deliver(record.pid, signal);
}

/** Sends a signal to the process and everything in its group; to it alone if it leads no group. */
export function signalGroup(record: ProcessRecord, signal: NodeJS.Signals): boolean {
  return isAlive(record) && (deliver(-record.pid, signal) || deliver(record.pid, signal));
}

/** SIGKILL to the process and its group. */
export function kill(record: ProcessRecord): boolean {
  return signalGroup(record, "SIGKILL");
}

/** SIGSTOP to the process and its group. */
export function freeze(record: ProcessRecord): boolean {
  return signalGroup(record, "SIGSTOP");
}

/** SIGCONT to the process and its group. */
export function thaw(record: ProcessRecord): boolean {
  return signalGroup(record, "SIGCONT");
}

/**
 * Kills what a process that has just ended left in its group: workers of a killed server, say.
 * The group's number stays taken as long as anybody is in it, so it can be nobody else's; if the pid has a new owner, nothing is done.
 */
export function sweepGroup(record: ProcessRecord): void {
  if (readProcessIdentity(record.pid) !== undefined) return;
  try {
    process.kill(-record.pid, "SIGKILL");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

/** Resolves true when the process is gone, false after the time limit. */
export async function waitForEnd(record: ProcessRecord, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isAlive(record)) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

/**
 * Ends a process: SIGTERM (and SIGCONT, so that a frozen one can obey), after `graceMs` SIGKILL; then what is left of its group.
 * Resolves when it is gone, with false if it survives even that; true at once if it was gone already.
 */
export async function stop(record: ProcessRecord, { graceMs = DEFAULT_GRACE_MS } = {}): Promise<boolean> {
  if (!signalProcess(record, "SIGTERM")) return true;
  thaw(record);
  const obeyed = await waitForEnd(record, graceMs);
  if (!obeyed) kill(record);
  const isGone = obeyed || (await waitForEnd(record, KILL_TIMEOUT_MS));
  if (isGone) sweepGroup(record);
  return isGone;
}

/** What endLeftovers did. */
export interface EndedLeftovers {
  readonly ended: readonly ProcessRecord[];
  /** Processes that live on although they were killed. */
  readonly surviving: readonly ProcessRecord[];
}

/**
 * Ends all recorded processes of a folder that still live, all at once, except the caller's own, and removes the records of the dead.
 * Programs that are not recorded are never touched, whatever they look like.
 */
export async function endLeftovers(
  runDirectory: string,
  { graceMs = DEFAULT_GRACE_MS }: { readonly graceMs?: number } = {},
): Promise<EndedLeftovers> {
  const records = listProcessRecords(runDirectory).filter(({ pid }) => pid !== process.pid);
  const alive = records.filter(isAlive);
  const results = await Promise.all(alive.map((record) => stop(record, { graceMs })));
  const surviving = alive.filter((_, index) => results[index] === false);
  for (const record of records) if (!surviving.includes(record)) removeProcessRecord(runDirectory, record);
  return { ended: alive.filter((_, index) => results[index] === true), surviving };
}

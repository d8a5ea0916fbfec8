/**
 * A lock file, so that two npm scripts started at once do not install or build over each other. The file names its
 * holder by process id and start time; a holder that no longer lives has left a stale lock, which is taken over.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const retryMs = 100;

/**
 * When a process was started, in the kernel's own count, which tells a process from a later one with the same id.
 * @param {number} pid
 * @returns {string} empty where the system does not say (no /proc)
 */
function startTimeOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {string} content of a lock file
 * @returns {number | undefined} the holder's process id while it lives
 */
function livingHolder(content) {
  const [pidText = "", startTime = ""] = content.trim().split(" ");
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EPERM") return undefined;
  }
  return startTimeOf(pid) === startTime ? pid : undefined;
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Moves a stale lock aside. Someone quicker may have replaced it meanwhile; then theirs is put back.
 * @param {string} path
 * @param {string} stale the content that was judged
 */
function removeStale(path, stale) {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
    if (read(aside) !== stale) linkSync(aside, path);
  } catch {
    // Somebody else removed it or took it: the next attempt looks again.
  }
  rmSync(aside, { force: true });
}

/**
 * Takes the lock by linking a finished file to its name, so that nobody ever reads a half-written one.
 * @param {string} path
 * @returns {boolean}
 */
function tryTake(path) {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startTimeOf(process.pid)}\n`);
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Runs `work` while holding the lock.
 * @template Result
 * @param {string} path of the lock file; its folder is made when missing
 * @param {(holderPid: number) => void} onWait called once when another process holds it
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function withLock(path, onWait, work) {
  mkdirSync(dirname(path), { recursive: true });
  let hasSaid = false;
  while (!tryTake(path)) {
    const content = read(path);
    const holder = content === undefined ? undefined : livingHolder(content);
    if (content !== undefined && holder === undefined) removeStale(path, content);
    if (holder !== undefined && !hasSaid) {
      hasSaid = true;
      onWait(holder);
    }
    await delay(holder === undefined ? 1 : retryMs);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * One writer for a journal: a file in its folder that names the process that writes.
 *
 * A lock left by a process that is gone is taken over, so kill -9 needs no clean-up. It keeps an old server and its replacement apart;
 * it is no defence against somebody who may write to the folder anyway.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isSameProcess, ownProcessIdentity, type ProcessIdentity } from "../supervisor/process-identity.ts";

const LOCK_FILE_NAME = "writer.lock";

/** Another live process (or another journal of this process) writes to the folder. */
export class JournalLockedError extends Error {
  override readonly name = "JournalLockedError";
  readonly code = "JOURNAL_LOCKED";
}

function readHolder(path: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

/** Moves a dead writer's lock out of the way, unless it has become somebody else's in the meantime. */
function removeStale(path: string, aside: string): void {
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = readHolder(aside);
  // Two may find the same dead lock; the slower one must not take away what the faster one put in its place.
  if (moved !== undefined && isSameProcess(moved)) linkSync(aside, path);
  rmSync(aside, { force: true });
}

/** Takes the lock (making the folder if need be) and returns the function that gives it back. Throws JournalLockedError. */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, LOCK_FILE_NAME);
  const own = ownProcessIdentity();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const draft = `${path}.${own.pid}`;
  writeFileSync(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    const holder = readHolder(path);
    if (holder !== undefined && isSameProcess(holder)) {
      throw new JournalLockedError(`the journal ${directory} is already open for writing in process ${holder.pid}`);
    }
    removeStale(path, `${draft}.stale`);
    // A link fails if somebody else was faster between the look and here; writing over the file would not.
    linkSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  return () => rmSync(path, { force: true });
}

/** Writes down a process that somebody else started (a Postgres, the console's server), so that `redoubt down` finds it. */
import { readProcessIdentity, writeProcessRecord } from "../adapters/supervisor/index.ts";

export function recordProcess(runDirectory: string, name: string, pid: number): void {
  const identity = readProcessIdentity(pid);
  if (identity) writeProcessRecord(runDirectory, { ...identity, name, startedAt: new Date().toISOString() });
}

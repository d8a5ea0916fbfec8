/**
 * What is written down about each process of the cluster: DATA/run/<name>.json.
 *
 * A record is written to a file beside it and renamed, so a reader sees a whole one or none. It says which process was started under a name;
 * whether that process still lives is asked of the kernel each time (process-identity.ts).
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { isSameProcess, ownProcessIdentity, type ProcessIdentity } from "./process-identity.ts";

/** One started process. */
export interface ProcessRecord extends ProcessIdentity {
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
}

const NAME = /^[a-z0-9]([a-z0-9.-]{0,94}[a-z0-9])?$/;
const SUFFIX = ".json";

/** Throws RangeError unless the name can stand in a file name: 1 … 96 of a-z, 0-9, "-" and ".". */
export function checkProcessName(name: string): string {
  if (!NAME.test(name)) {
    throw new RangeError(`process name is ${JSON.stringify(name)}, expected 1 … 96 of a-z, 0-9, "-", "."`);
  }
  return name;
}

function recordPath(runDirectory: string, name: string): string {
  return join(runDirectory, checkProcessName(name) + SUFFIX);
}

/** Replaces the record of that name. */
export function writeProcessRecord(runDirectory: string, record: ProcessRecord): void {
  mkdirSync(runDirectory, { recursive: true });
  const path = recordPath(runDirectory, record.name);
  const draft = `${path}.${process.pid}.tmp`;
  const descriptor = openSync(draft, "w", 0o644);
  try {
    writeSync(descriptor, `${JSON.stringify(record)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, path);
}

/** Records the calling process under a name: for processes that a person starts, not a supervisor. */
export function recordOwnProcess(runDirectory: string, name: string): ProcessRecord {
  const startedAt = new Date(Date.now() - process.uptime() * 1_000).toISOString();
  const record = { ...ownProcessIdentity(), name, startedAt };
  writeProcessRecord(runDirectory, record);
  return record;
}

function parseRecord(text: string, name: string): ProcessRecord | undefined {
  let value: Partial<Record<keyof ProcessRecord, unknown>> | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, startTicks, bootId, startedAt } = value;
  const isWhole =
    value.name === name &&
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    typeof startTicks === "number" &&
    typeof bootId === "string" &&
    typeof startedAt === "string";
  return isWhole ? (value as ProcessRecord) : undefined;
}

/** The record of that name; undefined if there is none, or what is there is no record. */
export function readProcessRecord(runDirectory: string, name: string): ProcessRecord | undefined {
  try {
    return parseRecord(readFileSync(recordPath(runDirectory, name), "utf8"), name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** All records in the folder, by name; other files there are left alone. An absent folder has none. */
export function listProcessRecords(runDirectory: string): ProcessRecord[] {
  let files: string[];
  try {
    files = readdirSync(runDirectory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const names = files.filter((file) => file.endsWith(SUFFIX)).map((file) => basename(file, SUFFIX));
  const records = names.filter((name) => NAME.test(name)).map((name) => readProcessRecord(runDirectory, name));
  return records.filter((record) => record !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Removes the record if it still speaks of that process: a successor's stays. */
export function removeProcessRecord(runDirectory: string, record: ProcessRecord): void {
  const current = readProcessRecord(runDirectory, record.name);
  if (current?.pid !== record.pid || current.startTicks !== record.startTicks) return;
  rmSync(recordPath(runDirectory, record.name), { force: true });
}

/** True if the recorded process runs: the pid exists, is no zombie, and started when the record says. */
export function isAlive(record: ProcessRecord): boolean {
  return isSameProcess(record);
}

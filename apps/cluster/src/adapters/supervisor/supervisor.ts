/**
 * Starts processes that outlive their starter, and notices when they end.
 *
 * A node agent may die while its servers go on, so each is a session of its own (setsid) with nothing inherited but a log file, and is
 * written down under DATA/run before it runs: it starts as a shell that waits for one line and then becomes the program, and an agent that
 * dies in between leaves nobody behind. A later agent adopts what is written down. Own children report their end at once; adopted
 * ones are looked at every 100 ms, and only while there are any.
 *
 * It decides nothing: whether and where something is started again is its owner's business.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { readProcessIdentity } from "./process-identity.ts";
import {
  checkProcessName,
  isAlive,
  listProcessRecords,
  type ProcessRecord,
  readProcessRecord,
  removeProcessRecord,
  writeProcessRecord,
} from "./process-record.ts";
import { sweepGroup } from "./signals.ts";

const ADOPTED_POLL_MS = 100;
const LOG_BYTES_MAX = 32 * 1024 * 1024;
/** Waits for one line on descriptor 3, closes it and becomes the program; ends if the line never comes. */
const GATE = 'read -r go <&3 && [ "$go" = go ] && exec "$@" 3<&-';

export interface ProcessStart {
  /** Under which it is recorded, and its log file is named: unique in the cluster. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** The whole environment; nothing of the starter's is added. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** To run as another user (root only). */
  readonly userId?: number;
  readonly groupId?: number;
}

/** How a process ended. An adopted one is not our child: the system does not tell how it ended. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly adopted: boolean;
}

export interface SupervisorOptions {
  /** DATA/run. */
  readonly runDirectory: string;
  /** DATA/logs. */
  readonly logDirectory: string;
  /** A watched process ended, for whatever reason; its record is removed already. */
  readonly onEnd: (record: ProcessRecord, end: ProcessEnd) => void;
}

export class ProcessSupervisor {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<string, { readonly record: ProcessRecord; readonly child: ChildProcess }>();
  readonly #adopted = new Map<string, ProcessRecord>();
  #pollTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    mkdirSync(options.runDirectory, { recursive: true });
    mkdirSync(options.logDirectory, { recursive: true });
  }

  /** The processes watched now: started or adopted here, and not known to have ended. */
  get watched(): readonly ProcessRecord[] {
    return [...[...this.#children.values()].map(({ record }) => record), ...this.#adopted.values()];
  }

  /**
   * Starts a process, records it, then lets it run. stdout and stderr go to DATA/logs/<name>.log.
   * A command that cannot be run ends with exit code 126 or 127 (through onEnd) and says why in its log.
   * Rejects if the name is taken by a living process, and with the system's error if nothing could be started.
   */
  async start(start: ProcessStart): Promise<ProcessRecord> {
    const { runDirectory } = this.#options;
    const name = checkProcessName(start.name);
    const previous = readProcessRecord(runDirectory, name);
    if (previous !== undefined && isAlive(previous)) {
      throw new Error(`process ${name} is running already (pid ${previous.pid})`);
    }
    const child = await this.#spawn(start);
    const gate = child.stdio[3] as Writable;
    gate.on("error", () => undefined);
    try {
      const record = this.#watchChild(name, child);
      gate.end("go\n");
      child.unref();
      return record;
    } catch (error) {
      gate.destroy();
      throw error;
    }
  }

  /** Records the child while it still waits at the gate. */
  #watchChild(name: string, child: ChildProcess): ProcessRecord {
    const identity = readProcessIdentity(child.pid as number);
    if (identity === undefined) throw new Error(`process ${name} (pid ${child.pid}) ended before it began`);
    const record: ProcessRecord = { ...identity, name, startedAt: new Date().toISOString() };
    writeProcessRecord(this.#options.runDirectory, record);
    this.#children.set(name, { record, child });
    child.once("exit", (exitCode, signal) => this.#endOfChild(name, child, { exitCode, signal, adopted: false }));
    return record;
  }

  async #spawn(start: ProcessStart): Promise<ChildProcess> {
    const log = this.#openLog(start.name);
    try {
      const child = spawn("/bin/sh", ["-c", GATE, "sh", start.command, ...start.arguments], {
        detached: true,
        stdio: ["ignore", log, log, "pipe"],
        env: { ...start.environment },
        ...(start.workingDirectory === undefined ? {} : { cwd: start.workingDirectory }),
        ...(start.userId === undefined ? {} : { uid: start.userId }),
        ...(start.groupId === undefined ? {} : { gid: start.groupId }),
      });
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", reject);
      });
      return child;
    } finally {
      closeSync(log);
    }
  }

  /** Opens the log for appending; one that has grown large is set aside, and the one set aside before is dropped. */
  #openLog(name: string): number {
    const path = join(this.#options.logDirectory, `${name}.log`);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
    return openSync(path, "a", 0o640);
  }

  #endOfChild(name: string, child: ChildProcess, end: ProcessEnd): void {
    const known = this.#children.get(name);
    if (known?.child !== child) return;
    this.#children.delete(name);
    this.#report(known.record, end);
  }

  #report(record: ProcessRecord, end: ProcessEnd): void {
    if (this.#isClosed) return;
    sweepGroup(record);
    removeProcessRecord(this.#options.runDirectory, record);
    this.#options.onEnd(record, end);
  }

  /** Starts to watch a recorded process that somebody else started. Undefined if there is none of that name, or it does not live. */
  adopt(name: string): ProcessRecord | undefined {
    const own = this.#children.get(name)?.record ?? this.#adopted.get(name);
    if (own !== undefined && isAlive(own)) return own;
    const record = readProcessRecord(this.#options.runDirectory, name);
    if (record === undefined || !isAlive(record)) return undefined;
    this.#adopted.set(name, record);
    this.#armPoll();
    return record;
  }

  /** Adopts every living recorded process for which `isOurs` holds. */
  adoptAll(isOurs: (record: ProcessRecord) => boolean): ProcessRecord[] {
    const records = listProcessRecords(this.#options.runDirectory).filter(isOurs);
    return records.map(({ name }) => this.adopt(name)).filter((record) => record !== undefined);
  }

  #armPoll(): void {
    if (this.#pollTimer !== undefined || this.#adopted.size === 0 || this.#isClosed) return;
    this.#pollTimer = setTimeout(() => this.#poll(), ADOPTED_POLL_MS);
  }

  #poll(): void {
    this.#pollTimer = undefined;
    const ended = [...this.#adopted.values()].filter((record) => !isAlive(record));
    for (const { name } of ended) this.#adopted.delete(name);
    this.#armPoll();
    for (const record of ended) this.#report(record, { exitCode: null, signal: null, adopted: true });
  }

  /** Stops watching. What was started goes on and stays recorded. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#pollTimer);
    for (const { child } of this.#children.values()) child.removeAllListeners("exit");
  }
}

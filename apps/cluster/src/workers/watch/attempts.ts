/**
 * Notes what the application's code tried and may not, with the execution in which it happened, and hands it on: in the
 * process itself to the worker's entry, in a thread by a channel to the process. Lives in the application's memory, so it
 * is best effort: hostile code can silence it, which is why nothing depends on it (ADR 0015).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { BroadcastChannel, getEnvironmentData, isMainThread } from "node:worker_threads";
import type { AttemptAct } from "@redoubt/shared";

export interface WatchedAttempt {
  readonly act: AttemptAct;
  readonly target: string;
  /** Name of the execution; null outside of any. */
  readonly execution: string | null;
}

export type AttemptListener = (attempt: WatchedAttempt) => void;

const CHANNEL = "redoubt.attempts";
export const EXECUTION_DATA = "redoubt.execution";
const TARGET_LENGTH_MAX = 200;
/** Different attempts told of one execution, and in all before anybody listens. */
const ATTEMPTS_MAX = 16;
const EXECUTIONS_MAX = 256;
const WAITING_MAX = 64;

const executions = new AsyncLocalStorage<string>();
const inherited: unknown = isMainThread ? undefined : getEnvironmentData(EXECUTION_DATA);
/** Execution → what was told of it. */
const told = new Map<string, Set<string>>();
let waiting: WatchedAttempt[] = [];
let listener: AttemptListener | undefined = isMainThread ? undefined : tellProcess();
let channelToThreads: BroadcastChannel | undefined;

/** The execution this code runs for, null outside of any. */
export function currentExecution(): string | null {
  return executions.getStore() ?? (typeof inherited === "string" ? inherited : null);
}

export const runWithin = <Result>(execution: string, work: () => Result): Result => executions.run(execution, work);

/** Each attempt of an execution is told once, however often it is made. */
export function noteAttempt(act: AttemptAct, target: string, execution: string | null = currentExecution()): void {
  const short = target.slice(0, TARGET_LENGTH_MAX);
  if (!isNew(execution ?? "", `${act} ${short}`)) return;
  const attempt = { act, target: short, execution };
  if (listener) listener(attempt);
  else if (waiting.length < WAITING_MAX) waiting.push(attempt);
}

function isNew(execution: string, attempt: string): boolean {
  const known = told.get(execution) ?? new Set();
  if (known.has(attempt) || known.size >= ATTEMPTS_MAX) return false;
  known.add(attempt);
  told.set(execution, known);
  if (told.size > EXECUTIONS_MAX) {
    const [oldest] = told.keys();
    if (oldest !== undefined) told.delete(oldest);
  }
  return true;
}

/** The process's entry takes over; what was noted before it did comes first. */
export function listenForAttempts(take: AttemptListener): void {
  listener = take;
  for (const attempt of waiting) take(attempt);
  waiting = [];
}

/** In the process: hears what its threads note. Called before the first thread is started. */
export function hearThreads(): void {
  if (!isMainThread || channelToThreads) return;
  channelToThreads = new BroadcastChannel(CHANNEL);
  channelToThreads.onmessage = (message) => {
    const { act, target, execution } = (message as { data: WatchedAttempt }).data;
    noteAttempt(act, String(target), execution);
  };
  channelToThreads.unref();
}

function tellProcess(): AttemptListener {
  const channel = new BroadcastChannel(CHANNEL);
  channel.unref();
  return (attempt) => channel.postMessage(attempt);
}

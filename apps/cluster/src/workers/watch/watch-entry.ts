/**
 * Loaded first in a worker process and in every thread of it, before any code of the application: sets up the hooks that
 * note what the code tries and may not, and refuses what Node's permission model leaves open. Best effort, since it lives in
 * the same memory as that code; what must hold is held by the layers around the process (ADR 0015).
 */
import childProcess from "node:child_process";
import fs from "node:fs";
import inspector from "node:inspector";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import workerThreads, { isMainThread } from "node:worker_threads";
import { type AttemptListener, currentExecution, listenForAttempts, noteAttempt, runWithin } from "./attempts.ts";
import { noteDenial, refusal, refuseMethods, replace, watchModule } from "./denials.ts";
import { refuseNetwork } from "./network.ts";
import { confinedWorkerClass, endThreadsOf } from "./threads.ts";

/** What the process's entry gets; it is taken away before the application is loaded. */
export interface WorkerWatch {
  /** Runs an execution; what is tried inside, later and in its threads is noted in its name. */
  run<Result>(execution: string, work: () => Result): Result;
  /** An execution has ended: its threads end. */
  ended(execution: string): void;
  noteDenial(error: unknown): void;
  listen(listener: AttemptListener): void;
}

export const WATCH_KEY = "redoubt.watch";

/** Names that Node and libraries look up by habit; a value would tell nothing worth knowing. */
const HABITUAL = /^(NODE_.*|WATCH_REPORT_DEPENDENCIES|DEBUG|FORCE_COLOR|NO_COLOR|TERM|CI|TZ|LANG|toJSON|then)$/;

/** What Node itself looks up on the way is nobody's attempt: the first caller outside of this file is part of it. */
function isAskedByNode(): boolean {
  const [, ...frames] = String(new Error("asked").stack).split("\n");
  const caller = frames.find((frame) => !frame.includes(__filename) && !frame.endsWith("(<anonymous>)"));
  return caller !== undefined && /[( ]node:/.test(caller);
}

function hideEnvironment(): void {
  const note = (what: string): void => {
    if (currentExecution() !== null && !isAskedByNode()) noteAttempt("environment", what);
  };
  const noteName = (values: object, name: string | symbol): void => {
    if (typeof name === "string" && !(name in values) && !HABITUAL.test(name)) note(name);
  };
  const environment = new Proxy<Record<string, string>>(
    {},
    {
      get(values, name, receiver) {
        noteName(values, name);
        return Reflect.get(values, name, receiver) as unknown;
      },
      has(values, name) {
        noteName(values, name);
        return Reflect.has(values, name);
      },
      ownKeys(values) {
        note("all names");
        return Reflect.ownKeys(values);
      },
      set: (values, name, value) => Reflect.set(values, name, String(value)),
    },
  );
  Object.defineProperty(process, "env", { value: environment, enumerable: true, configurable: false, writable: true });
}

function refuseSignals(): void {
  const guarded = process as unknown as Record<string, (...values: unknown[]) => unknown>;
  for (const name of ["kill", "_kill"]) {
    const original = guarded[name];
    if (original === undefined) continue;
    replace(guarded, name, (...values) => {
      if (Number(values[0]) === process.pid) return Reflect.apply(original, process, values);
      const what = `process ${String(values[0])}, signal ${String(values[1] ?? "SIGTERM")}`;
      noteAttempt("signal", what);
      throw refusal(what);
    });
  }
  const named = (name: string, values: readonly unknown[]): string => `${name} ${String(values[0] ?? "")}`;
  refuseMethods(process, ["_debugProcess", "_debugEnd", "_startProfilerIdleNotifier"], "signal", "throw", named);
  refuseMethods(os, ["setPriority"], "signal", "throw", named);
}

/** The library below Node reads the list of users itself, past the permission model. */
function hideUser(): void {
  refuseMethods(os, ["userInfo"], "read-file", "throw", () => "/etc/passwd");
  replace(os as never, "homedir", () => "/");
}

function watchFiles(): void {
  const firstValue = (_name: string, values: readonly unknown[]): string => String(values[0]);
  watchModule(fs, firstValue);
  watchModule(fs.promises, firstValue);
  // It answers "no" where others are denied.
  const { existsSync } = fs;
  replace(fs as never, "existsSync", (path) => {
    const permission = (process as { permission?: { has(scope: string, path: string): boolean } }).permission;
    if (permission?.has("fs.read", String(path)) === false) noteAttempt("read-file", String(path));
    return existsSync(path as string);
  });
}

watchFiles();
watchModule(childProcess, (name, values) => `${name} ${String(values[0])}`);
watchModule(inspector, (name) => `inspector.${name}`);
refuseNetwork();
refuseSignals();
hideUser();
workerThreads.Worker = confinedWorkerClass();
syncBuiltinESMExports();
hideEnvironment();
if (isMainThread) {
  const watch: WorkerWatch = { run: runWithin, ended: endThreadsOf, noteDenial, listen: listenForAttempts };
  Object.defineProperty(globalThis, Symbol.for(WATCH_KEY), { value: watch, configurable: true });
}

/**
 * Threads of the application: as many as the limit says, without environment, each with a heap of its own that is bounded,
 * and ended when the execution that started them has ended. A thread gets no options for Node itself: on Node 20 a thread
 * with any has left the permission model.
 */
import { setEnvironmentData, Worker, type WorkerOptions } from "node:worker_threads";
import { currentExecution, EXECUTION_DATA, hearThreads, noteAttempt } from "./attempts.ts";
import { refusal } from "./denials.ts";

/** Alive at the same time in one process or thread. */
export const THREADS_MAX = 16;
const HEAP_MEGABYTES_MAX = 256;

const live = new Map<Worker, string | null>();

/** Ends what an execution has left behind. */
export function endThreadsOf(execution: string): void {
  for (const [thread, owner] of live) if (owner === execution) void thread.terminate();
}

/** Only what is known to be harmless, as own properties: a polluted prototype adds nothing. */
function confinedOptions(given: WorkerOptions): WorkerOptions {
  const heap = Number(given.resourceLimits?.maxOldGenerationSizeMb);
  const { stackSizeMb, maxYoungGenerationSizeMb } = given.resourceLimits ?? {};
  const { eval: isCode, workerData, transferList, name, argv, stdin, stdout, stderr, trackUnmanagedFds } = given;
  return Object.assign(Object.create(null) as WorkerOptions, {
    ...{ eval: isCode, workerData, transferList, name, argv, stdin, stdout, stderr, trackUnmanagedFds },
    env: {},
    execArgv: undefined,
    resourceLimits: Object.assign(Object.create(null) as object, {
      maxOldGenerationSizeMb: heap > 0 ? Math.min(heap, HEAP_MEGABYTES_MAX) : HEAP_MEGABYTES_MAX,
      ...(stackSizeMb === undefined ? {} : { stackSizeMb }),
      ...(maxYoungGenerationSizeMb === undefined ? {} : { maxYoungGenerationSizeMb }),
    }),
  });
}

function refuseUnconfined(given: WorkerOptions): void {
  const what = live.size >= THREADS_MAX ? `more than ${THREADS_MAX}` : given.execArgv ? "execArgv" : undefined;
  if (what === undefined) return;
  noteAttempt("thread", what);
  throw refusal(`thread: ${what}`);
}

/** Takes the constructor's place in `node:worker_threads`. */
export function confinedWorkerClass(): typeof Worker {
  const Original = Worker;
  function Confined(this: unknown, filename: string | URL, options?: WorkerOptions): Worker {
    if (new.target === undefined) throw new TypeError("Class constructor Worker cannot be invoked without 'new'");
    const given = options ?? {};
    refuseUnconfined(given);
    hearThreads();
    const execution = currentExecution();
    setEnvironmentData(EXECUTION_DATA, execution ?? undefined);
    const thread = Reflect.construct(Original, [filename, confinedOptions(given)], new.target) as Worker;
    live.set(thread, execution);
    thread.once("exit", () => live.delete(thread));
    return thread;
  }
  Object.defineProperty(Confined, "name", { value: "Worker" });
  Confined.prototype = Original.prototype;
  Object.setPrototypeOf(Confined, Object.getPrototypeOf(Original) as object);
  // Instances must not lead to the constructor that confines nothing.
  Object.defineProperty(Original.prototype, "constructor", { value: Confined, configurable: true, writable: true });
  return Confined as unknown as typeof Worker;
}

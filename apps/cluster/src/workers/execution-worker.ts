/**
 * The shell's end of one worker process: starts it confined, batches what is said to it, parses what it says, and holds it
 * to its limits of memory and output. It reports and judges nothing (execution-pool.ts does).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import type { Socket } from "node:net";
import { constants } from "node:os";
import { LIMITS } from "@redoubt/shared";
import type { LoadedApplication } from "../applications/load-application.ts";
import type { ControlGroup } from "./control-groups.ts";
import type { ShellFrame, WorkerFrame } from "./execution-frames.ts";
import { parseWorkerFrame } from "./execution-frames.ts";
import { processCpuMs } from "./process-cpu.ts";
import type { Sandbox } from "./sandbox.ts";

export interface ExecutionWorkerOptions {
  readonly application: LoadedApplication;
  readonly sandbox: Sandbox;
  readonly memoryMegabytes: number;
  /** Largest line a worker may send. */
  readonly outputBytesMax: number;
  readonly onFrame: (frame: WorkerFrame) => void;
  /** The process is gone, or was ended because it broke a limit; called once. */
  readonly onGone: (reason: "crash" | "oversize", detail: string, end?: ProcessEnd) => void;
}

/** How the process ended by itself. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ExecutionWorker {
  /** Of the worker itself once it is ready; before, of what confines it. */
  readonly pid: number | undefined;
  /** CPU time of the process with all its threads so far; undefined when it is gone or the kernel does not tell. */
  cpuMs(): number | undefined;
  send(frame: ShellFrame): void;
  /** Ends the process at once; `onGone` is not called. Resolves when it is gone. */
  end(): Promise<void>;
}

const SHELL_DESCRIPTOR = 3;
/** A line holds names and quotes besides the output it is limited to. */
const LINE_OVERHEAD_BYTES = 4096;
/** From the end of a worker's socket to the news of its own end. */
const END_PATIENCE_MS = 200;
/** From the end of what confines a worker to the worker's own. */
const CLOSE_PATIENCE_MS = 2_000;

export function startExecutionWorker(options: ExecutionWorkerOptions): ExecutionWorker {
  const directory = realpathSync(options.application.directory);
  const {
    command,
    arguments: words,
    input,
  } = options.sandbox.command({
    directory,
    script: `${directory}/execution-worker.mjs`,
    preload: `${directory}/execution-watch.cjs`,
    threads: true,
    arguments: [directory, String(options.outputBytesMax), String(LIMITS.objectsPerRequestMax)],
    memoryMegabytes: options.memoryMegabytes,
  });
  const stdin = input ? "pipe" : "ignore";
  const child = spawn(command, words, { cwd: directory, env: {}, stdio: [stdin, "ignore", "ignore", "pipe"] });
  const group = options.sandbox.group(options.memoryMegabytes);
  hold(group, child.pid);
  // One that could not be started reads nothing; it is reported as gone.
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  const socket = child.stdio[SHELL_DESCRIPTOR] as Socket;
  let live = true;
  let ownPid: number | undefined;
  let outgoing: string[] = [];

  const gone = (reason: "crash" | "oversize", detail: string, end?: ProcessEnd): void => {
    if (!live) return;
    live = false;
    endInnermost(child);
    options.onGone(reason, detail, end);
  };
  const exited = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      gone("crash", `the worker process did not start: ${error.message}`);
      socket.destroy();
      resolve();
    });
    child.once("exit", (code, signal) => {
      const end = endOf(code, signal);
      gone("crash", `the worker process ended with ${end.signal ? `signal ${end.signal}` : `code ${code}`}`, end);
      resolve();
    });
  });
  // The socket's other end is closed when nobody holds it any more.
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  void Promise.all([exited, closed]).then(() => group?.remove());
  void exited.then(() => setTimeout(() => socket.destroy(), CLOSE_PATIENCE_MS).unref());

  const lines = lineReader(options.outputBytesMax + LINE_OVERHEAD_BYTES);
  socket.setEncoding("utf8");
  // It has ended, and how is said in a moment; or it only closed its end, and is ended.
  socket.on("error", () => setTimeout(() => gone("crash", "the worker process closed its socket"), END_PATIENCE_MS));
  socket.on("data", (chunk: string) => {
    if (!live) return;
    const read = lines(chunk);
    if (!read) return gone("oversize", `a message of more than ${options.outputBytesMax} bytes`);
    for (const line of read) {
      if (!live) return;
      const frame = parseWorkerFrame(line);
      if (!frame) return gone("crash", "the worker process sent what no worker sends");
      // It runs now, and with it everything around it.
      if (frame.kind === "ready" && child.pid !== undefined) {
        ownPid = innermost(child.pid);
        hold(group, ownPid);
      }
      options.onFrame(frame);
    }
  });

  return {
    get pid() {
      return ownPid ?? child.pid;
    },
    cpuMs: () => group?.cpuMs() ?? processCpuMs(ownPid ?? child.pid),
    send(frame) {
      if (!live) return;
      if (outgoing.length === 0)
        setImmediate(() => {
          const text = `${outgoing.join("\n")}\n`;
          outgoing = [];
          if (live) socket.write(text);
        });
      outgoing.push(JSON.stringify(frame));
    },
    end() {
      live = false;
      endInnermost(child);
      return Promise.all([exited, closed]).then(() => undefined);
    },
  };
}

/** bubblewrap ends like its child, and a child that was ended by a signal as a shell would say it: 128 and the signal. */
function endOf(code: number | null, signal: NodeJS.Signals | null): ProcessEnd {
  if (signal !== null || code === null || code <= 128) return { code, signal };
  const named = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return named ? { code: null, signal: named[0] as NodeJS.Signals } : { code, signal };
}

/** Its own process may have been started before what confines it was moved: it is moved again when it is ready. */
function hold(group: ControlGroup | undefined, pid: number | undefined): void {
  try {
    if (pid !== undefined) group?.add(pid);
  } catch {
    // It has ended, or the group was taken away.
  }
}

/**
 * Ends the worker, and by that what confines it, which reaps it: the other way round it would be left to whoever adopts
 * orphans. What has not ended soon is ended from outside.
 */
function endInnermost(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const pid = innermost(child.pid);
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
  if (pid === child.pid) return;
  const timer = setTimeout(() => child.kill("SIGKILL"), CLOSE_PATIENCE_MS);
  child.once("exit", () => clearTimeout(timer));
}

/** The last of a line of only children: what confines a worker waits for it. Where the kernel does not tell, the first. */
function innermost(pid: number): number {
  for (let current = pid; ; ) {
    const children = childrenOf(current);
    const [only] = children;
    if (only === undefined || children.length > 1) return current;
    current = only;
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
    return text === "" ? [] : text.split(" ").map(Number);
  } catch {
    return [];
  }
}

/** Splits chunks into lines; undefined once a line is longer than allowed. */
function lineReader(lengthMax: number): (chunk: string) => readonly string[] | undefined {
  let rest: string[] = [];
  let restLength = 0;
  return (chunk) => {
    const parts = chunk.split("\n");
    const last = parts.pop() ?? "";
    if (parts.length > 0) {
      parts[0] = rest.join("") + parts[0];
      rest = [];
      restLength = 0;
    }
    rest.push(last);
    restLength += last.length;
    return restLength > lengthMax || parts.some((line) => line.length > lengthMax) ? undefined : parts;
  };
}

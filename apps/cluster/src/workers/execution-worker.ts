/**
 * The shell's end of one worker process: starts it confined, batches what is said to it, parses what it says, and holds it
 * to its limits of time, memory and output. It reports and judges nothing (execution-pool.ts does).
 */
import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import type { Socket } from "node:net";
import type { LoadedApplication } from "../applications/load-application.ts";
import type { ShellFrame, WorkerFrame } from "./execution-frames.ts";
import { parseWorkerFrame } from "./execution-frames.ts";
import type { Sandbox } from "./sandbox.ts";

export interface ExecutionWorkerOptions {
  readonly application: LoadedApplication;
  readonly sandbox: Sandbox;
  readonly memoryMegabytes: number;
  /** Largest line a worker may send. */
  readonly outputBytesMax: number;
  readonly onFrame: (frame: WorkerFrame) => void;
  /** The process is gone, or was ended because it broke a limit; called once. */
  readonly onGone: (reason: "crash" | "oversize", detail: string) => void;
}

export interface ExecutionWorker {
  readonly pid: number | undefined;
  send(frame: ShellFrame): void;
  /** Ends the process at once; `onGone` is not called. Resolves when it is gone. */
  end(): Promise<void>;
}

const SHELL_DESCRIPTOR = 3;
/** A line holds names and quotes besides the output it is limited to. */
const LINE_OVERHEAD_BYTES = 4096;

export function startExecutionWorker(options: ExecutionWorkerOptions): ExecutionWorker {
  const directory = realpathSync(options.application.directory);
  const { command, arguments: words } = options.sandbox.command({
    directory,
    script: `${directory}/execution-worker.mjs`,
    arguments: [directory, String(options.outputBytesMax)],
    memoryMegabytes: options.memoryMegabytes,
  });
  const child = spawn(command, words, { cwd: directory, env: {}, stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const socket = child.stdio[SHELL_DESCRIPTOR] as Socket;
  let live = true;
  let outgoing: string[] = [];

  const gone = (reason: "crash" | "oversize", detail: string): void => {
    if (!live) return;
    live = false;
    child.kill("SIGKILL");
    socket.destroy();
    options.onGone(reason, detail);
  };
  const exited = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      gone("crash", `the worker process did not start: ${error.message}`);
      resolve();
    });
    child.once("exit", (code, signal) => {
      gone("crash", `the worker process ended with ${signal ? `signal ${signal}` : `code ${code}`}`);
      resolve();
    });
  });

  const lines = lineReader(options.outputBytesMax + LINE_OVERHEAD_BYTES);
  socket.setEncoding("utf8");
  socket.on("error", () => gone("crash", "the worker process closed its socket"));
  socket.on("data", (chunk: string) => {
    const read = lines(chunk);
    if (!read) return gone("oversize", `a message of more than ${options.outputBytesMax} bytes`);
    for (const line of read) {
      if (!live) return;
      const frame = parseWorkerFrame(line);
      if (!frame) return gone("crash", "the worker process sent what no worker sends");
      options.onFrame(frame);
    }
  });

  return {
    pid: child.pid,
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
      child.kill("SIGKILL");
      socket.destroy();
      return exited;
    },
  };
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

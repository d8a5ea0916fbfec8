/**
 * Child processes of tests that run one of our own TypeScript files from its source.
 */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Arguments for Node that run a TypeScript file: `process.execPath` with these. */
export function typescriptArguments(file: URL, ...rest: string[]): string[] {
  return ["--import", import.meta.resolve("tsx"), fileURLToPath(file), ...rest];
}

/** Starts the file; by default stdout is a pipe and stderr is this process's. */
export function spawnTypescript(file: URL, rest: string[], options: SpawnOptions = {}): ChildProcess {
  const stdio = ["ignore", "pipe", "inherit"] as const;
  return spawn(process.execPath, typescriptArguments(file, ...rest), { stdio: [...stdio], ...options });
}

/** Calls `onLine` for each line of the child's stdout; resolves when the child has ended and all lines were seen. */
export function readLines(child: ChildProcess, onLine: (line: string) => void): Promise<void> {
  if (child.stdout === null) throw new Error("the child has no stdout to read");
  const lines = createInterface({ input: child.stdout });
  lines.on("line", onLine);
  const closed = new Promise((resolve) => lines.once("close", resolve));
  // A dying process closes its pipes before it is gone: only its exit says that it holds nothing any more.
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return Promise.all([closed, ended]).then(() => undefined);
}

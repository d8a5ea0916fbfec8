/**
 * The process in which an application's operations run, outside of everything that is trusted: no keys, no environment, no
 * file but its own bundle, no network, one socket to its shell on descriptor 3. It runs many requests at the same time in
 * one memory, so one crafted request can take over those after it; that is why a suspicious one gets a process of its own
 * and why the whole server is discarded after a failed acceptance test. Bundled with the application (bundle-application.ts).
 *
 * Arguments: the bundle's folder, the most bytes one reply frame may have, the most objects one execution may read or write.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { pathToFileURL } from "node:url";
import type { ContractJson } from "@redoubt/application";
import { runOperation, valueNow } from "@redoubt/application";
import type { ShellFrame, WorkerFrame } from "./execution-frames.ts";
import type { WatchedAttempt } from "./watch/attempts.ts";
import type { WorkerWatch } from "./watch/watch-entry.ts";

const SHELL_DESCRIPTOR = 3;
const watch = takeWatch();
const [directory = "", outputBytesMax = "0", objectsMax = "0"] = process.argv.slice(2);

/** Values given to one execution, and the reads that wait for one. */
interface RunningExecution {
  readonly values: Map<string, unknown>;
  /** Of values that are stored in another schema than this version's. */
  readonly schemas: Map<string, number>;
  readonly waiting: Map<string, (value: unknown) => void>;
}

/** What watch-entry.ts has set up before; the application shall not find it. */
function takeWatch(): WorkerWatch {
  const holder = globalThis as Record<symbol, unknown>;
  const key = Symbol.for("redoubt.watch");
  const taken = holder[key] as WorkerWatch;
  delete holder[key];
  return taken;
}

const running = new Map<string, RunningExecution>();
const contract = JSON.parse(readFileSync(`${directory}/contract.json`, "utf8")) as ContractJson;
const shell = new Socket({ fd: SHELL_DESCRIPTOR });
watch.listen(tell);
const application = (await import(pathToFileURL(`${directory}/execution.mjs`).href)) as {
  default: unknown;
  upgrades?: unknown;
};

let outgoing: string[] = [];
function send(frame: WorkerFrame): void {
  sendLine(JSON.stringify(frame));
}

/**
 * Told at once and not with the next batch, since the process may be gone before; but never into the middle of a frame
 * that is still leaving.
 */
function tell(attempt: WatchedAttempt): void {
  const line = Buffer.from(`${JSON.stringify({ kind: "attempt", ...attempt } satisfies WorkerFrame)}\n`);
  let written = 0;
  try {
    if (shell.writableLength === 0) written = writeSync(SHELL_DESCRIPTOR, line);
  } catch {
    // Its buffer is full: it leaves with the rest.
  }
  if (written < line.length) shell.write(line.subarray(written));
}

/** Everything said in one turn of the event loop leaves as one write. */
function sendLine(line: string): void {
  if (outgoing.length === 0)
    setImmediate(() => {
      const lines = outgoing;
      outgoing = [];
      shell.write(`${lines.join("\n")}\n`);
    });
  outgoing.push(line);
}

function receive(frame: ShellFrame): void {
  if (frame.kind === "start") void start(frame);
  else if (frame.kind === "forget") {
    running.delete(frame.execution);
    watch.ended(frame.execution);
  } else {
    const execution = running.get(frame.execution);
    if (!execution) return;
    execution.values.set(frame.object, frame.value);
    if (frame.schema !== undefined) execution.schemas.set(frame.object, frame.schema);
    execution.waiting.get(frame.object)?.(frame.value);
    execution.waiting.delete(frame.object);
  }
}

async function start(frame: Extract<ShellFrame, { kind: "start" }>): Promise<void> {
  const { execution, operation, input, context } = frame;
  const state: RunningExecution = {
    ...{ values: new Map(frame.provided), schemas: new Map(Object.entries(frame.schemas ?? {})), waiting: new Map() },
  };
  running.set(execution, state);
  try {
    const output = await watch.run(execution, () =>
      runOperation({
        contract,
        handlers: application.default,
        operation,
        input,
        principal: context.principal,
        now: context.now,
        requestId: context.requestId,
        deriveId: (label) => createHash("sha256").update(`${context.seed}\n${label}`).digest("hex").slice(0, 32),
        read: async (object) => inThisSchema(state, object, await read(execution, state, object)),
      }),
    );
    if (Math.max(output.reads.length, output.writes.length) > Number(objectsMax))
      throw new RangeError(`more than ${objectsMax} objects read or written`);
    finish(execution, JSON.stringify({ kind: "finished", execution, output } satisfies WorkerFrame));
  } catch (error) {
    watch.run(execution, () => watch.noteDenial(error));
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : "something that is no error was thrown";
    finish(execution, JSON.stringify({ kind: "failed", execution, reason: "thrown", detail } satisfies WorkerFrame));
  }
}

function finish(execution: string, line: string): void {
  watch.ended(execution);
  if (!running.delete(execution)) return;
  const bytes = Buffer.byteLength(line);
  if (bytes <= Number(outputBytesMax)) sendLine(line);
  else {
    const detail = `reply and changes of ${bytes} bytes, at most ${outputBytesMax} expected`;
    send({ kind: "failed", execution, reason: "oversize", detail });
  }
}

function read(execution: string, state: RunningExecution, object: string): unknown {
  if (state.values.has(object)) return state.values.get(object);
  send({ kind: "read", execution, object });
  return new Promise((resolve) => {
    state.waiting.set(object, resolve);
  });
}

/** Upgraded when it is read, by this version's own functions; an upgrade that throws fails the request like any other code. */
function inThisSchema({ schemas }: RunningExecution, object: string, value: unknown): unknown {
  const schemaVersion = schemas.get(object);
  return schemaVersion === undefined
    ? value
    : valueNow(contract, application.upgrades, object, { schemaVersion, value });
}

let rest = "";
shell.setEncoding("utf8");
shell.on("data", (chunk: string) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) receive(JSON.parse(line) as ShellFrame);
});
// Without its shell a worker has no reason to live.
shell.on("close", () => process.exit(0));
shell.on("error", () => process.exit(0));
send({ kind: "ready" });

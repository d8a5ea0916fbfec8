/**
 * What an execution server's shell and its worker processes say to each other over their one socket: lines of JSON. The
 * worker's side is untrusted, so its frames are parsed here, field by field, into new objects. JSON keeps a key named
 * `__proto__` as an ordinary key on the way, which is what the application is to see.
 */
import { ATTEMPT_TARGET_LENGTH_MAX, type AttemptAct, attemptActs, LIMITS } from "@redoubt/shared";

export interface ExecutionWorkerContext {
  /** Client id. */
  readonly principal: string;
  /** Admission time, milliseconds since 1970. */
  readonly now: number;
  /** The ticket's seed, from which `context.id(label)` is derived. */
  readonly seed: string;
  readonly requestId: string;
}

export type ShellFrame =
  | {
      readonly kind: "start";
      readonly execution: string;
      readonly operation: string;
      readonly input: unknown;
      readonly context: ExecutionWorkerContext;
      /** Values of objects known beforehand, null for one that does not exist. */
      readonly provided: readonly (readonly [object: string, value: unknown])[];
      /** Schema versions of those that are stored in another one than this version's. */
      readonly schemas?: Readonly<Record<string, number>>;
    }
  | {
      readonly kind: "provide";
      readonly execution: string;
      readonly object: string;
      readonly value: unknown;
      readonly schema?: number;
    }
  | { readonly kind: "forget"; readonly execution: string };

/** A finished execution: reply, objects read and new values. */
export interface ExecutionOutput {
  readonly reply: { readonly status: number; readonly body: unknown };
  readonly reads: readonly string[];
  readonly writes: readonly { readonly object: string; readonly value: unknown }[];
}

export type WorkerFrame =
  | { readonly kind: "ready" }
  | { readonly kind: "read"; readonly execution: string; readonly object: string }
  | { readonly kind: "finished"; readonly execution: string; readonly output: ExecutionOutput }
  | {
      readonly kind: "failed";
      readonly execution: string;
      readonly reason: "thrown" | "oversize";
      readonly detail: string;
    }
  /** The application's code tried what it may not, in the named execution or outside of any (null). */
  | { readonly kind: "attempt"; readonly execution: string | null; readonly act: AttemptAct; readonly target: string };

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
const isText = (value: unknown): value is string => typeof value === "string";

const DETAIL_LENGTH_MAX = 2000;

/** The frame in one line from a worker, or undefined when it is none: the worker has then been taken over. */
export function parseWorkerFrame(line: string): WorkerFrame | undefined {
  let frame: Fields | undefined;
  try {
    frame = fieldsOf(JSON.parse(line));
  } catch {
    return undefined;
  }
  if (frame?.kind === "ready") return { kind: "ready" };
  if (frame?.kind === "attempt") return parseAttempt(frame);
  const execution = frame?.execution;
  if (!frame || !isText(execution)) return undefined;
  if (frame.kind === "read" && isText(frame.object)) return { kind: "read", execution, object: frame.object };
  if (frame.kind === "failed" && (frame.reason === "thrown" || frame.reason === "oversize") && isText(frame.detail))
    return { kind: "failed", execution, reason: frame.reason, detail: frame.detail.slice(0, DETAIL_LENGTH_MAX) };
  if (frame.kind !== "finished") return undefined;
  const output = parseOutput(frame.output);
  return output && { kind: "finished", execution, output };
}

function parseAttempt({ execution, act, target }: Fields): WorkerFrame | undefined {
  const known = attemptActs.find((each) => each === act);
  if (!known || !isText(target) || (execution !== null && !isText(execution))) return undefined;
  // Shown to people and kept in logs: nothing that a terminal or a page could take for more than text.
  const printable = target.slice(0, ATTEMPT_TARGET_LENGTH_MAX).replace(/[^\x20-\x7e]/g, "?");
  return { kind: "attempt", execution, act: known, target: printable };
}

function parseOutput(value: unknown): ExecutionOutput | undefined {
  const output = fieldsOf(value);
  const reply = fieldsOf(output?.reply);
  if (!output || !reply || !Number.isInteger(reply.status) || !Object.hasOwn(reply, "body")) return undefined;
  if (!Array.isArray(output.reads) || !output.reads.every(isText) || !Array.isArray(output.writes)) return undefined;
  if (output.reads.length > LIMITS.objectsPerRequestMax || output.writes.length > LIMITS.objectsPerRequestMax)
    return undefined;
  const writes: { object: string; value: unknown }[] = [];
  for (const entry of output.writes) {
    const write = fieldsOf(entry);
    if (!write || !isText(write.object) || !Object.hasOwn(write, "value")) return undefined;
    writes.push({ object: write.object, value: write.value });
  }
  return { reply: { status: Number(reply.status), body: reply.body }, reads: output.reads, writes };
}

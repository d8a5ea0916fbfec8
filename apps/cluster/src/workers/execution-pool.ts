/**
 * The worker processes of one execution server. Requests run side by side in long-lived workers, one per core; a
 * `disposable` one (suspect lane, shadow run, released request) runs alone in a fresh process that is used once. One more
 * process has loaded the application and waits, so that neither of them waits for a start. When a worker dies,
 * misses a deadline or uses too much CPU time, everything inside it is reported together: which of them is to blame is not decided here
 * (PROTOCOL §10). A worker is replaced, but a server whose worker failed is discarded whole by those who trust it less.
 */
import { availableParallelism } from "node:os";
import { type AttemptAct, type AttemptWitness, LIMITS } from "@redoubt/shared";
import type { LoadedApplication } from "../applications/load-application.ts";
import { CpuWatch } from "./cpu-watch.ts";
import type { ExecutionOutput, ExecutionWorkerContext, WorkerFrame } from "./execution-frames.ts";
import type { ExecutionWorker, ProcessEnd } from "./execution-worker.ts";
import { startExecutionWorker } from "./execution-worker.ts";
import { IdleWatch } from "./idle-watch.ts";
import type { Sandbox, SandboxInForce } from "./sandbox.ts";
import { detectSandbox } from "./sandbox.ts";

export type ExecutionFailure = "crash" | "timeout" | "cpu" | "oversize" | "thrown";

export interface ExecutionPoolHandlers {
  /** The operation reads an object that was not provided; answer with `provide`. */
  readonly onRead: (execution: string, object: string) => void;
  readonly onFinished: (execution: string, output: ExecutionOutput) => void;
  /**
   * The execution ended without a reply. `alsoInside`: executions of the same process that ended with it, each of which may
   * be the one to blame; they are not reported again.
   */
  readonly onFailed: (
    execution: string,
    reason: ExecutionFailure,
    detail: string,
    alsoInside: readonly string[],
  ) => void;
  /** A worker has loaded the application and can start at once. */
  readonly onReady?: () => void;
  /** The application's code tried what it may not; told beside whatever becomes of the execution. */
  readonly onAttempt?: (attempt: WorkerAttempt) => void;
}

export interface WorkerAttempt {
  readonly act: AttemptAct;
  readonly target: string;
  readonly witness: AttemptWitness;
  /** Null where it is not known in which execution it happened. */
  readonly operation: string | null;
  readonly requestId: string | null;
}

export interface ExecutionPoolOptions {
  readonly application: LoadedApplication;
  readonly handlers: ExecutionPoolHandlers;
  /** Long-lived worker processes; default: one per core. */
  readonly workers?: number;
  readonly memoryMegabytes?: number;
  readonly outputBytesMax?: number;
  readonly sandbox?: Sandbox;
}

export interface ExecutionStart {
  /** Name of this execution, unique while it runs. */
  readonly execution: string;
  readonly operation: string;
  readonly input: unknown;
  readonly context: ExecutionWorkerContext;
  /** Objects already at hand: value, or null for one that does not exist. */
  readonly provided: Readonly<Record<string, unknown>>;
  /** Schema versions of those that are stored in another one than the application's. */
  readonly schemas?: Readonly<Record<string, number>>;
  /** Default: the operation's deadline in the contract. */
  readonly deadlineMs?: number;
  /** CPU time with all threads; default: the operation's in the contract, else one and a half times the deadline. */
  readonly cpuMs?: number;
  readonly disposable?: boolean;
}

export interface ExecutionPool {
  start(start: ExecutionStart): void;
  /** Answers `onRead`. Nothing happens when the execution has ended meanwhile. */
  provide(execution: string, object: string, value: unknown, schema?: number): void;
  /** Forgets an execution: nothing more is reported of it. A disposable worker ends. */
  cancel(execution: string): void;
  status(): {
    readonly sandbox: SandboxInForce;
    /** A worker is ready once it has loaded the application. */
    readonly workers: readonly { pid: number | undefined; role: WorkerRole; running: number; ready: boolean }[];
  };
  /** Ends every worker; resolves when they are gone. */
  close(): Promise<void>;
}

const MEMORY_MEGABYTES = 256;
/** Of the deadline: one thread, and what Node's own threads do for it. */
const CPU_SHARE = 1.5;
/** A worker that has not loaded the application by then never will. */
const START_LIMIT_MS = 15_000;
/** Executions of a worker that a late word about an attempt may name. */
const KNOWN_MAX = 256;

export type WorkerRole = "regular" | "disposable" | "spare";

interface Running {
  readonly execution: string;
  readonly deadlineMs: number;
  readonly cpuMs: number;
  timer: NodeJS.Timeout | undefined;
  reads: number;
}

interface Member {
  readonly worker: ExecutionWorker;
  role: WorkerRole;
  readonly running: Map<string, Running>;
  /** What was started in it, for attempts. */
  readonly known: Map<string, { readonly operation: string; readonly requestId: string }>;
  ready: boolean;
  startTimer: NodeJS.Timeout | undefined;
}

export function createExecutionPool(options: ExecutionPoolOptions): ExecutionPool {
  return new Pool(options);
}

class Pool implements ExecutionPool {
  readonly #options: ExecutionPoolOptions;
  readonly #sandbox: Sandbox;
  readonly #size: number;
  readonly #members = new Set<Member>();
  readonly #memberOf = new Map<string, Member>();
  readonly #ending = new Set<Promise<void>>();
  readonly #idleWatch: IdleWatch<Member>;
  readonly #cpuWatch = new CpuWatch<Member>((member, execution, detail) =>
    this.#lost(member, "cpu", detail, execution),
  );
  #closed = false;

  constructor(options: ExecutionPoolOptions) {
    this.#options = options;
    this.#sandbox = options.sandbox ?? detectSandbox();
    this.#size = options.workers ?? availableParallelism();
    while (this.#members.size < this.#size) this.#spawn("regular");
    this.#idleWatch = new IdleWatch(
      () => [...this.#members],
      (member, detail) => {
        this.#attempted(member, { act: "computation", target: detail, witness: "shell" }, undefined);
        this.#lost(member, "crash", detail);
      },
    );
  }

  start(start: ExecutionStart): void {
    if (this.#closed || this.#memberOf.has(start.execution))
      throw new Error(`cannot start execution ${start.execution}`);
    const { execution, operation, input, context } = start;
    const member = start.disposable ? this.#take("disposable") : this.#leastLoaded();
    const contract = this.#options.application.contract.operations;
    const declared = Object.hasOwn(contract, operation) ? contract[operation] : undefined;
    const deadlineMs = start.deadlineMs ?? declared?.deadlineMs ?? LIMITS.defaultDeadlineMs;
    const cpuMs = start.cpuMs ?? declared?.cpuMs ?? CPU_SHARE * deadlineMs;
    const running: Running = { execution, deadlineMs, cpuMs, timer: undefined, reads: 0 };
    remember(member.known, execution, { operation, requestId: context.requestId });
    member.running.set(execution, running);
    this.#memberOf.set(execution, member);
    if (member.ready) this.#arm(member, running);
    member.worker.send({
      kind: "start",
      execution,
      operation,
      input,
      context,
      provided: Object.entries(start.provided),
      ...(start.schemas ? { schemas: start.schemas } : {}),
    });
  }

  provide(execution: string, object: string, value: unknown, schema?: number): void {
    const stored = schema === undefined ? {} : { schema };
    this.#memberOf.get(execution)?.worker.send({ kind: "provide", execution, object, value, ...stored });
  }

  cancel(execution: string): void {
    const member = this.#memberOf.get(execution);
    if (!member) return;
    this.#settle(member, execution);
    if (this.#members.has(member)) member.worker.send({ kind: "forget", execution });
  }

  status() {
    const workers = [...this.#members].map(({ worker, role, running, ready }) => ({
      pid: worker.pid,
      role,
      running: running.size,
      ready,
    }));
    return { sandbox: this.#sandbox.inForce, workers };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#idleWatch.close();
    this.#cpuWatch.close();
    for (const member of this.#members) this.#discard(member);
    await Promise.all(this.#ending);
  }

  #spawn(role: WorkerRole): Member {
    const worker = startExecutionWorker({
      application: this.#options.application,
      sandbox: this.#sandbox,
      memoryMegabytes: this.#options.memoryMegabytes ?? MEMORY_MEGABYTES,
      outputBytesMax: this.#options.outputBytesMax ?? LIMITS.changeBytesMax,
      onFrame: (frame) => this.#receive(member, frame),
      onGone: (reason, detail, end) => this.#ended(member, reason, detail, end),
    });
    const member: Member = { worker, role, running: new Map(), known: new Map(), ready: false, startTimer: undefined };
    member.startTimer = setTimeout(
      () => this.#lost(member, "timeout", "the worker process did not get ready"),
      START_LIMIT_MS,
    );
    this.#members.add(member);
    return member;
  }

  /** The spare, if it is ready, and then another one; else a new process. */
  #take(role: "regular" | "disposable"): Member {
    const spare = [...this.#members].find((member) => member.role === "spare" && member.ready);
    if (!spare) return this.#spawn(role);
    spare.role = role;
    this.#spawn("spare");
    return spare;
  }

  #leastLoaded(): Member {
    const members = [...this.#members].filter(({ role }) => role === "regular");
    if (members.length < this.#size) members.push(this.#take("regular"));
    return members.reduce((least, member) => (member.running.size < least.running.size ? member : least));
  }

  #receive(member: Member, frame: WorkerFrame): void {
    if (frame.kind === "ready") {
      this.#gotReady(member);
      return;
    }
    if (frame.kind === "attempt") {
      this.#attempted(member, { ...frame, witness: "worker" }, frame.execution);
      return;
    }
    // Late words about a cancelled execution, or words about another worker's: nobody listens.
    if (!member.running.has(frame.execution)) return;
    const { handlers } = this.#options;
    if (frame.kind === "read") {
      const running = member.running.get(frame.execution);
      const isTooMany = running !== undefined && ++running.reads > LIMITS.objectsPerRequestMax;
      if (isTooMany) this.#lost(member, "oversize", `more than ${LIMITS.objectsPerRequestMax} reads`, frame.execution);
      else handlers.onRead(frame.execution, frame.object);
      return;
    }
    this.#settle(member, frame.execution);
    if (frame.kind === "finished") handlers.onFinished(frame.execution, frame.output);
    else handlers.onFailed(frame.execution, frame.reason, frame.detail, []);
  }

  #gotReady(member: Member): void {
    member.ready = true;
    clearTimeout(member.startTimer);
    for (const running of member.running.values()) this.#arm(member, running);
    // The others first: what serves is worth more than what waits.
    const members = [...this.#members];
    if (members.every(({ role, ready }) => role !== "spare" && ready)) this.#spawn("spare");
    if (member.role === "regular") this.#options.handlers.onReady?.();
  }

  #attempted(
    member: Member,
    { act, target, witness }: Pick<WorkerAttempt, "act" | "target" | "witness">,
    execution: string | null | undefined,
  ): void {
    const started = typeof execution === "string" ? member.known.get(execution) : undefined;
    const { operation = null, requestId = null } = started ?? {};
    this.#options.handlers.onAttempt?.({ act, target, witness, operation, requestId });
  }

  /** The process ended by itself. What the kernel ended it for is told whether or not somebody was inside. */
  #ended(member: Member, reason: ExecutionFailure, detail: string, end: ProcessEnd | undefined): void {
    if (end?.signal === "SIGSYS") {
      const [first, ...others] = member.running.keys();
      const target = "a system call that the filter forbids";
      this.#attempted(member, { act: "system-call", target, witness: "kernel" }, others.length === 0 ? first : null);
    }
    this.#lost(member, reason, detail);
  }

  #arm(member: Member, running: Running): void {
    if (running.timer) return;
    const detail = `no reply within ${running.deadlineMs} ms`;
    running.timer = setTimeout(() => this.#lost(member, "timeout", detail, running.execution), running.deadlineMs);
    this.#cpuWatch.begin(member, running.execution, running.cpuMs);
  }

  #settle(member: Member, execution: string): void {
    clearTimeout(member.running.get(execution)?.timer);
    this.#cpuWatch.end(member, execution);
    member.running.delete(execution);
    this.#memberOf.delete(execution);
    if (member.role === "disposable") this.#discard(member);
  }

  /** The member is gone, or is ended now, with everything that runs inside it. */
  #lost(member: Member, reason: ExecutionFailure, detail: string, execution?: string): void {
    if (!this.#members.has(member)) return;
    const inside = [...member.running.keys()];
    this.#discard(member);
    // One that died while loading the application is replaced at the next request, not in a loop.
    if (member.role === "regular" && member.ready && !this.#closed) this.#take("regular");
    const [first, ...others] =
      execution === undefined ? inside : [execution, ...inside.filter((name) => name !== execution)];
    if (first !== undefined) this.#options.handlers.onFailed(first, reason, detail, others);
  }

  #discard(member: Member): void {
    this.#members.delete(member);
    this.#cpuWatch.forget(member);
    clearTimeout(member.startTimer);
    for (const running of member.running.values()) {
      clearTimeout(running.timer);
      this.#memberOf.delete(running.execution);
    }
    const ending = member.worker.end();
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
  }
}

/** Newest last; the oldest are forgotten. */
function remember<Value>(known: Map<string, Value>, name: string, value: Value): void {
  known.set(name, value);
  if (known.size <= KNOWN_MAX) return;
  const [oldest] = known.keys();
  if (oldest !== undefined) known.delete(oldest);
}

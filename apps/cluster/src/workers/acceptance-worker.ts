/**
 * Runs acceptance tests in a thread that can be killed. A test that hangs or exhausts its memory says nothing about the
 * change: its verdict is `unable` (PROTOCOL §5), the thread is replaced, and the tests that waited behind it are run again.
 * The leak check needs the objects of the host's store, so it runs in the host, after the routine passed.
 */
import { realpathSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { AcceptanceOutcome, AcceptanceRecord, FindConfidential } from "@redoubt/application";
import { checkConfidentiality, evaluateAccess } from "@redoubt/application";
import type { Verdict } from "@redoubt/shared";
import type { LoadedApplication } from "../applications/load-application.ts";
import type { AcceptanceWorkerData } from "./acceptance-worker-entry.ts";

export interface AcceptanceWorkerOptions {
  readonly application: LoadedApplication;
  readonly onVerdict: (id: string, verdict: Verdict) => void;
  /** Looks confidential texts up in the host's store; without it no leak is found. */
  readonly findConfidential?: FindConfidential;
  /** For one test; default 500. */
  readonly timeLimitMs?: number;
  readonly memoryMegabytes?: number;
}

export interface AcceptanceWorker {
  /** Tests a change; the verdict comes by `onVerdict` with the same id, never within this call. */
  test(id: string, record: AcceptanceRecord): void;
  /** Ends the thread; nothing is reported any more. */
  close(): Promise<void>;
}

const TIME_LIMIT_MS = 500;
const START_LIMIT_MS = 15_000;
const MEMORY_MEGABYTES = 128;
/** Tests handed over at once. */
const BATCH_MAX = 64;
/** How often within a time limit the progress is looked at. */
const LOOKS_PER_LIMIT = 4;

interface Test {
  readonly id: string;
  readonly record: AcceptanceRecord;
}

export function createAcceptanceWorker(options: AcceptanceWorkerOptions): AcceptanceWorker {
  return new AcceptanceThread(options);
}

class AcceptanceThread implements AcceptanceWorker {
  readonly #options: AcceptanceWorkerOptions;
  readonly #timeLimitMs: number;
  readonly #progress = new Int32Array(new SharedArrayBuffer(4));
  #thread: Worker | undefined;
  #ready = false;
  #waiting: Test[] = [];
  /** The batch the thread is at. */
  #testing: readonly Test[] = [];
  #scheduled = false;
  #watch: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: AcceptanceWorkerOptions) {
    this.#options = options;
    this.#timeLimitMs = options.timeLimitMs ?? TIME_LIMIT_MS;
    this.#start();
  }

  test(id: string, record: AcceptanceRecord): void {
    this.#waiting.push({ id, record });
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#handOver();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting = [];
    await this.#stop();
  }

  #start(): void {
    const directory = realpathSync(this.#options.application.directory);
    const workerData: AcceptanceWorkerData = { directory, progress: this.#progress.buffer as SharedArrayBuffer };
    const thread = new Worker(`${directory}/acceptance-worker.mjs`, {
      workerData,
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: this.#options.memoryMegabytes ?? MEMORY_MEGABYTES },
    });
    this.#thread = thread;
    this.#ready = false;
    this.#watch = setTimeout(
      () => this.#died(thread, "the acceptance test's thread did not get ready"),
      START_LIMIT_MS,
    );
    thread.on("message", (message: "ready" | readonly AcceptanceOutcome[]) => {
      if (this.#thread !== thread) return;
      clearTimeout(this.#watch);
      if (message === "ready") this.#ready = true;
      else this.#report(message);
      this.#handOver();
    });
    thread.on("error", (error) => this.#died(thread, `the acceptance test died: ${error.message}`));
    thread.on("exit", () => this.#died(thread, "the acceptance test ended its thread"));
  }

  #handOver(): void {
    if (this.#closed || this.#testing.length > 0 || this.#waiting.length === 0) return;
    if (!this.#thread) this.#start();
    if (!this.#ready) return;
    this.#testing = this.#waiting.slice(0, BATCH_MAX);
    this.#waiting = this.#waiting.slice(BATCH_MAX);
    Atomics.store(this.#progress, 0, 0);
    this.#thread?.postMessage(this.#testing.map(({ record }) => record));
    this.#watchProgress(0, 0);
  }

  /** Ends the thread when one record takes longer than the limit, however many are in the batch. */
  #watchProgress(index: number, looks: number): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      const current = Atomics.load(this.#progress, 0);
      const seen = current === index ? looks + 1 : 0;
      if (seen < LOOKS_PER_LIMIT) return this.#watchProgress(current, seen);
      if (this.#thread) this.#died(this.#thread, `the acceptance test did not end within ${this.#timeLimitMs} ms`);
    }, this.#timeLimitMs / LOOKS_PER_LIMIT);
  }

  #report(outcomes: readonly AcceptanceOutcome[]): void {
    const tests = this.#testing;
    this.#testing = [];
    for (const [index, { id, record }] of tests.entries()) {
      const outcome = outcomes[index];
      if (outcome) this.#options.onVerdict(id, outcome.pass ? this.#leakVerdict(record) : failed(outcome));
    }
  }

  #leakVerdict(record: AcceptanceRecord): Verdict {
    const { application, findConfidential } = this.#options;
    if (!findConfidential) return { kind: "pass" };
    const access = evaluateAccess(application.contract, record.operation, record.input);
    const failure = access.ok ? checkConfidentiality(access.value, record, findConfidential) : undefined;
    return failure ? { kind: "fail", ...failure } : { kind: "pass" };
  }

  /**
   * The record under test is the one that killed the thread; the others of its batch are tested again. A thread that died
   * before it was ready can test nothing, and a new one is started only for the next test, not in a loop.
   */
  #died(thread: Worker, detail: string): void {
    if (this.#thread !== thread || this.#closed) return;
    const wasReady = this.#ready;
    void this.#stop();
    const tests = wasReady ? this.#testing : this.#waiting.splice(0);
    const culprit = tests[Atomics.load(this.#progress, 0)];
    const unable = wasReady ? tests.filter((test) => test === culprit) : tests;
    this.#testing = [];
    this.#waiting = [...tests.filter((test) => !unable.includes(test)), ...this.#waiting];
    for (const { id } of unable) this.#options.onVerdict(id, { kind: "unable", detail });
    if (wasReady) this.#start();
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#watch);
    const thread = this.#thread;
    this.#thread = undefined;
    this.#ready = false;
    await thread?.terminate();
  }
}

const failed = ({ check, detail }: { readonly check: string; readonly detail: string }): Verdict => ({
  kind: "fail",
  check,
  detail,
});

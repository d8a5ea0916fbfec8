/**
 * The worker processes of one execution server, a pool for each version of the application: a request runs in workers that
 * have loaded the version that admitted it and no other. Versions that are to be ready have their workers started before
 * the first request comes; those of others end with their last request.
 */

import type { LoadedApplication } from "../applications/load-application.ts";
import {
  createExecutionPool,
  type ExecutionPool,
  type ExecutionPoolHandlers,
  type ExecutionStart,
  type SandboxInForce,
  sandboxInForce,
} from "../workers/index.ts";
import type { ServedApplications } from "./served-applications.ts";

interface Pool {
  readonly pool: ExecutionPool;
  warm: boolean;
  readonly running: Set<string>;
}

export interface ExecutionPoolsOptions {
  readonly applications: ServedApplications;
  /** What is run as a version; default: the version itself. */
  readonly runs?: (application: LoadedApplication) => LoadedApplication;
  readonly handlers: Omit<ExecutionPoolHandlers, "onReady">;
  /** A version has a worker that can start at once. */
  readonly onWarm: () => void;
}

export class ExecutionPools {
  readonly #options: ExecutionPoolsOptions;
  readonly #pools = new Map<string, Pool>();
  /** The pool that each execution runs in. */
  readonly #poolOf = new Map<string, Pool>();
  #closed = false;

  constructor(options: ExecutionPoolsOptions) {
    this.#options = options;
    const { applications } = options;
    this.#prepare(applications.ready);
    applications.onReady((ready) => this.#prepare(ready));
    applications.onLoaded(() => this.#prepare(applications.ready));
  }

  /** Versions for which a worker can start at once. */
  get warm(): string[] {
    return [...this.#pools].filter(([, { warm }]) => warm).map(([version]) => version);
  }

  /** False when this version is not here. */
  start(version: string, start: ExecutionStart): boolean {
    const pool = this.#pools.get(version) ?? this.#open(version);
    if (!pool) return false;
    pool.running.add(start.execution);
    this.#poolOf.set(start.execution, pool);
    pool.pool.start(start);
    return true;
  }

  provide(...[execution, object, value, schema]: Parameters<ExecutionPool["provide"]>): void {
    this.#poolOf.get(execution)?.pool.provide(execution, object, value, schema);
  }

  cancel(execution: string): void {
    this.#poolOf.get(execution)?.pool.cancel(execution);
    this.#settled(execution);
  }

  get sandbox(): SandboxInForce {
    for (const { pool } of this.#pools.values()) return pool.status().sandbox;
    return sandboxInForce();
  }

  status(): ReturnType<ExecutionPool["status"]>["workers"] {
    return [...this.#pools.values()].flatMap(({ pool }) => pool.status().workers);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.close()));
  }

  #prepare(ready: ReadonlySet<string>): void {
    if (this.#closed) return;
    for (const version of ready) if (!this.#pools.has(version)) this.#open(version);
    for (const version of [...this.#pools.keys()]) this.#closeIfIdle(version);
  }

  #open(version: string): Pool | undefined {
    const application = this.#options.applications.of(version);
    if (!application || this.#closed) return undefined;
    const { handlers, onWarm, runs } = this.#options;
    const pool: Pool = {
      warm: false,
      running: new Set(),
      pool: createExecutionPool({
        application: runs?.(application) ?? application,
        handlers: {
          onRead: handlers.onRead,
          ...(handlers.onAttempt ? { onAttempt: handlers.onAttempt } : {}),
          onFinished: (execution, output) => {
            this.#settled(execution);
            handlers.onFinished(execution, output);
          },
          onFailed: (execution, reason, detail, alsoInside) => {
            for (const each of [execution, ...alsoInside]) this.#settled(each);
            handlers.onFailed(execution, reason, detail, alsoInside);
          },
          onReady: () => {
            if (pool.warm) return;
            pool.warm = true;
            onWarm();
          },
        },
      }),
    };
    this.#pools.set(version, pool);
    return pool;
  }

  #settled(execution: string): void {
    const pool = this.#poolOf.get(execution);
    this.#poolOf.delete(execution);
    pool?.running.delete(execution);
    for (const [version, each] of this.#pools) if (each === pool) this.#closeIfIdle(version);
  }

  #closeIfIdle(version: string): void {
    const pool = this.#pools.get(version);
    if (!pool || pool.running.size > 0 || this.#options.applications.ready.has(version)) return;
    this.#pools.delete(version);
    void pool.pool.close();
  }
}

/**
 * The thread in which an application's handlers run under attack, right and mutated ones alike: clock and randomness are the same for
 * every execution of a request, so that what differs comes from the mutation. Bundled together with the handlers (threads.ts).
 */
import { parentPort, workerData } from "node:worker_threads";
import type { ContractJson } from "../../contract/contract-json.ts";
import { runOperation } from "../../execution/run-operation.ts";
import type { Execution, ExecutionJob } from "./threads.ts";

export interface WorkerData {
  readonly contract: ContractJson;
  readonly world: readonly (readonly [string, unknown])[];
}

/** Answers each message, a list of jobs, with one message for each job. */
export function serve(handlers: unknown): void {
  const { contract, world } = workerData as WorkerData;
  const values = new Map(world);
  parentPort?.on("message", async (jobs: readonly ExecutionJob[]) => {
    for (const job of jobs) parentPort?.postMessage(await execute(contract, handlers, values, job));
  });
  parentPort?.postMessage("ready");
}

const RealDate = Date;

async function execute(
  contract: ContractJson,
  handlers: unknown,
  world: ReadonlyMap<string, unknown>,
  job: ExecutionJob,
): Promise<Execution> {
  const overlay = new Map(job.overlay);
  steady(job.now);
  try {
    const result = await runOperation({
      contract,
      handlers,
      operation: job.operation,
      input: job.input,
      principal: job.principal,
      now: job.now,
      requestId: job.requestId,
      deriveId: (label) => `${job.requestId}-${label}`,
      read: (object) => (overlay.has(object) ? overlay.get(object) : world.get(object)) ?? null,
    });
    return { kind: "done", result };
  } catch (error) {
    return { kind: "crashed", message: error instanceof Error ? error.message : String(error) };
  }
}

/** The clock stands still at the request's admission; random numbers begin anew. */
function steady(now: number): void {
  let state = 0x9e3779b9;
  Math.random = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x85ebca6b) + 0x6d2b79f5) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  globalThis.Date = class extends RealDate {
    constructor(...parts: [] | [number | string | Date]) {
      if (parts.length === 0) super(now);
      else super(...parts);
    }
    static override now(): number {
      return now;
    }
  } as DateConstructor;
}

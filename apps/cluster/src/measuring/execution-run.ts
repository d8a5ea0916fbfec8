/**
 * What `npm run bench:execution` runs for the workers alone: a pool of worker processes, confined as in a cluster, executes an
 * operation with a given amount of work in a closed loop, with one worker up to one for each core. First it calibrates:
 * how many units of work take the wanted CPU time, as the kernel counts it. Arguments: application's folder, scratch
 * folder, CPU milliseconds of work (comma-separated), seconds for each point. One line of JSON to standard output.
 */
import { availableParallelism } from "node:os";
import { bundleApplication, bundleProblemText } from "../applications/bundle-application.ts";
import type { LoadedApplication } from "../applications/load-application.ts";
import { createExecutionPool, type ExecutionPool } from "../workers/index.ts";
import { processCpuMs } from "../workers/process-cpu.ts";

const OPERATION = "work";
/** Executions under way in each worker: the next is there when one ends. */
const DEPTH = 4;
const CALIBRATION_UNITS = 50_000_000;
const CALIBRATION_RUNS = 20;
const DEADLINE_MS = 60_000;

/** One point of the measurement. */
interface Point {
  readonly workMs: number;
  readonly workers: number;
  readonly executionsPerSecond: number;
  /** CPU time of the workers for each execution, milliseconds. */
  readonly workerCpuMs: number;
  /** The same of the shell. */
  readonly shellCpuMs: number;
  /** Executions in relation to what so many cores could do of the bare work in the same time. */
  readonly shareOfIdeal: number;
  /** The same in relation to the CPU time this run was given: what neighbours on the machine took is left out. */
  readonly shareOfReceived: number;
}

class Bench {
  readonly #pool: ExecutionPool;
  readonly #waiting = new Map<string, (failure?: string) => void>();
  readonly ready: Promise<void>;
  #executions = 0;

  constructor(application: LoadedApplication, workers: number) {
    let readyCount = 0;
    let allReady = (): void => {};
    this.ready = new Promise((resolve) => {
      allReady = resolve;
    });
    this.#pool = createExecutionPool({
      application,
      workers,
      handlers: {
        onRead: (execution, object) => this.#pool.provide(execution, object, null),
        onFinished: (execution) => this.#end(execution),
        onFailed: (execution, reason, detail) => this.#end(execution, `${reason}: ${detail}`),
        onReady: () => {
          if (++readyCount === workers) allReady();
        },
      },
    });
  }

  #end(execution: string, failure?: string): void {
    this.#waiting.get(execution)?.(failure);
    this.#waiting.delete(execution);
  }

  run(units: number): Promise<void> {
    const execution = `execution-${++this.#executions}`;
    const context = { principal: "bench", now: Date.now(), seed: "5eed", requestId: execution };
    return new Promise((resolve, reject) => {
      this.#waiting.set(execution, (failure) => (failure === undefined ? resolve() : reject(new Error(failure))));
      const input = { name: "record-1", units };
      this.#pool.start({
        ...{ execution, operation: OPERATION, input, context, deadlineMs: DEADLINE_MS },
        provided: { "record/record-1": { outcome: "", numbers: [], count: 0 } },
      });
    });
  }

  /** CPU time of all workers so far, milliseconds. */
  cpuMs(): number {
    return this.#pool
      .status()
      .workers.reduce((sum, { pid }) => sum + (pid === undefined ? 0 : (processCpuMs(pid) ?? 0)), 0);
  }

  get confinement(): string {
    return this.#pool.status().sandbox.description;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** CPU milliseconds of one unit of work, without what every execution costs. */
async function calibrate(application: LoadedApplication): Promise<number> {
  const bench = new Bench(application, 1);
  await bench.ready;
  const cpuOf = async (units: number): Promise<number> => {
    const before = bench.cpuMs();
    for (let run = 0; run < CALIBRATION_RUNS; run++) await bench.run(units);
    return (bench.cpuMs() - before) / CALIBRATION_RUNS;
  };
  await cpuOf(CALIBRATION_UNITS);
  const withWork = await cpuOf(CALIBRATION_UNITS);
  const without = await cpuOf(0);
  await bench.close();
  return (withWork - without) / CALIBRATION_UNITS;
}

async function measure(
  application: LoadedApplication,
  { workMs, workers, units, seconds }: { workMs: number; workers: number; units: number; seconds: number },
): Promise<Point> {
  const bench = new Bench(application, workers);
  await bench.ready;
  for (let run = 0; run < DEPTH * workers; run++) await bench.run(units);
  const until = performance.now() + seconds * 1_000;
  const startedAt = performance.now();
  const cpuBefore = bench.cpuMs();
  const shellBefore = process.cpuUsage();
  let done = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() < until) {
      await bench.run(units);
      done++;
    }
  };
  await Promise.all(Array.from({ length: DEPTH * workers }, loop));
  const elapsedMs = performance.now() - startedAt;
  const workerCpu = bench.cpuMs() - cpuBefore;
  const shell = process.cpuUsage(shellBefore);
  const shellCpu = (shell.user + shell.system) / 1_000;
  await bench.close();
  return {
    workMs,
    workers,
    executionsPerSecond: rounded(done / (elapsedMs / 1_000), 1),
    workerCpuMs: rounded(workerCpu / done, 3),
    shellCpuMs: rounded(shellCpu / done, 3),
    shareOfIdeal: rounded((done * workMs) / (workers * elapsedMs), 3),
    shareOfReceived: rounded((done * workMs) / (workerCpu + shellCpu), 3),
  };
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

const [folder = "", scratch = "", works = "1,10", seconds = "5"] = process.argv.slice(2);
const bundled = await bundleApplication(folder, scratch);
if (!bundled.ok) throw new Error(bundleProblemText(bundled.error));
const unitMs = await calibrate(bundled.value);
const points: Point[] = [];
const units: Record<string, number> = {};
for (const workMs of works.split(",").map(Number)) {
  units[workMs] = Math.round(workMs / unitMs);
  for (let workers = 1; workers <= availableParallelism(); workers++) {
    const point = await measure(bundled.value, { workMs, workers, units: units[workMs], seconds: Number(seconds) });
    process.stderr.write(
      `${point.workMs} ms, ${point.workers} workers: ${point.executionsPerSecond}/s, ${point.shareOfIdeal} of ideal\n`,
    );
    points.push(point);
  }
}
process.stdout.write(`${JSON.stringify({ cores: availableParallelism(), units, points })}\n`);
process.exit(0);

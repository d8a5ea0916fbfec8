/** `redoubt simulate`: seeded worlds of the real cores, on all cores of the machine. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { SeedResult } from "@redoubt/simulator";
import type { Command } from "commander";
import { CommandFailure } from "../failure.ts";
import { note, print, printJson } from "../output.ts";
import { wholeNumber, withCommonOptions } from "./shared-options.ts";

interface SimulateOptions {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly json: boolean;
}

export function registerSimulate(program: Command): void {
  withCommonOptions(
    program
      .command("simulate")
      .description("run seeded simulations of a whole cluster; exit 1 on a violated invariant")
      .option("--seeds <n>", "how many seeds", wholeNumber(1), 20)
      .option("--from <k>", "first seed", wholeNumber(1), 1)
      .option("--seed <n>", "one seed, the same run every time", wholeNumber(1)),
  ).action((options: SimulateOptions) => simulate(options));
}

async function simulate(options: SimulateOptions): Promise<void> {
  const first = options.seed ?? options.from;
  const count = options.seed === undefined ? options.seeds : 1;
  const startedAt = performance.now();
  const results = await runAll(first, count, options.json);
  const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(1));
  const faults: Record<string, number> = {};
  for (const result of results)
    for (const [kind, times] of Object.entries(result.faults)) faults[kind] = (faults[kind] ?? 0) + times;
  const violations = results.flatMap((result) => result.violations);
  const events = results.reduce((total, result) => total + result.events, 0);
  const operations = results.reduce((total, result) => total + result.operations, 0);
  if (options.json) printJson({ seeds: count, events, operations, faults, violations, seconds });
  else {
    for (const violation of violations) print(`seed ${violation.seed}: ${violation.invariant}: ${violation.detail}`);
    print(
      `${count} seeds, ${operations} operations, ${events} events, ${violations.length} violations in ${seconds} s`,
    );
    print(
      Object.entries(faults)
        .sort()
        .map(([kind, times]) => `${kind} ${times}`)
        .join(", "),
    );
  }
  for (const seed of new Set(violations.map((violation) => violation.seed)))
    note(`to see it again: npx redoubt simulate --seed ${seed}`);
  if (violations.length > 0) throw new CommandFailure("");
}

/** Seeds are handed out one by one, so that a slow one holds nobody up. */
async function runAll(first: number, count: number, quiet: boolean): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  let next = first;
  const last = first + count - 1;
  const workers = Math.min(count, availableParallelism());
  await Promise.all(
    Array.from(
      { length: workers },
      () =>
        new Promise<void>((done, failed) => {
          const worker = new Worker(new URL("../simulation-worker.js", import.meta.url));
          const give = (): void => {
            if (next > last) void worker.terminate().then(() => done());
            else worker.postMessage(next++);
          };
          worker.on("message", (result: SeedResult) => {
            results.push(result);
            if (!quiet && results.length % 50 === 0) note(`${results.length} of ${count} seeds`);
            give();
          });
          worker.once("error", failed);
          give();
        }),
    ),
  );
  return results.sort((left, right) => left.seed - right.seed);
}

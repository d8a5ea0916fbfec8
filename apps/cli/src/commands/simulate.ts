/** `redoubt simulate`: seeded worlds of the real cores, on all cores of the machine. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { AdversaryMix, SeedResult } from "@redoubt/simulator";
import { type Command, Option } from "commander";
import { CommandFailure } from "../failure.ts";
import { note, print, printJson } from "../output.ts";
import { wholeNumber, withCommonOptions } from "./shared-options.ts";

interface SimulateOptions {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly adversaries: AdversaryMix;
  readonly json: boolean;
}

export function registerSimulate(program: Command): void {
  withCommonOptions(
    program
      .command("simulate")
      .description("run seeded simulations of a whole cluster; exit 1 on a violated invariant")
      .option("--seeds <n>", "how many seeds", wholeNumber(1), 20)
      .option("--from <k>", "first seed", wholeNumber(1), 1)
      .option("--seed <n>", "one seed, the same run every time", wholeNumber(1))
      .addOption(
        new Option(
          "--adversaries <mix>",
          "usual: one seed in five composes Byzantine behaviours at random; mixed: every seed does, several behaviours " +
            "in each of several captured execution servers, changing over time, and in t replicas; plain: none does",
        )
          .choices(["usual", "mixed", "plain"])
          .default("usual"),
      ),
  ).action((options: SimulateOptions) => simulate(options));
}

async function simulate(options: SimulateOptions): Promise<void> {
  const first = options.seed ?? options.from;
  const count = options.seed === undefined ? options.seeds : 1;
  const startedAt = performance.now();
  const results = await runAll(first, count, options.adversaries, options.json);
  const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(1));
  const faults: Record<string, number> = {};
  for (const result of results)
    for (const [kind, times] of Object.entries(result.faults)) faults[kind] = (faults[kind] ?? 0) + times;
  const violations = results.flatMap((result) => result.violations);
  const events = results.reduce((total, result) => total + result.events, 0);
  const operations = results.reduce((total, result) => total + result.operations, 0);
  const compositions = tellCompositions(results);
  if (options.json) printJson({ seeds: count, events, operations, faults, compositions, violations, seconds });
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
    print(
      `captured processes that did harm: ${compositions.processes}, in ${compositions.distinct} compositions of behaviours`,
    );
  }
  for (const seed of new Set(violations.map((violation) => violation.seed)))
    note(`to see it again: npx redoubt simulate --adversaries ${options.adversaries} --seed ${seed}`);
  if (violations.length > 0) throw new CommandFailure("");
}

interface Compositions {
  /** Captured processes in which some behaviour took place. */
  readonly processes: number;
  /** Different sets of behaviours that took place in one process. */
  readonly distinct: number;
  /** Number of behaviours in one process → processes. */
  readonly bySize: Readonly<Record<string, number>>;
  /** Two behaviours, as "A1+A4" → processes in which both took place. */
  readonly pairs: Readonly<Record<string, number>>;
}

function tellCompositions(results: readonly SeedResult[]): Compositions {
  const distinct = new Set<string>();
  const bySize: Record<string, number> = {};
  const pairs: Record<string, number> = {};
  let processes = 0;
  for (const [name, times] of results.flatMap((result) => Object.entries(result.compositions))) {
    const ids = name.split("+");
    distinct.add(name);
    processes += times;
    bySize[ids.length] = (bySize[ids.length] ?? 0) + times;
    ids.forEach((one, index) => {
      for (const other of ids.slice(index + 1)) pairs[`${one}+${other}`] = (pairs[`${one}+${other}`] ?? 0) + times;
    });
  }
  return { processes, distinct: distinct.size, bySize, pairs };
}

/** Seeds are handed out one by one, so that a slow one holds nobody up. */
async function runAll(first: number, count: number, adversaries: AdversaryMix, quiet: boolean): Promise<SeedResult[]> {
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
            else worker.postMessage({ seed: next++, adversaries });
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

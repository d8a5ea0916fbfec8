/**
 * Attacks an application: its honest work is forged in every way that REQUIREMENTS §C knows and by every source mutant of its
 * handlers, and each forgery is put before its acceptance tests. What is accepted is told with the combinator that would have caught
 * it. It measures the acceptance tests, not the infrastructure: links, tickets, votes and orders are attacked by drills and simulator.
 */

import { jsonEqual } from "../../acceptance/json-values.ts";
import type { AcceptanceApplication } from "../../acceptance/prepare-acceptance.ts";
import { prepareAcceptance } from "../../acceptance/prepare-acceptance.ts";
import type { AcceptanceRecord } from "../../acceptance/record.ts";
import { compileContract } from "../../contract/compile-contract.ts";
import type { ContractJson } from "../../contract/contract-json.ts";
import type { ApplicationFiles } from "../test-kit.ts";
import { problemText } from "../test-kit.ts";
import { BEHAVIOURS } from "./behaviours.ts";
import { suggesterOf } from "./candidates.ts";
import type { Execute, RequestSource, World } from "./cases.ts";
import { jobsOf, otherJobs, recordOf, warmUp } from "./cases.ts";
import { inThisProcess } from "./in-process.ts";
import { harmOf, isOtherRefusal, Judge } from "./judging.ts";
import { attackWithMutants, sourcesOf, wordsOf } from "./mutation.ts";
import { refusalNameOf } from "./other-candidates.ts";
import { Counter, Survivors } from "./tallies.ts";
import type { ExecutionJob } from "./threads.ts";
import { Threads } from "./threads.ts";
import type { AttackReport, BehaviourReport, HonestCase, MutantReport, OperationReport } from "./types.ts";

export interface AttackOptions {
  /** The same seed gives the same requests. Default 1. */
  readonly seed?: number;
  /** Requests for each operation. Default 40. */
  readonly cases?: number;
  /** Folder of execution.ts: with it source mutants are made, and handlers run in a thread. */
  readonly folder?: string;
  /** Default true, with a folder. */
  readonly mutants?: boolean;
  readonly onProgress?: (line: string) => void;
}

/** What the parts of an attack share. */
export interface Attack {
  readonly contract: ContractJson;
  readonly world: World;
  readonly judge: Judge;
  readonly cases: readonly HonestCase[];
  readonly jobs: ReadonlyMap<HonestCase, ExecutionJob>;
  readonly survivors: Survivors;
  readonly onProgress: (line: string) => void;
  otherTrueRefusals: number;
}

const DEFAULT_CASES = 40;

/** Throws naming every problem of contract and acceptance tests; everything else is in the report. */
export async function attack(files: ApplicationFiles, options: AttackOptions = {}): Promise<AttackReport> {
  const compiled = compileContract(files.contract);
  if (!compiled.ok) throw new Error(problemText(compiled.error));
  const contract = compiled.value;
  const application = prepareAcceptance(contract, files.acceptance);
  if (!application.ok) throw new Error(problemText(application.error));
  const { folder } = options;
  if (folder === undefined)
    return run(contract, application.value, options, undefined, inThisProcess(contract, files.execution));
  const first = contract.genesis.map(({ object, value }) => [object, value] as const);
  const threads = new Threads(folder, contract, first);
  try {
    return await run(contract, application.value, options, threads, async (jobs) => (await threads.run(jobs)) ?? []);
  } finally {
    await threads.close();
  }
}

async function run(
  contract: ContractJson,
  application: AcceptanceApplication,
  options: AttackOptions,
  threads: Threads | undefined,
  execute: Execute,
): Promise<AttackReport> {
  const { seed = 1, cases = DEFAULT_CASES, onProgress = () => {} } = options;
  const beganAt = performance.now();
  onProgress("running honest requests");
  const genesis = new Judge(application, new Map(contract.genesis.map(({ object, value }) => [object, value])));
  const accepts = (record: AcceptanceRecord): boolean => genesis.judge(record, new Map()).pass;
  const world = await warmUp(contract, seed, execute, accepts);
  const judge = new Judge(application, world);
  const changed = changedSince(contract, world);
  const words = options.folder === undefined ? [] : wordsOf(await sourcesOf(options.folder));
  const honest = await honestCases(contract, judge, execute, { world, seed, count: cases, words }, changed);
  const state: Attack = {
    contract,
    world,
    judge,
    cases: honest.cases,
    jobs: honest.jobs,
    survivors: new Survivors(),
    onProgress,
    otherTrueRefusals: 0,
  };
  onProgress(`forging ${honest.cases.length} honest records`);
  const behaviours = await attackWithBehaviours(state, execute);
  const mutants =
    threads && options.folder !== undefined && options.mutants !== false
      ? await attackWithMutants(state, options.folder, threads)
      : null;
  return report(state, {
    seed,
    operations: honest.operations,
    behaviours,
    mutants,
    seconds: (performance.now() - beganAt) / 1000,
  });
}

/** Objects that the warm-up changed: threads know the first state only. */
function changedSince(contract: ContractJson, world: World): ReadonlyMap<string, unknown> {
  const first = new Map(contract.genesis.map(({ object, value }) => [object, value]));
  return new Map([...world].filter(([object, value]) => !jsonEqual(first.get(object) ?? null, value)));
}

interface Honest {
  readonly cases: HonestCase[];
  readonly jobs: Map<HonestCase, ExecutionJob>;
  readonly operations: OperationReport[];
}

async function honestCases(
  contract: ContractJson,
  judge: Judge,
  execute: Execute,
  source: RequestSource,
  changed: ReadonlyMap<string, unknown>,
): Promise<Honest> {
  const honest: Honest = { cases: [], jobs: new Map(), operations: [] };
  for (const [index, operation] of Object.values(contract.operations).entries()) {
    const jobs = jobsOf(contract, operation.name, { ...source, seed: source.seed + index * 1_000 }).map((job) => ({
      ...job,
      overlay: [...new Map([...changed, ...job.overlay])],
    }));
    const [first, second] = [await execute(jobs), await execute(jobs)];
    const refusals: Record<string, number> = {};
    let crashed = 0;
    let rejected = 0;
    let rejection: OperationReport["rejection"] = null;
    const isUnstable = !jsonEqual(comparable(first), comparable(second));
    for (const [at, execution] of first.entries()) {
      const job = jobs[at] as ExecutionJob;
      if (execution.kind !== "done") {
        crashed++;
        continue;
      }
      const overlay = new Map(job.overlay);
      const record = recordOf(job, execution.result, source.world);
      const outcome = judge.judge(record, overlay);
      const honestCase: HonestCase = { operation: operation.name, overlay, record, outcome };
      const refusal = refusalNameOf(operation, record);
      if (refusal !== undefined) refusals[refusal] = (refusals[refusal] ?? 0) + 1;
      if (outcome.pass) {
        honest.cases.push(honestCase);
        honest.jobs.set(honestCase, job);
      } else {
        rejected++;
        rejection ??= { input: job.input, check: outcome.check, detail: outcome.detail };
      }
    }
    honest.operations.push({
      operation: operation.name,
      cases: jobs.length,
      refusals,
      crashed,
      rejected,
      unstable: isUnstable,
      rejection,
    });
  }
  return honest;
}

const comparable = (executions: readonly unknown[]): unknown => JSON.parse(JSON.stringify(executions)) as unknown;

async function attackWithBehaviours(state: Attack, execute: Execute): Promise<BehaviourReport[]> {
  const counters = new Map(BEHAVIOURS.map((behaviour) => [behaviour.name, new Counter()]));
  const stranger = strangersOf(state);
  const work = await otherWorkOf(state, execute);
  for (const honest of state.cases) {
    const operation = state.contract.operations[honest.operation];
    if (!operation) continue;
    const otherWork = work.get(honest) ?? [];
    const surroundings = { contract: state.contract, operation, stranger: stranger(honest), otherWork };
    for (const { name, forge } of BEHAVIOURS)
      for (const { record, what } of forge(honest, surroundings)) {
        const harm = harmOf(honest.record, record);
        if (harm === undefined) continue;
        const outcome = state.judge.judge(record, honest.overlay);
        if (outcome.pass && isOtherRefusal(honest.record, record)) {
          state.otherTrueRefusals++;
          continue;
        }
        counters.get(name)?.add(harm, outcome);
        state.survivors.add(
          { operation: honest.operation, behaviour: name, what },
          harm,
          outcome,
          honest.record,
          record,
        );
      }
  }
  return BEHAVIOURS.map(({ name, catalogue, title }) => {
    const counter = counters.get(name) ?? new Counter();
    const [stored, told, looked] = [counter.of("state"), counter.of("reply"), counter.of("access")];
    return {
      behaviour: name,
      catalogue,
      title,
      state: stored,
      reply: told,
      access: looked,
      caughtBy: counter.caughtBy,
    };
  });
}

interface OtherWork {
  readonly what: string;
  readonly input: unknown;
  readonly record: AcceptanceRecord;
}

/** For every case what the same server did for others; all of it executed at once. */
async function otherWorkOf(state: Attack, execute: Execute): Promise<Map<HonestCase, OtherWork[]>> {
  const wanted = state.cases.flatMap((honest) => {
    const job = state.jobs.get(honest);
    if (!job) return [];
    const others = state.cases.flatMap((other) => {
      const otherJob = other.operation === honest.operation ? state.jobs.get(other) : undefined;
      return otherJob ? [otherJob] : [];
    });
    const at = others.indexOf(job);
    const rotated = [...others.slice(at + 1), ...others.slice(0, at)];
    return otherJobs(state.contract, job, rotated, state.world).map((entry) => ({
      honest,
      what: entry.what,
      other: entry.job,
    }));
  });
  const executions = await execute(wanted.map(({ other }) => other));
  const work = new Map<HonestCase, OtherWork[]>();
  for (const [index, { honest, what, other }] of wanted.entries()) {
    const execution = executions[index];
    const job = state.jobs.get(honest);
    if (execution?.kind !== "done" || !job) continue;
    const entry = { what, input: other.input, record: recordOf(job, execution.result, state.world) };
    work.set(honest, [...(work.get(honest) ?? []), entry]);
  }
  return work;
}

/** For a case some object it does not name, of a type with texts or numbers if there is one. */
function strangersOf({ world }: Attack) {
  const objects = [...world];
  return (honest: HonestCase): { readonly object: string; readonly value: unknown } | undefined => {
    const named = new Set([...honest.record.reads, ...honest.record.writes].map(({ object }) => object));
    const inputText = JSON.stringify(honest.record.input);
    const found = objects.findLast(
      ([object]) => !named.has(object) && !inputText.includes(object.split("/").at(-1) ?? ""),
    );
    return found && { object: found[0], value: found[1] };
  };
}

function report(
  state: Attack,
  {
    seed,
    operations,
    behaviours,
    mutants,
    seconds,
  }: {
    readonly seed: number;
    readonly operations: readonly OperationReport[];
    readonly behaviours: readonly BehaviourReport[];
    readonly mutants: readonly MutantReport[] | null;
    readonly seconds: number;
  },
): AttackReport {
  const tallies = [...behaviours, ...(mutants ?? [])].map((entry) => entry.state);
  const sum = (field: "tried" | "caught"): number => tallies.reduce((total, tally) => total + tally[field], 0);
  const suggesters = new Map(
    Object.values(state.contract.operations).map((operation) => {
      const records = state.cases.filter((entry) => entry.operation === operation.name).map(({ record }) => record);
      return [operation.name, suggesterOf(state.contract, operation, records)];
    }),
  );
  return {
    application: state.contract.name,
    version: state.contract.version,
    seed,
    operations,
    behaviours,
    mutants,
    stateChanging: { tried: sum("tried"), caught: sum("caught") },
    survivors: state.survivors.report((operation) => suggesters.get(operation) ?? (() => [])),
    otherTrueRefusals: state.otherTrueRefusals,
    seconds: Math.round(seconds * 10) / 10,
  };
}

/** Every source mutant of the handlers runs every honest request; where its work differs, the acceptance test must say no. */
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { Attack } from "./attack.ts";
import { recordOf } from "./cases.ts";
import { harmOf, isOtherRefusal } from "./judging.ts";
import type { Mutant } from "./mutants.ts";
import { mutantsOf } from "./mutants.ts";
import { Counter } from "./tallies.ts";
import type { Execution, Threads } from "./threads.ts";
import type { HonestCase, MutantFate, MutantReport } from "./types.ts";

export async function attackWithMutants(attack: Attack, folder: string, threads: Threads): Promise<MutantReport[]> {
  const mutants = mutantsOf(await sourcesOf(folder));
  const jobs = attack.cases.flatMap((honest) => attack.jobs.get(honest) ?? []);
  const reports: MutantReport[] = [];
  for (const [index, mutant] of mutants.entries()) {
    if (index % 25 === 0) attack.onProgress(`mutant ${index + 1} of ${mutants.length}`);
    const executions = await threads.run(jobs, { file: mutant.file, text: mutant.text });
    if (executions) reports.push(judgeMutant(attack, mutant, executions));
  }
  return reports;
}

/** execution.ts and what it imports from its folder at run time, except the contract. */
export async function sourcesOf(folder: string): Promise<Record<string, string>> {
  const sources: Record<string, string> = {};
  const read = async (file: string): Promise<void> => {
    if (file in sources || file === "contract.ts" || file.startsWith("..")) return;
    const text = await readFile(join(folder, file), "utf8");
    sources[file] = text;
    for (const [, path = ""] of text.matchAll(
      /^\s*(?:import|export)\s+(?!type\b)[^;]*?from\s+["'](\.[^"']+\.ts)["']/gm,
    ))
      await read(relative(folder, join(folder, dirname(file), path)));
  };
  await read("execution.ts");
  return sources;
}

const WORDS_MAX = 200;

/** Names that the sources use: what a request should try where any key may be sent. */
export function wordsOf(sources: Readonly<Record<string, string>>): string[] {
  const words = Object.values(sources).flatMap(
    (text) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "").match(/\b[a-z][A-Za-z0-9]{2,30}\b/g) ?? [],
  );
  return [...new Set(words)].slice(0, WORDS_MAX);
}

function judgeMutant(attack: Attack, mutant: Mutant, executions: readonly Execution[]): MutantReport {
  const counter = new Counter();
  const { file, line, what } = mutant;
  const name = `${file}:${line} ${what}`;
  let differs = 0;
  let ended = 0;
  let accepted = 0;
  for (const [index, honest] of attack.cases.entries()) {
    const execution = executions[index];
    const job = attack.jobs.get(honest);
    if (!execution || !job) continue;
    if (execution.kind !== "done") {
      ended++;
      continue;
    }
    const record = recordOf(job, execution.result, attack.world);
    const harm = harmOf(honest.record, record);
    if (harm === undefined || harm === "access") continue;
    differs++;
    const outcome = attack.judge.judge(record, honest.overlay);
    if (outcome.pass && isOtherRefusal(honest.record, record)) {
      attack.otherTrueRefusals++;
      differs--;
      continue;
    }
    if (outcome.pass) accepted++;
    counter.add(harm, outcome);
    attack.survivors.add(kindOf(honest, name), harm, outcome, honest.record, record);
  }
  const fate = fateOf(differs, ended, accepted);
  return { file, line, what, fate, state: counter.of("state"), reply: counter.of("reply"), caughtBy: counter.caughtBy };
}

const kindOf = ({ operation }: HonestCase, what: string) => ({ operation, behaviour: "mutant", what });

function fateOf(differs: number, ended: number, accepted: number): MutantFate {
  if (accepted > 0) return "survived";
  if (differs > 0) return "caught";
  return ended > 0 ? "crashed" : "equivalent";
}

/** `redoubt app attack`: how much of a captured server's work an application's acceptance tests let through, without a cluster. */
import type { AttackReport, Survivor } from "@redoubt/application/test";
import { type Command, InvalidArgumentError } from "commander";
import { CommandFailure } from "../failure.ts";
import { note, print, printJson, printTable } from "../output.ts";
import { wholeNumber } from "./shared-options.ts";

interface AttackCommandOptions {
  readonly seed: number;
  readonly cases: number;
  readonly mutants: boolean;
  readonly json: boolean;
}

const CASES_MAX = 2_000;

function folderName(text: string): string {
  if (text === "") throw new InvalidArgumentError("the folder of an application expected");
  return text;
}

export function registerAppAttack(app: Command): void {
  app
    .command("attack")
    .description(
      "forge an application's work in every known way and by every mutant of its execution.ts, and say what its acceptance tests accept and which combinator would not; runs the application's code on this machine; exit 1 when a change of the state is accepted",
    )
    .argument("<folder>", "folder with contract.ts, execution.ts and acceptance.ts", folderName)
    .option("--seed <n>", "the same seed gives the same requests", wholeNumber(1), 1)
    .option("--cases <n>", "requests for each operation", wholeNumber(4, CASES_MAX), 40)
    .option("--no-mutants", "leave the mutants of execution.ts out")
    .option("--json", "one line of JSON on standard output", false)
    .action((folder: string, options: AttackCommandOptions) => attackApplication(folder, options));
}

async function attackApplication(folder: string, { seed, cases, mutants, json }: AttackCommandOptions): Promise<void> {
  // Compiler and bundler are loaded by this command alone.
  const { attackFolder } = await import("@redoubt/application/test");
  const report = await attackFolder(folder, { seed, cases, mutants, onProgress: json ? () => {} : note }).catch(
    (error: unknown) => {
      throw new CommandFailure(error instanceof Error ? error.message : String(error));
    },
  );
  if (json) printJson(report);
  else describe(report);
  const { tried, caught } = report.stateChanging;
  if (caught < tried) throw new CommandFailure(json ? "" : `${tried - caught} wrong changes of the state are accepted`);
}

function describe(report: AttackReport): void {
  describeHonest(report);
  printTable(
    ["behaviour", "", "state", "reply", "access"],
    report.behaviours.map(({ catalogue, title, state, reply, access }) => [
      catalogue,
      title,
      ...[state, reply, access].map(share),
    ]),
  );
  if (report.mutants) {
    const count = (fate: string): number => report.mutants?.filter((mutant) => mutant.fate === fate).length ?? 0;
    print(
      `${report.mutants.length} mutants: ${count("caught")} caught, ${count("survived")} survived, ${count("crashed")} crashed or never ended, ${count("equivalent")} showed no difference`,
    );
  }
  describeSurvivors(report.survivors);
  const { tried, caught } = report.stateChanging;
  print(`${caught} of ${tried} wrong changes of the state caught, in ${report.seconds} s (seed ${report.seed})`);
}

const share = ({ tried, caught }: { readonly tried: number; readonly caught: number }): string =>
  tried === 0 ? "–" : `${caught} of ${tried}`;

function describeHonest({ operations }: AttackReport): void {
  for (const { operation, cases, crashed, rejected, unstable, rejection } of operations) {
    if (crashed > 0) note(`${operation}: the handler threw in ${crashed} of ${cases} requests`);
    if (unstable)
      note(`${operation}: two executions of the same request differ, so its mutants cannot all be told from it`);
    if (rejection)
      note(
        `${operation}: ${rejected} of ${cases} honest changes are rejected (${rejection.check}: ${rejection.detail})`,
      );
  }
}

const HARMS = {
  state: "wrong changes of the state are accepted",
  reply: "wrong replies are accepted",
  access: "accesses are accepted that differ from honest ones",
} as const;
const LISTED_MAX = 6;

/** Forgeries that the same combinator would catch are told together. */
function describeSurvivors(survivors: readonly Survivor[]): void {
  const groups = new Map<string, Survivor[]>();
  for (const survivor of survivors) {
    const name = [survivor.operation, survivor.harm, survivor.caughtBy[0]?.text].join("|");
    groups.set(name, [...(groups.get(name) ?? []), survivor]);
  }
  for (const group of groups.values()) {
    const [{ operation, harm, caughtBy }] = group as [Survivor];
    print(`${operation}: ${HARMS[harm]}`);
    for (const { behaviour, what, accepted, tried } of group.slice(0, LISTED_MAX))
      print(`    ${behaviour === "mutant" ? "" : `${behaviour}: `}${what} (${accepted} of ${tried})`);
    if (group.length > LISTED_MAX) print(`    and ${group.length - LISTED_MAX} more kinds`);
    if (caughtBy.length === 0) print("  no combinator that was tried tells them from honest work");
    for (const { where, text } of caughtBy) print(`  would be caught by ${where}: ${text}`);
  }
}

/** `redoubt drill`: misbehaviour and faults in a running cluster, and what came of them. */
import { type Command, InvalidArgumentError } from "commander";
import { administer } from "../administration.ts";
import { DRILLS, type Drill } from "../drills/catalogue.ts";
import { type DrillReport, isPassed } from "../drills/report.ts";
import { runDrill } from "../drills/run-drill.ts";
import { CommandFailure } from "../failure.ts";
import { note, printJson, printTable } from "../output.ts";
import { type CommonOptions, withCommonOptions } from "./shared-options.ts";

function drillName(text: string): string {
  const name = text.toUpperCase();
  if (name === "ALL" || name === "LIST") return name.toLowerCase();
  if (DRILLS.some((drill) => drill.name === name)) return name;
  throw new InvalidArgumentError(`one of ${DRILLS.map((drill) => drill.name).join(", ")}, all or list expected`);
}

export function registerDrill(program: Command): void {
  withCommonOptions(
    program
      .command("drill")
      .description(
        "make one server misbehave, or end some, in a running cluster, while clients of the drill's own ask; reports what was detected, in how long, and what the clients saw; exit 1 unless all went well",
      )
      .argument("<name>", "name of a drill, all, or list", drillName),
  ).action(async (name: string, options: CommonOptions) => {
    if (name === "list") return list(options);
    const reports = await runAll(
      DRILLS.filter((drill) => name === "all" || drill.name === name),
      options,
    );
    if (options.json) printJson(name === "all" ? { drills: reports } : reports[0]);
    else printReports(reports);
    const failed = reports.filter((report) => !isPassed(report));
    if (failed.length > 0) throw new CommandFailure(failed.map((report) => `drill ${report.drill} failed`).join("; "));
  });
}

function list({ json }: CommonOptions): void {
  if (json) printJson(DRILLS.map(({ name, title, kind }) => ({ drill: name, title, kind })));
  else {
    printTable(
      ["drill", "what happens"],
      DRILLS.map(({ name, title }) => [name, title]),
    );
  }
}

async function runAll(drills: readonly Drill[], { data }: CommonOptions): Promise<DrillReport[]> {
  const reports: DrillReport[] = [];
  for (const drill of drills) {
    reports.push(
      await administer(data, (administration, access) =>
        runDrill({ administration, data: access.data, say: note }, drill),
      ),
    );
  }
  return reports;
}

const milliseconds = (duration: number | null): string => (duration === null ? "–" : `${duration} ms`);

function printReports(reports: readonly DrillReport[]): void {
  printTable(
    ["drill", "what happened", "detected", "contained", "wrong replies", "harmed", "detected by"],
    reports.map((report) => [
      report.drill,
      report.title,
      report.detected ? milliseconds(report.detectedInMs) : "no",
      milliseconds(report.containedInMs),
      report.wrongReplyReleased,
      report.bystandersHarmed,
      report.by ?? "–",
    ]),
  );
}

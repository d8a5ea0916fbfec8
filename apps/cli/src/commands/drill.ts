/** `redoubt drill`: misbehaviour and faults in a running cluster, and what came of them. */
import { TRPCClientError } from "@trpc/client";
import { type Command, InvalidArgumentError } from "commander";
import { type Administration, administer } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import { note, printJson, printTable } from "../output.ts";
import { type CommonOptions, withCommonOptions } from "./shared-options.ts";

/** What each drill brings; the cluster knows how. */
const DRILLS: Readonly<Record<string, string>> = {
  A1: "an execution server replies wrongly, though it changes the state rightly",
  A2: "an execution server changes the state wrongly, though it replies rightly",
  A4: "an execution server sends one replica another change than the others",
  A12: "an execution server puts another client's secret into a reply",
  F1: "kill -9 of the execution server that holds the leases",
  F2: "kill -9 of as many state replicas as are tolerated, at once",
  F3: "kill -9 of the state masters' primary",
};

const POLL_MS = 200;
const LIMIT_MS = 180_000;
const BUSY_LIMIT_MS = 5_000;

type Run = Awaited<ReturnType<Administration["drills"]["result"]["query"]>>;
type Report = NonNullable<Run["result"]>;

/** Detected, contained, nothing wrong let out, nobody harmed. */
export const isPassed = (report: Report): boolean =>
  report.detected && report.containedInMs !== null && report.wrongReplyReleased === 0 && report.bystandersHarmed === 0;

function drillName(text: string): string {
  const name = text.toUpperCase();
  if (name === "ALL" || name === "LIST") return name.toLowerCase();
  if (Object.hasOwn(DRILLS, name)) return name;
  throw new InvalidArgumentError(`one of ${Object.keys(DRILLS).join(", ")}, all or list expected`);
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
    const reports = await runAll(name === "all" ? Object.keys(DRILLS) : [name], options);
    if (!options.json) printReports(reports);
    else printJson(name === "all" ? { drills: reports } : reports[0]);
    const failed = reports.filter((report) => !isPassed(report));
    if (failed.length > 0) throw new CommandFailure(failed.map(({ drill }) => `drill ${drill} failed`).join("; "));
  });
}

function list({ json }: CommonOptions): void {
  if (json) printJson(Object.entries(DRILLS).map(([drill, title]) => ({ drill, title })));
  else printTable(["drill", "what happens"], Object.entries(DRILLS));
}

async function runAll(names: readonly string[], { data }: CommonOptions): Promise<Report[]> {
  const reports: Report[] = [];
  for (const drill of names) {
    note(`drill ${drill}: ${DRILLS[drill]}`);
    reports.push(await administer(data, (administration) => runOne(administration, drill)));
  }
  return reports;
}

async function runOne(administration: Administration, drill: string): Promise<Report> {
  const { drillId } = await startWhenFree(administration, drill);
  const limit = performance.now() + LIMIT_MS;
  for (;;) {
    const { state, result, error } = await administration.drills.result.query({ drillId });
    if (result !== null) return result;
    if (state === "failed") throw new CommandFailure(`drill ${drill}: ${error ?? "ended without a verdict"}`);
    if (performance.now() > limit) throw new CommandFailure(`drill ${drill}: no verdict in ${LIMIT_MS / 1000} s`);
    await pause(POLL_MS);
  }
}

/** The drill before may still be cleaning up. */
async function startWhenFree(administration: Administration, drill: string): Promise<Run> {
  const limit = performance.now() + BUSY_LIMIT_MS;
  for (;;) {
    try {
      return await administration.drills.start.mutate({ drill });
    } catch (error) {
      const isBusy = error instanceof TRPCClientError && error.data?.code === "CONFLICT";
      if (!isBusy || performance.now() > limit) throw error;
      await pause(POLL_MS);
    }
  }
}

const pause = (durationMs: number): Promise<void> => new Promise((resume) => setTimeout(resume, durationMs));

const milliseconds = (duration: number | null): string => (duration === null ? "–" : `${duration} ms`);

function printReports(reports: readonly Report[]): void {
  printTable(
    ["drill", "detected", "contained", "wrong replies", "harmed", "detected by"],
    reports.map((report) => [
      report.drill,
      report.detected ? milliseconds(report.detectedInMs) : "no",
      milliseconds(report.containedInMs),
      report.wrongReplyReleased,
      report.bystandersHarmed,
      report.by ?? "–",
    ]),
  );
}

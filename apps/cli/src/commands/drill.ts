/** `redoubt drill`: misbehaviour and faults in a running cluster, and what came of them. */
import { DRILL_TITLES } from "@redoubt/adversary";
import { TRPCClientError } from "@trpc/client";
import { type Command, InvalidArgumentError } from "commander";
import { type Administration, administer } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import { note, printJson, printTable } from "../output.ts";
import { type CommonOptions, withCommonOptions } from "./shared-options.ts";

const POLL_MS = 200;
const LIMIT_MS = 180_000;
const LIMIT_OF_ALL_MS = 20 * 60_000;
const BUSY_LIMIT_MS = 10_000;

type Run = Awaited<ReturnType<Administration["drills"]["result"]["query"]>>;
type Report = Run["results"][number];

/** Detected or survived, contained, nothing wrong let out, nobody harmed; or not to be judged yet. */
export const isPassed = ({ verdict }: Report): boolean => verdict !== "failed";

function drillNames(text: string): string {
  const name = text.toUpperCase();
  if (name === "ALL" || name === "LIST") return name;
  const unknown = name.split(",").find((each) => DRILL_TITLES.every((known) => known.name !== each));
  if (unknown === undefined) return name;
  const names = DRILL_TITLES.map((known) => known.name).join(", ");
  throw new InvalidArgumentError(`some of ${names}, all or list expected`);
}

export function registerDrill(program: Command): void {
  withCommonOptions(
    program
      .command("drill")
      .description(
        "make servers misbehave, or end some, in a running cluster, while clients of the drill's own ask; reports what was detected, in how long, and what the clients saw; exit 1 unless all went well",
      )
      .argument("<name>", "name of a drill or several with commas between them, all, or list", drillNames),
  ).action(async (names: string, options: CommonOptions) => {
    if (names === "LIST") return list(options);
    const isSingle = names !== "ALL" && !names.includes(",");
    const reports = await administer(options.data, (administration) =>
      run(administration, names, (report) => tell(report, options)),
    );
    if (options.json && !isSingle) printJson({ drills: reports });
    if (!options.json) printReports(reports);
    const failed = reports.filter((report) => !isPassed(report));
    if (failed.length > 0) throw new CommandFailure(failed.map(({ drill }) => `drill ${drill} failed`).join("; "));
  });
}

function list({ json }: CommonOptions): void {
  if (json) printJson(DRILL_TITLES.map(({ name, title, open }) => ({ drill: name, title, open: open ?? null })));
  else
    printTable(
      ["drill", "what happens", "open"],
      DRILL_TITLES.map(({ name, title, open }) => [name, title, open ?? ""]),
    );
}

function tell(report: Report, { json }: CommonOptions): void {
  if (json) printJson(report);
  else note(`drill ${report.drill}: ${report.verdict}`);
}

/** Resolves when all have been reported; `told` hears each at once. */
async function run(
  administration: Administration,
  names: string,
  told: (report: Report) => void,
): Promise<readonly Report[]> {
  const { drillId } = await startWhenFree(administration, names);
  const limitMs = names === "ALL" || names.includes(",") ? LIMIT_OF_ALL_MS : LIMIT_MS;
  const limit = performance.now() + limitMs;
  let heard = 0;
  for (;;) {
    const { state, results, error } = await administration.drills.result.query({ drillId });
    for (const report of results.slice(heard)) told(report);
    heard = results.length;
    if (state === "done") return results;
    if (state === "failed") throw new CommandFailure(`drill ${names}: ${error ?? "ended without a verdict"}`);
    if (performance.now() > limit) throw new CommandFailure(`drill ${names}: no verdict in ${limitMs / 1000} s`);
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
    ["drill", "verdict", "detected", "contained", "wrong replies", "harmed", "requests", "detected by"],
    reports.map((report) => [
      report.drill,
      report.verdict,
      report.detected ? milliseconds(report.detectedInMs) : "no",
      milliseconds(report.containedInMs),
      report.wrongReplyReleased,
      report.bystandersHarmed,
      report.requests,
      report.by ?? "–",
    ]),
  );
}

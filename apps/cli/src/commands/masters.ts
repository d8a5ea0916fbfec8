/** `redoubt masters`: who leads, who lags, whether their databases hold the same, and how the replicas' scrub stands. */
import type { Command } from "commander";
import { administer } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import { state as coloured, print, printJson, printTable, shortened } from "../output.ts";
import { type CommonOptions, withCommonOptions } from "./shared-options.ts";

const PERCENT = 100;

export function registerMasters(program: Command): void {
  const masters = program.command("masters").description("state masters");
  registerMastersStatus(masters);
  withCommonOptions(
    masters.command("compare").description("does each master's own Postgres hold the same metadata? exit 1 if not"),
  ).action(async (options: CommonOptions) => {
    const comparison = await administer(options.data, (administration) => administration.masters.compare.query());
    if (options.json) printJson(comparison);
    else {
      printTable(
        ["master", "reachable", "applied slot", "digest"],
        comparison.masters.map((master) => [
          master.server,
          master.reachable ? "yes" : "no",
          master.appliedSlot,
          shortened(master.digest),
        ]),
      );
      if (comparison.comparedAfter > 0)
        print(
          `compared after slot ${comparison.comparedAfter}; what is older is beyond the retention window, and only rows with newest versions are compared`,
        );
      print(comparison.equal ? "equal" : `not equal: ${comparison.differences.join("; ")}`);
    }
    if (!comparison.equal) throw new CommandFailure(options.json ? "" : "the masters' metadata differ");
  });
}

function registerMastersStatus(masters: Command): void {
  withCommonOptions(
    masters.command("status").description("leader, decided and applied slots, databases, learners, scrub of replicas"),
  ).action(async (options: CommonOptions) => {
    const status = await administer(options.data, (administration) => administration.masters.status.query());
    if (options.json) return printJson(status);
    print(
      `leader ${status.leader ?? "none"}, ${status.live} live of which ${status.quorum} must agree, decided through slot ${status.decidedThrough ?? "–"}\n`,
    );
    printTable(
      ["master", "node", "state", "role", "decided through", "applied slot", "behind", "database", "snapshot"],
      status.masters.map((master) => [
        master.server,
        master.node,
        coloured(master.state),
        master.role,
        master.decidedThrough ?? "–",
        master.appliedSlot ?? "–",
        master.lag ?? "–",
        master.databaseUp === null ? "unknown" : coloured(master.databaseUp ? "up" : "down"),
        master.snapshot === null ? "–" : share(master.snapshot.doneBytes, master.snapshot.totalBytes),
      ]),
    );
    for (const master of status.masters) if (master.retention) print(`${master.server} ${describe(master.retention)}`);
    print("");
    printTable(
      ["replica", "node", "state", "whole scrubs", "last took", "last read", "damage found", "repaired"],
      status.scrub.map((replica) => [
        replica.server,
        replica.node,
        coloured(replica.state),
        replica.passes ?? "–",
        replica.lastPassMs === null ? "–" : `${replica.lastPassMs} ms`,
        replica.lastPassBytes === null ? "–" : `${replica.lastPassBytes} bytes`,
        replica.found ?? "–",
        replica.repaired ?? "–",
      ]),
    );
  });
}

const MS_PER_HOUR = 3_600_000;

function describe({
  windowMs,
  reducedThrough,
  keptFrom,
}: {
  readonly windowMs: number;
  readonly reducedThrough: number;
  readonly keptFrom: string | null;
}): string {
  if (windowMs === 0) return "keeps all metadata";
  const hours = windowMs / MS_PER_HOUR;
  const window = hours >= 48 ? `${Math.round(hours / 24)} days` : `${Number(hours.toFixed(2))} hours`;
  return keptFrom === null
    ? `keeps metadata for ${window}, and nothing is older yet`
    : `keeps metadata for ${window}: whole after slot ${reducedThrough}, decided until ${keptFrom}`;
}

const share = (done: number, total: number): string =>
  `${total === 0 ? PERCENT : Math.floor((done / total) * PERCENT)} % of ${total}`;

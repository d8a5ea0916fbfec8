/** `redoubt log`, `incidents`, `audit`: what the cluster remembers. */
import { Argument, type Command } from "commander";
import { administer } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import { print, printJson, printTable, shortened } from "../output.ts";
import { registerRequest } from "./request.ts";
import { type CommonOptions, wholeNumber, withCommonOptions } from "./shared-options.ts";

export function registerRecords(program: Command): void {
  for (const register of [registerRequest, registerLog, registerIncidents, registerAudit]) register(program);
}

function registerLog(program: Command): void {
  withCommonOptions(
    program
      .command("log")
      .description("entries of one of the regulator's logs")
      .addArgument(new Argument("<log>").choices(["L1", "L2", "L3"]))
      .option("--limit <n>", "at most this many", wholeNumber(1), 50),
  ).action(async (log: "L1" | "L2" | "L3", options: CommonOptions & { limit: number }) => {
    const page = await administer(options.data, (administration) =>
      administration.requests.log.query({ log, limit: options.limit }),
    );
    if (options.json) return printJson(page);
    print(`${page.log}: ${page.total} in all`);
    printTable(
      ["at", "request", "operation", "client", "host", "outcome"],
      page.entries.map((entry) => [
        entry.at,
        shortened(entry.requestId),
        entry.operation ?? "–",
        entry.client ?? "–",
        entry.host,
        entry.outcome,
      ]),
    );
  });
}

function registerIncidents(program: Command): void {
  withCommonOptions(program.command("incidents").description("what went wrong, newest first")).action(
    async (options: CommonOptions) => {
      const incidents = await administer(options.data, (administration) => administration.incidents.list.query({}));
      if (options.json) return printJson(incidents);
      printTable(
        ["opened", "severity", "subject", "title", "closed"],
        incidents.map((incident) => [
          incident.openedAt,
          incident.severity,
          incident.subject,
          incident.title,
          incident.closedAt ?? "open",
        ]),
      );
    },
  );
}

function registerAudit(program: Command): void {
  const audit = program.command("audit").description("who did what");
  withCommonOptions(audit.command("verify").description("is the audit log whole? exit 1 if not")).action(
    async (options: CommonOptions) => {
      const verification = await administer(options.data, (administration) => administration.audit.verify.mutate());
      if (options.json) printJson(verification);
      else print(verification.sentence);
      if (!verification.intact) throw new CommandFailure("");
    },
  );
}

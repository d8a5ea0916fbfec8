/** `redoubt request`, `log`, `incidents`, `audit`: what the cluster remembers. */
import { Argument, type Command } from "commander";
import { administer } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import { print, printJson, printTable, shortened } from "../output.ts";
import { wholeRequestId } from "../request-id.ts";
import { type CommonOptions, wholeNumber, withCommonOptions } from "./shared-options.ts";

export function registerRecords(program: Command): void {
  for (const register of [registerRequests, registerLog, registerIncidents, registerAudit]) register(program);
}

function registerRequests(program: Command): void {
  const request = program.command("request").description("one request's way");
  withCommonOptions(request.command("show <requestId>").description("attempts, hops, versions, verdict")).action(
    async (requestId: string, options: CommonOptions) => {
      const history = await administer(options.data, async (administration) =>
        administration.requests.show.query({ requestId: await wholeRequestId(administration, requestId) }),
      );
      if (options.json) return printJson(history);
      print(
        `${history.operation} by ${history.client} from ${history.host}, ${history.receivedAt}: ${history.outcome} (${history.log})`,
      );
      printTable(
        ["attempt", "execution server", "outcome"],
        history.attempts.map((attempt) => [attempt.number, attempt.executionServer, attempt.outcome]),
      );
      for (const { guilty, servers, check, detail } of history.attributions)
        print(`guilty: ${guilty} ${servers.map(({ server }) => server).join(", ")} (${check}) ${detail}`);
      printTable(
        ["at", "server", "event"],
        history.hops.map((hop) => [hop.at, hop.server, `${hop.event} ${hop.detail}`]),
      );
    },
  );
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

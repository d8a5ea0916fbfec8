/** `redoubt request show`: everything that is known of one request, and what is not. */
import type { Command } from "commander";
import { type Administration, administer } from "../administration.ts";
import { print, printJson, printTable } from "../output.ts";
import { wholeRequestId } from "../request-id.ts";
import { type CommonOptions, withCommonOptions } from "./shared-options.ts";

type RequestHistory = Awaited<ReturnType<Administration["requests"]["show"]["query"]>>;

export function registerRequest(program: Command): void {
  const request = program.command("request").description("one request's way");
  withCommonOptions(
    request
      .command("show <requestId>")
      .description("every hop with its time, attempts, verdicts, versions, who was at fault, how it was answered"),
  ).action(async (requestId: string, options: CommonOptions) => {
    const history = await administer(options.data, async (administration) =>
      administration.requests.show.query({ requestId: await wholeRequestId(administration, requestId) }),
    );
    if (options.json) return printJson(history);
    printHistory(history);
  });
}

const ms = (value: number | null): string => (value === null ? "–" : value.toFixed(2));

function printHistory(history: RequestHistory): void {
  const { operation, client, host, receivedAt, outcome, log, fault } = history;
  print(`${operation} by ${client} from ${host}, ${receivedAt}: ${outcome} (${log})`);
  if (fault) print(`At fault: ${fault.guilty}. ${fault.sentence}`);
  print("");
  printTable(
    ["ms", "server", "event", "detail"],
    history.hops.map((hop) => [ms(hop.ms), hop.server, hop.event, hop.detail]),
  );
  if (history.attempts.length > 0) print("");
  if (history.attempts.length > 0)
    printTable(
      ["attempt", "kind", "execution server", "epoch", "outcome"],
      history.attempts.map((each) => [each.number, each.kind, each.executionServer, each.epoch ?? "–", each.outcome]),
    );
  if (history.versions.length > 0) print("");
  if (history.versions.length > 0)
    printTable(
      ["object", "version", "epoch", "status", "slot"],
      history.versions.map((each) => [each.object, each.number, each.epoch, each.status, each.slot ?? "–"]),
    );
  for (const sentence of history.unknown) print(`Not known: ${sentence}`);
}

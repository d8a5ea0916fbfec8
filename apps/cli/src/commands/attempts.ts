/** `redoubt attempts`: what the application's code tried, in workers of execution servers, and may not (ADR 0015). */
import type { Command } from "commander";
import { administer } from "../administration.ts";
import { printJson, printTable, shortened } from "../output.ts";
import { type CommonOptions, wholeNumber, withCommonOptions } from "./shared-options.ts";

/** Of the feed's newest events: attempts are looked for among them. */
const EVENTS_READ = 500;

export function registerAttempts(program: Command): void {
  withCommonOptions(
    program
      .command("attempts")
      .description("what code in workers tried and may not, among the newest events of the feed")
      .option("--limit <n>", "at most this many", wholeNumber(1), 50),
  ).action(async (options: CommonOptions & { limit: number }) => {
    const { events } = await administer(options.data, (administration) =>
      administration.cluster.events.query({ limit: EVENTS_READ }),
    );
    const attempts = events
      .flatMap((event) => (event.kind === "worker.attempt" ? [event] : []))
      .slice(0, options.limit);
    if (options.json) return printJson(attempts);
    printTable(
      ["at", "server", "tried", "target", "operation", "request", "seen by", "times"],
      attempts.map(({ at, server, act, target, operation, requestId, witness, count }) => [
        ...[at, server, act, target, operation ?? "–", requestId === null ? "–" : shortened(requestId), witness, count],
      ]),
    );
  });
}

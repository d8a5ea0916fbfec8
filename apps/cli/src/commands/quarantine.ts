/** `redoubt quarantine`, `hosts`, `signatures`: what was held back and what follows from it. */
import { checkTitle } from "@redoubt/shared";
import type { Command } from "commander";
import { type Administration, administer } from "../administration.ts";
import { print, printJson, printTable, shortened } from "../output.ts";
import { wholeRequestId } from "../request-id.ts";
import { type CommonOptions, wholeNumber, withCommonOptions } from "./shared-options.ts";

export function registerQuarantine(program: Command): void {
  const quarantine = program.command("quarantine").description("requests that carried an attack (log L1)");
  registerList(quarantine);
  registerShow(quarantine);
  decision(
    quarantine,
    "release",
    "it was no attack: unblock, retract; what is held runs once, what was rejected only with --rerun",
    (administration, request) => administration.quarantine.release.mutate(request),
  );
  decision(
    quarantine,
    "confirm",
    "it was an attack: keep it rejected and its host blocked",
    (administration, { requestId, reason }) => administration.quarantine.confirm.mutate({ requestId, reason }),
  );
  registerSignatures(program);
  registerHosts(program);
}

function registerList(quarantine: Command): void {
  withCommonOptions(
    quarantine
      .command("list")
      .description("quarantined requests, newest first")
      .option("--limit <n>", "at most this many", wholeNumber(1), 100),
  ).action(async (options: CommonOptions & { limit: number }) => {
    const { items } = await administer(options.data, (administration) =>
      administration.quarantine.list.query({ limit: options.limit }),
    );
    const rows = items.map(({ requestId, operation, client, host, reason, check, at, state, heldUntil }) => ({
      requestId,
      operation,
      client,
      host,
      reason,
      check,
      at,
      state,
      ...(heldUntil === null ? {} : { heldUntil }),
    }));
    if (options.json) return printJson(rows);
    printTable(
      ["request", "operation", "client", "host", "reason", "check", "at", "state"],
      rows.map((row) => [
        shortened(row.requestId),
        row.operation,
        row.client,
        row.host,
        row.reason,
        row.reason === "signature" || row.reason === "rule" ? row.check : checkTitle(row.check),
        row.at,
        row.heldUntil === undefined ? row.state : `${row.state}, held until ${row.heldUntil}`,
      ]),
    );
  });
}

function registerShow(quarantine: Command): void {
  withCommonOptions(quarantine.command("show <requestId>").description("the evidence on one request")).action(
    async (requestId: string, options: CommonOptions) => {
      const item = await administer(options.data, async (administration) =>
        administration.quarantine.item.query({ requestId: await wholeRequestId(administration, requestId) }),
      );
      if (options.json) return printJson(item);
      print(
        `${item.verdict.sentence}\n\n${item.title}\nclient ${item.client}, host ${item.host}, ${item.at}, ${item.state}`,
      );
      if (item.heldUntil !== null)
        print(`held until ${item.heldUntil}: released it runs once, else it is rejected then`);
      print(`shadow run: ${item.replay?.sentence ?? "not run"}`);
    },
  );
}

function registerSignatures(program: Command): void {
  withCommonOptions(program.command("signatures").description("signatures of malformed requests")).action(
    async (options: CommonOptions) => {
      const signatures = await administer(options.data, (administration) => administration.signatures.list.query());
      if (options.json) return printJson(signatures);
      printTable(
        ["signature", "operation", "mode", "hits", "from request"],
        signatures.map((entry) => [
          entry.signatureId,
          entry.operation,
          entry.mode,
          entry.hits,
          shortened(entry.requestId),
        ]),
      );
    },
  );
}

interface Decision {
  readonly requestId: string;
  readonly reason: string;
  readonly rerun: boolean;
}

type Decided = Awaited<ReturnType<Administration["quarantine"]["release"]["mutate"]>>;

function decision(
  parent: Command,
  name: "release" | "confirm",
  description: string,
  decide: (administration: Administration, decision: Decision) => Promise<Decided>,
): void {
  const command = withCommonOptions(
    parent
      .command(`${name} <requestId>`)
      .description(description)
      .option("--reason <text>", "why, for the audit log", `${name}d from the command line`),
  );
  if (name === "release") command.option("--rerun", "run the request again, under an id derived from this one", false);
  command.action(async (given: string, options: CommonOptions & { reason: string; rerun?: boolean }) => {
    const { reason, rerun = false } = options;
    const decided = await administer(options.data, async (administration) =>
      decide(administration, { requestId: await wholeRequestId(administration, given), reason, rerun }),
    );
    if (options.json) return printJson(decided);
    print(`${shortened(decided.requestId)}: ${decided.state}`);
    for (const effect of decided.effects) print(`  ${effect}`);
  });
}

function registerHosts(program: Command): void {
  const hosts = program.command("hosts").description("blocked hosts and principals");
  withCommonOptions(hosts.command("list", { isDefault: true }).description("who is blocked, and why")).action(
    async (options: CommonOptions) => {
      const blocked = await administer(options.data, (administration) => administration.hosts.list.query());
      if (options.json) return printJson(blocked);
      printTable(
        ["host", "client", "since", "until", "because of"],
        blocked.map((entry) => [
          entry.host,
          entry.client ?? "–",
          entry.since,
          entry.until ?? "lifted by hand",
          shortened(entry.requestId),
        ]),
      );
    },
  );
  withCommonOptions(
    hosts
      .command("unblock <host>")
      .description("an address or a client's name")
      .option("--reason <text>", "why, for the audit log", "unblocked from the command line"),
  ).action(async (host: string, options: CommonOptions & { reason: string }) => {
    const { confirmedBy } = await administer(options.data, (administration) =>
      administration.hosts.unblock.mutate({ host, reason: options.reason }),
    );
    if (options.json) printJson({ host, confirmedBy });
    else print(`${host} is unblocked (confirmed by ${confirmedBy.join(", ")})`);
  });
}

/** `redoubt state`, `placement`: objects, their versions, who made them, and where they are kept. */
import { type Command, InvalidArgumentError } from "commander";
import { type Administration, administer } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import { state as coloured, print, printJson, printTable, shortened } from "../output.ts";
import { wholeRequestId } from "../request-id.ts";
import { type CommonOptions, wholeNumber, withCommonOptions } from "./shared-options.ts";

const PAGE_DEFAULT = 50;
const SHOW_MAX = 200;
const LIST_MAX = 500;

export function registerState(program: Command): void {
  const state = program.command("state").description("objects, their versions, and who made them");
  registerShow(state);
  registerList(state);
  registerCorrupt(state);
  registerPlacement(program);
}

interface ShowOptions extends CommonOptions {
  readonly limit: number;
  readonly before?: string;
}

function registerShow(state: Command): void {
  withCommonOptions(
    state
      .command("show")
      .argument("<object>", "type/key, such as account/1")
      .description("the newest versions: C1 on each replica, C2, status, provenance")
      .option("--limit <n>", `at most this many, ${SHOW_MAX} at most`, wholeNumber(1, SHOW_MAX), PAGE_DEFAULT)
      .option("--before <place>", "older ones: the place that the page before ended with"),
  ).action(async (object: string, options: ShowOptions) => {
    const { limit, before } = options;
    const history = await administer(options.data, (administration) =>
      administration.state.show.query({ object, limit, before }),
    );
    if (options.json) return printJson(history);
    const { placement } = history;
    print(history.object);
    if (placement)
      print(
        `object cluster ${placement.cluster}, epoch ${placement.epoch}, held by ${placement.holder}, kept by ${placement.members.join(", ")}`,
      );
    printTable(
      ["version", "epoch", "status", "C1", "C2", "request", "executed by", "tested by", "decided", "replicas"],
      history.versions.map((version) => [
        version.number,
        version.epoch,
        coloured(version.status),
        shortened(version.c1),
        shortened(version.c2),
        shortened(version.requestId),
        version.executionServer,
        version.testers.join(" ") || "–",
        version.slot === null ? "–" : `${version.at} in slot ${version.slot}`,
        version.replicas.map((replica) => describeCopy(replica, version.c1)).join(" ") || "–",
      ]),
    );
    if (history.isCut && history.keptFrom)
      print(
        `older than the retention window: the masters keep every version since ${history.keptFrom}, and of older ones the newest of each object; others are shown as replicas have them`,
      );
    if (history.older) print(`older ones: redoubt state show ${object} --before ${history.older}`);
  });
}

function describeCopy(
  { server, c1, mark }: { server: string; c1: string; mark?: string | undefined },
  expected: string,
) {
  const short = server.replace("state-replica-", "");
  const trouble = mark === "corrupt" ? " CORRUPT" : mark === "unread" ? " unread" : c1 === expected ? "" : " DIFFERS";
  return `${short}${trouble}${mark === "repaired" ? " repaired" : ""}`;
}

interface CorruptOptions extends CommonOptions {
  readonly server: string;
  readonly object: string;
}

function registerCorrupt(state: Command): void {
  withCommonOptions(
    state
      .command("corrupt")
      .description("damage a replica's disk on purpose, to see it found and repaired (clusters of one machine only)")
      .requiredOption("--server <replica>", "such as state-replica-1")
      .requiredOption("--object <object>", "type/key, such as account/7: its newest verified version there"),
  ).action(async ({ data, server, object, json }: CorruptOptions) => {
    const done = await administer(data, (administration) => administration.state.corrupt.mutate({ server, object }));
    if (json) return printJson(done);
    print(
      `flipped bytes of record ${done.record} in the journal of ${done.server}: ${done.object}, version ${done.version}`,
    );
    print(`${done.path}, ${done.bytes} bytes from offset ${done.offset}`);
  });
}

interface ListOptions extends CommonOptions {
  readonly limit: number;
  readonly after?: string;
  readonly request?: string;
  readonly server?: string;
  readonly from?: string;
  readonly to?: string;
  readonly before?: string;
}

function registerList(state: Command): void {
  withCommonOptions(
    state
      .command("list")
      .argument("[prefix]", "beginning of the objects' names, such as account/1", "")
      .description(
        "objects by name; with --request, --server, --from or --to: the versions that these made, newest first",
      )
      .option("--request <id>", "versions of this request (the id or its beginning)")
      .option("--server <name>", "versions made by this execution server")
      .option("--from <time>", "versions decided from this time on, such as 2026-03-01T12:00Z", readTime)
      .option("--to <time>", "versions decided until this time", readTime)
      .option("--limit <n>", `at most this many, ${LIST_MAX} at most`, wholeNumber(1, LIST_MAX), PAGE_DEFAULT)
      .option("--after <object>", "objects: those after this name")
      .option("--before <place>", "versions: the place that the page before ended with"),
  ).action(async (prefix: string, options: ListOptions) => {
    const { request, server, from, to, after, before } = options;
    const wantsVersions = [request, server, from, to].some((value) => value !== undefined);
    if (wantsVersions && (prefix !== "" || after !== undefined))
      throw new CommandFailure(
        "a prefix and --after list objects; --request, --server, --from and --to list versions",
        2,
      );
    if (!wantsVersions && before !== undefined)
      throw new CommandFailure("--before goes with --request, --server, --from or --to", 2);
    await administer(options.data, (administration) =>
      wantsVersions ? listVersions(administration, options) : listObjects(administration, prefix, options),
    );
  });
}

async function listObjects(administration: Administration, prefix: string, options: ListOptions): Promise<void> {
  const { limit, after } = options;
  const objects = await administration.state.list.query({ prefix, limit, after });
  if (options.json) return printJson(objects);
  printTable(
    ["object", "versions", "newest", "status", "request", "decided"],
    objects.map(({ object, versions, head }) => [
      object,
      versions,
      `${head.number}, epoch ${head.epoch}`,
      coloured(head.status),
      shortened(head.requestId),
      head.at,
    ]),
  );
  const last = objects.at(-1);
  if (last && objects.length === limit)
    print(`more: redoubt state list ${prefix === "" ? "" : `${prefix} `}--after ${last.object}`);
}

async function listVersions(administration: Administration, options: ListOptions): Promise<void> {
  const { request, server: executionServer, from, to, before, limit } = options;
  const requestId = request === undefined ? undefined : await wholeRequestId(administration, request);
  const page = await administration.state.versions.query({ requestId, executionServer, from, to, before, limit });
  if (options.json) return printJson(page);
  printTable(
    ["object", "version", "epoch", "C1", "request", "executed by", "tested by", "decided", "slot"],
    page.versions.map((version) => [
      version.object,
      version.number,
      version.epoch,
      shortened(version.c1),
      shortened(version.requestId),
      version.executionServer,
      version.testers.join(" "),
      version.at,
      version.slot,
    ]),
  );
  if (page.next === null && page.keptFrom)
    print(`nothing older than the retention window is found: the masters keep every version since ${page.keptFrom}`);
  if (page.next) print(`older ones: the same with --before ${page.next}`);
}

/** Any form that says its zone becomes UTC. */
function readTime(text: string): string {
  const at = Date.parse(text);
  if (Number.isNaN(at) || !/(Z|[+-]\d\d:?\d\d)$/i.test(text))
    throw new InvalidArgumentError("a time with its zone expected, such as 2026-03-01T12:00Z");
  return new Date(at).toISOString();
}

function registerPlacement(program: Command): void {
  withCommonOptions(
    program
      .command("placement")
      .description("where object clusters are kept: epoch, holder of the lease, members and what became of them"),
  ).action(async (options: CommonOptions) => {
    const placement = await administer(options.data, (administration) => administration.state.placement.query());
    if (options.json) return printJson(placement);
    printTable(
      ["object clusters", "epoch", "settled", "holder", "members", "tolerated now", "by design", "whole since"],
      placement.groups.map((group) => [
        group.clusters.map(({ from, to }) => (from === to ? String(from) : `${from}–${to}`)).join(" "),
        group.epoch,
        group.settledEpoch === group.epoch ? "yes" : `not yet (${group.settledEpoch})`,
        group.holder,
        group.members
          .map(({ server, state, serverState }) => {
            const trouble = serverState === "up" ? "" : `, ${serverState}`;
            return state === "member" && trouble === "" ? server : `${server} (${state}${trouble})`;
          })
          .join(" "),
        group.faultsToleratedNow,
        group.faultsTolerated,
        group.fullyReplicatedAt ?? "–",
      ]),
    );
  });
}

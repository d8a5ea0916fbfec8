/** `redoubt server`: ends one server and keeps it so, or starts it again. Returns when it is done. */
import type { Command } from "commander";
import { type Administration, administer } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import { print, printJson } from "../output.ts";
import { type CommonOptions, withCommonOptions } from "./shared-options.ts";

const DONE_LIMIT_MS = 30_000;
const POLL_MS = 100;

interface ReasonOptions extends CommonOptions {
  readonly reason: string;
}

interface StopOptions extends ReasonOptions {
  readonly kill: boolean;
  readonly force: boolean;
}

export function registerServer(program: Command): void {
  const server = program.command("server").description("end a single server and keep it so; start it again");
  const withReason = (command: Command, usual: string): Command =>
    withCommonOptions(command.option("--reason <text>", "for the audit log", usual));
  withReason(
    server
      .command("stop")
      .description("end a server; it keeps its place and its data and is not started again, nor after a restart")
      .argument("<name>", "such as state-replica-2")
      .option("--kill", "without notice (SIGKILL), as a crash would", false)
      .option("--force", "also when requests cannot be decided without it", false),
    "maintenance",
  ).action((name: string, options: StopOptions) => stop(name, options));
  withReason(
    server.command("start").description("let a stopped server run again").argument("<name>", "such as state-replica-2"),
    "end of maintenance",
  ).action((name: string, options: ReasonOptions) => start(name, options));
}

async function stop(server: string, { data, json, kill, force, reason }: StopOptions): Promise<void> {
  await administer(data, async (administration) => {
    await administration.servers.end.mutate({ server, kill, force, reason });
    await waitFor(
      administration,
      server,
      `${server} has not ended`,
      ({ state, pid }) => state === "down" && pid === null,
    );
  });
  if (json) printJson({ server, state: "down" });
  else print(`${server} has ended and stays so; start it again with: redoubt server start ${server}`);
}

async function start(server: string, { data, json, reason }: ReasonOptions): Promise<void> {
  await administer(data, async (administration) => {
    await administration.servers.start.mutate({ server, reason });
    await waitFor(administration, server, `${server} is not up`, ({ state }) => state === "up");
  });
  if (json) printJson({ server, state: "up" });
  else print(`${server} is up`);
}

type ServerStatus = Awaited<
  ReturnType<Administration["cluster"]["status"]["query"]>
>["nodes"][number]["servers"][number];

async function waitFor(
  administration: Administration,
  name: string,
  problem: string,
  isDone: (server: ServerStatus) => boolean,
): Promise<void> {
  const limit = performance.now() + DONE_LIMIT_MS;
  for (;;) {
    const { nodes } = await administration.cluster.status.query();
    const server = nodes.flatMap(({ servers }) => servers).find((each) => each.name === name);
    if (server && isDone(server)) return;
    if (performance.now() > limit) throw new CommandFailure(`${problem} after ${DONE_LIMIT_MS / 1000} s`);
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
}

/** `redoubt up` and `redoubt down`: the cluster as processes of this machine. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { administer } from "../administration.ts";
import { isStoppedElsewhere } from "../data-folder.ts";
import { readEnvironment } from "../env.ts";
import { CommandFailure } from "../failure.ts";
import { note, print, printJson } from "../output.ts";
import { type CommonOptions, wholeNumber, withCommonOptions } from "./shared-options.ts";

interface UpOptions extends CommonOptions {
  readonly app: string;
  readonly profile: string;
  readonly strictPaper: boolean;
  readonly portBase: number;
  readonly nodes: number;
  readonly degree: Record<string, number>;
  readonly setting: Record<string, string>;
  readonly detach: boolean;
  readonly drills: boolean;
  readonly debug: boolean;
}

interface Launched {
  readonly data: string;
  readonly clientUrl: string;
  readonly consoleUrl: string;
  readonly administrator: { readonly email: string; readonly password: string } | null;
}

const DEFAULT_CLIENT = "default";

function degree(text: string, previous: Record<string, number>): Record<string, number> {
  const match = /^([a-z-]+)=(\d+)$/.exec(text);
  if (!match) throw new InvalidArgumentError("component=N expected, such as execution-server=5");
  return { ...previous, [match[1] as string]: Number(match[2]) };
}

function setting(text: string, previous: Record<string, string>): Record<string, string> {
  const match = /^([A-Za-z]+)=(\d+)$/.exec(text);
  if (!match) throw new InvalidArgumentError("name=N expected, such as scrubPeriodMs=5000");
  return { ...previous, [match[1] as string]: match[2] as string };
}

export function registerUp(program: Command): void {
  withCommonOptions(
    program
      .command("up")
      .description("start a cluster with its console and the protected application")
      .option("--app <folder>", "application to protect", defaultApplication())
      .option("--profile <name>", "optimized, basic", "optimized")
      .option("--strict-paper", "blame and block at once, as the paper does, without a shadow run first", false)
      .option("--port-base <n>", "first of a block of 100 ports", wholeNumber(0), 7400)
      .option("--nodes <n>", "number of nodes (loopback addresses)", wholeNumber(1), 5)
      .option("--degree <component=n>", "number of servers of a component at the first start (repeatable)", degree, {})
      .option(
        "--setting <name=n>",
        "setting of replicas, masters or testers at the first start (repeatable; metadataRetentionMs at any)",
        setting,
        {},
      )
      .option("--no-drills", "refuse drills in this cluster")
      .option("--detach", "return when everything is ready; the cluster goes on", false)
      .option("--debug", "log every detail", false),
  ).action((options: UpOptions) => up(options));
  withCommonOptions(program.command("down").description("stop the cluster of a data folder; its data stays")).action(
    async (options: CommonOptions) => {
      const { ended } = (await launch({ command: "down", data: options.data })) as { ended: number };
      if (options.json) printJson({ ended });
      else print(ended === 0 ? "nothing was running" : "the cluster is stopped");
    },
  );
}

/** The same from src and from dist: both lie as deep in the repository. */
const repositoryRoot = (): string => resolve(import.meta.dirname, "..", "..", "..", "..");

const defaultApplication = (): string => join(repositoryRoot(), "examples", "bank");

async function up(options: UpOptions): Promise<void> {
  const launched = (await launch({
    command: "up",
    data: options.data,
    administrator: readEnvironment().administrator,
    debug: options.debug,
    options: {
      data: options.data,
      application: options.app,
      profile: options.profile,
      strictPaper: options.strictPaper,
      drills: options.drills,
      portBase: options.portBase,
      nodes: options.nodes,
      degrees: options.degree,
      settings: options.setting,
    },
  })) as Launched;
  const key = await clientKey(options.data);
  const summary = {
    client: { url: launched.clientUrl, key },
    console: {
      url: launched.consoleUrl,
      email: launched.administrator?.email ?? consoleEmail(options.data),
      password: launched.administrator?.password ?? null,
    },
    data: launched.data,
  };
  rememberShown(options.data, summary.console.email);
  if (options.json) printJson(summary);
  else describe(summary);
  if (!options.detach) await untilInterrupted(options);
}

/** The cluster's own launcher does the work; its progress is on stderr, its answer one line on stdout. */
function launch(request: unknown): Promise<unknown> {
  const entry = join(repositoryRoot(), "apps", "cluster", "dist", "launch.js");
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [entry, JSON.stringify(request)], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
    child.once("error", failed);
    child.once("close", (code) => {
      if (code === 0) done(JSON.parse(output));
      else failed(new CommandFailure("", code === 2 ? 2 : 1));
    });
  });
}

/** The same key at every start: kept beside the other secrets. */
async function clientKey(data: string): Promise<string> {
  const file = join(resolve(data), "secrets", "client-key");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const { key } = await administer(data, (administration) =>
    administration.clients.add.mutate({ client: DEFAULT_CLIENT }),
  );
  writeFileSync(file, `${key}\n`, { mode: 0o600, flush: true });
  return key;
}

const shownFile = (data: string): string => join(resolve(data), "secrets", "console-admin-shown");

const consoleEmail = (data: string): string =>
  existsSync(shownFile(data)) ? readFileSync(shownFile(data), "utf8").trim() : "admin@redoubt.local";

/** The first administrator's password is shown once and then nowhere kept in clear. */
function rememberShown(data: string, email: string): void {
  writeFileSync(shownFile(data), `${email}\n`, { mode: 0o600 });
  rmSync(join(resolve(data), "secrets", "console-first-admin.json"), { force: true });
}

function describe(summary: {
  client: { url: string; key: string };
  console: { url: string; email: string; password: string | null };
  data: string;
}): void {
  const { client, console: page } = summary;
  print(`
  Console   ${page.url}
            ${page.email}${page.password === null ? "" : `  password ${page.password}  (shown this once)`}
  Clients   ${client.url}
            key ${client.key}
  Data      ${summary.data}

  Try:  curl -s ${client.url}/v1/operations/balance -H 'authorization: Bearer ${client.key}' \\
             -H 'content-type: application/json' -d '{"customer":1}'
  Stop: redoubt down --data ${summary.data}
`);
}

/** Stops the cluster at Ctrl-C; ends by itself when another command stopped it, so as to stop no later one. */
async function untilInterrupted(options: UpOptions): Promise<void> {
  note("running; Ctrl-C stops the cluster");
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  if (await isStoppedElsewhere(options.data, interrupted.signal)) {
    note("the cluster was stopped by another command");
    return;
  }
  note("stopping");
  await launch({ command: "down", data: options.data });
}

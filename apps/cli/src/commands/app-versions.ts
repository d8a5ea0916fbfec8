/** `redoubt app check|deploy|versions|rollback`: versions of the application: bundle and check one, deploy it while the cluster serves, go back in one step. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { type Administration, administer } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import { note, print, printJson, printTable, shortened } from "../output.ts";
import { type CommonOptions, wholeNumber, withCommonOptions } from "./shared-options.ts";

const TRIAL_REQUESTS = 1_000;

interface DeployOptions extends CommonOptions {
  readonly trial: number;
  readonly reason: string;
}

interface RollbackOptions extends CommonOptions {
  readonly to?: string;
  readonly reason: string;
}

export function registerAppVersions(app: Command): void {
  withCommonOptions(
    app
      .command("check")
      .argument("<folder>", "folder with contract.ts, execution.ts and acceptance.ts")
      .description("bundle it, and compare it with the version that serves; exit 1 when it cannot take its place"),
  ).action(check);
  withCommonOptions(
    app
      .command("deploy")
      .argument("<folder>", "folder with contract.ts, execution.ts and acceptance.ts")
      .option(
        "--trial <n>",
        "requests in which the breaker looks at all failures together",
        wholeNumber(0),
        TRIAL_REQUESTS,
      )
      .option("--reason <text>", "why, for the audit log", "deployed from the command line")
      .description("admit requests under this version; those under way finish on theirs"),
  ).action(deploy);
  withCommonOptions(
    app.command("versions").description("every version there was, their trial, and the breaker"),
  ).action(versions);
  withCommonOptions(
    app
      .command("rollback")
      .option("--to <hash>", "content address of an earlier version; default: the one before")
      .option("--reason <text>", "why, for the audit log", "rolled back from the command line")
      .description("admit requests under the version before again, in one step"),
  ).action(rollback);
}

type Problem = { readonly where: string; readonly field: string; readonly message: string };
type Bundled =
  | { readonly ok: true; readonly hash: string; readonly name: string; readonly version: number }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const BUNDLER = resolve(import.meta.dirname, "..", "..", "..", "..", "apps", "cluster", "dist", "bundle-command.js");

/** Bundles into a folder, in a process of its own: the developer's contract is evaluated on the way. */
function bundle(folder: string, out: string): Promise<Bundled> {
  return new Promise((done, failed) => {
    const request = JSON.stringify({ folder: resolve(folder), out });
    const child = spawn(process.execPath, [BUNDLER, request], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
    child.once("error", failed);
    child.once("close", (code) => {
      if (code === 0) done(JSON.parse(output) as Bundled);
      else failed(new CommandFailure(`${folder} could not be bundled`));
    });
  });
}

const lineOf = ({ where, field, message }: Problem): string => `${where}${field ? `, ${field}` : ""}: ${message}`;

const hasCluster = (data: string): boolean => existsSync(join(resolve(data), "run", "endpoints.json"));

async function check(folder: string, options: CommonOptions): Promise<void> {
  const isAlone = !hasCluster(options.data);
  const out = isAlone ? mkdtempSync(join(tmpdir(), "redoubt-app-")) : join(resolve(options.data), "applications");
  try {
    const made = await bundle(folder, out);
    if (!made.ok) return refuse(options, { hash: null, version: null, comparedWith: null, problems: made.problems });
    if (isAlone) {
      if (options.json) printJson({ ...made, comparedWith: null, problems: [], notes: [], rollback: null });
      else
        print(`version ${made.version} (${shortened(made.hash)}) is in order; there is no cluster to compare it with`);
      return;
    }
    const result = await administer(options.data, ({ applications }) => applications.check.query({ hash: made.hash }));
    if (result.problems.length > 0) return refuse(options, result);
    if (options.json) return printJson(result);
    print(
      `version ${result.version} (${shortened(result.hash)}) can take the place of ${shortened(result.comparedWith)}`,
    );
    for (const each of result.notes) print(`  note: ${lineOf(each)}`);
    print(result.rollback.possible ? `it can be rolled back. ${result.rollback.sentence}` : result.rollback.sentence);
  } finally {
    if (isAlone) rmSync(out, { recursive: true, force: true });
  }
}

function refuse<Result extends { readonly problems: readonly Problem[] }>(
  options: CommonOptions,
  result: Result,
): never {
  if (options.json) printJson(result);
  throw new CommandFailure(options.json ? "" : `refused:\n${result.problems.map(lineOf).join("\n")}`);
}

/** The bundle, in the data folder of the cluster: the manager loads it by its hash. */
async function bundled(folder: string, data: string): Promise<{ hash: string; version: number }> {
  const made = await bundle(folder, join(data, "applications"));
  if (!made.ok) throw new CommandFailure(`refused:\n${made.problems.map(lineOf).join("\n")}`);
  return made;
}

async function deploy(folder: string, options: DeployOptions): Promise<void> {
  const deployed = await administer(options.data, async (administration, access) => {
    const { hash } = await bundled(folder, access.data);
    await tellAboutWayBack(administration, hash);
    return administration.applications.deploy.mutate({ hash, trialRequests: options.trial, reason: options.reason });
  });
  if (options.json) printJson(deployed);
  else print(`version ${deployed.version} (${shortened(deployed.hash)}) admits requests`);
}

async function tellAboutWayBack(administration: Administration, hash: string): Promise<void> {
  const { rollback } = await administration.applications.check.query({ hash });
  if (rollback.sentence !== "") note(rollback.sentence);
}

async function versions(options: CommonOptions): Promise<void> {
  const status = await administer(options.data, ({ applications }) => applications.status.query());
  if (options.json) return printJson(status);
  printTable(
    ["version", "hash", "state", "trial", "deployed", "by", "servers"],
    status.versions.map((version) => [
      version.version,
      shortened(version.hash),
      version.state,
      version.trial ? `${version.trial.requests} of ${version.trial.of}` : "–",
      version.deployedAt,
      version.deployedBy,
      `${version.servers.loaded} of ${version.servers.of}`,
    ]),
  );
  if (status.breakers.length > 0) {
    print("");
    printTable(
      ["breaker", "check", "version", "state", "clients", "withheld"],
      status.breakers.map((circuit) => [
        circuit.operation,
        circuit.check,
        shortened(circuit.applicationVersion),
        circuit.state,
        `${circuit.principals} of ${circuit.principalsNeeded}`,
        circuit.withheld,
      ]),
    );
  }
  if (status.rollback) print(`\nredoubt app rollback: ${status.rollback.sentence}`);
}

async function rollback(options: RollbackOptions): Promise<void> {
  const restored = await administer(options.data, ({ applications }) =>
    applications.rollback.mutate({ ...(options.to === undefined ? {} : { to: options.to }), reason: options.reason }),
  );
  if (options.json) printJson(restored);
  else print(`version ${restored.version} (${shortened(restored.hash)}) admits requests again`);
}

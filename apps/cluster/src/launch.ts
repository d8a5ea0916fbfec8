/**
 * What `redoubt up` and `redoubt down` run: one JSON argument in, progress on stderr, one line of JSON on stdout. Exit
 * codes: 0 done, 1 refused or failed, 2 usage.
 */
import { resolve } from "node:path";
import { checkOptions, UsageError } from "./launch/options.ts";
import { firstAdministrator, prepareCluster } from "./launch/prepare.ts";
import {
  awaitReady,
  checkPorts,
  endDeadCluster,
  RefusedError,
  runningAgents,
  startAgents,
  stopCluster,
} from "./launch/start.ts";
import { portsOf } from "./runtime/ports.ts";

interface Request {
  readonly command: "up" | "down";
  readonly data: string;
  readonly administrator?: { readonly email?: string; readonly password?: string };
  readonly options?: unknown;
  readonly debug?: boolean;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function up(request: Request): Promise<unknown> {
  const options = checkOptions({
    ...(request.options as object),
    data: resolve(request.data),
    application: resolve((request.options as { application: string }).application),
  });
  const { data } = options;
  const [agent] = runningAgents(data);
  if (agent)
    throw new RefusedError(
      `a cluster is running on ${data} already (${agent.name}, pid ${agent.pid}); end it with: redoubt down --data ${data}`,
    );
  await endDeadCluster(data, say);
  say("preparing the cluster");
  const cluster = await prepareCluster(options);
  const administrator = firstAdministrator(data, request.administrator ?? {});
  await checkPorts(cluster);
  say(`starting ${cluster.nodes.length} nodes`);
  await startAgents(data, cluster, request.debug ? "debug" : "info");
  await awaitReady(cluster, data, say);
  const ports = portsOf(cluster.portBase);
  return {
    data,
    profile: cluster.profile,
    clientUrl: `http://127.0.0.1:${ports.clientApi}`,
    consoleUrl: `http://127.0.0.1:${ports.console}`,
    administrator: administrator ?? null,
  };
}

try {
  const request = JSON.parse(process.argv[2] ?? "{}") as Request;
  const result = request.command === "up" ? await up(request) : { ended: await stopCluster(resolve(request.data)) };
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

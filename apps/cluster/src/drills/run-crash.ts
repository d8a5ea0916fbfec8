/** One drill of processes that end without warning: end them, watch what is noticed, wait until everything lives again. */
import type { DrillResult } from "../administration/index.ts";
import { type CrashDrill, customersOf } from "./catalogue.ts";
import { type DrillServer, type DrillStatus, isWhole, serversOf, until } from "./channel.ts";
import { endProcesses } from "./end-processes.ts";
import { reportCrash } from "./report.ts";
import type { Stage } from "./stage.ts";
import { type DrillTraffic, withClients, withTraffic } from "./traffic.ts";

const RATE_PER_SECOND = 50;
const WARM_UP_REQUESTS = 20;
const REQUESTS_AFTERWARDS = 40;
const ANSWERS_LIMIT_MS = 5_000;
const REPLACED_LIMIT_MS = 12_000;

export async function runCrash(stage: Stage, drill: CrashDrill, lane: number): Promise<DrillResult> {
  const startedAt = Date.now();
  const plan = {
    customers: customersOf(lane),
    operations: drill.operations,
    ratePerSecond: RATE_PER_SECOND,
    reading: stage.reading,
  };
  return withClients(stage.channel, stage.clientUrl, [`drill-${drill.name.toLowerCase()}`], (clients) =>
    withTraffic(clients, plan, (traffic) => endAndWatch(stage, drill, traffic, startedAt)),
  );
}

async function endAndWatch(
  stage: Stage,
  drill: CrashDrill,
  traffic: DrillTraffic,
  startedAt: number,
): Promise<DrillResult> {
  const { channel } = stage;
  if (!(await traffic.answered(WARM_UP_REQUESTS, ANSWERS_LIMIT_MS))) throw new Error("the cluster does not answer");
  const from = channel.events.length;
  const ended = chooseServers(drill, await channel.status());
  const at = endProcesses(stage.data, ended);
  const liveAgainAt = await until(REPLACED_LIMIT_MS, async () =>
    isReplaced(drill, ended, await channel.status()) ? Date.now() : undefined,
  );
  await traffic.answered(REQUESTS_AFTERWARDS, ANSWERS_LIMIT_MS);
  const seen = stage.seenBy(drill.name, await traffic.finish(), startedAt);
  const servers = ended.map(({ name }) => name);
  return reportCrash(drill, { at, servers, liveAgainAt }, channel.events.slice(from), seen);
}

type RunningServer = DrillServer & { readonly pid: number };

const isRunning = (server: DrillServer): server is RunningServer => server.pid !== null;

function chooseServers(drill: CrashDrill, status: DrillStatus): RunningServer[] {
  const { choice, component } = drill;
  const running = serversOf(status, component).filter(isRunning);
  if (choice !== "as-many-as-tolerated") {
    const chosen = running.find(({ role }) => role === choice.role);
    if (chosen === undefined) throw new Error(`no ${component} has the role "${choice.role}"`);
    return [chosen];
  }
  const count = status.degrees[component]?.faultsToleratedByDesign ?? 0;
  if (count < 1) throw new Error(`as few servers of ${component} as there are tolerate no fault`);
  return running.slice(0, count);
}

/** The ended ones run again as other processes, as many are live as wanted, and the role is filled. */
function isReplaced(drill: CrashDrill, ended: readonly RunningServer[], status: DrillStatus): boolean {
  const servers = serversOf(status, drill.component).filter(isRunning);
  const { choice } = drill;
  return (
    isWhole(status) &&
    ended.every((before) => servers.some(({ name, pid }) => name === before.name && pid !== before.pid)) &&
    (choice === "as-many-as-tolerated" || servers.some(({ role }) => role === choice.role))
  );
}

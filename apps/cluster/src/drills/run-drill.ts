/** One drill from the first balance to the report, which comes from manager events and from what its clients saw only. */
import type { FeedEvent } from "@redoubt/shared";
import type { DrillResult } from "../administration/index.ts";
import type { DrillAssignment } from "../manager/drill-orders.ts";
import type { ByzantineDrill, CrashDrill, Drill } from "./catalogue.ts";
import { type DrillServer, type DrillStatus, isWhole, type ManagerChannel, serversOf, until } from "./channel.ts";
import { compromiseHolder } from "./compromise.ts";
import { endProcesses } from "./end-processes.ts";
import { discardedServer, reportByzantine, reportCrash } from "./report.ts";
import { type DrillTraffic, startTraffic, withDrillClient } from "./traffic.ts";

/** Together they stay below what one drill may take (20 s) unless something is wrong. */
const WHOLE_LIMIT_MS = 10_000;
const ANSWERS_LIMIT_MS = 5_000;
const DETECTION_LIMIT_MS = 8_000;
const REPLACED_LIMIT_MS = 12_000;
const WARM_UP_REQUESTS = 20;
const REQUESTS_AFTERWARDS = 40;

export async function runDrill(
  channel: ManagerChannel,
  assignment: DrillAssignment,
  drill: Drill,
): Promise<DrillResult> {
  if (!(await awaitWhole(channel))) throw new Error("not every wanted server is live");
  return withDrillClient(channel, assignment.clientUrl, drill, async (client) => {
    const traffic = await startTraffic(client, drill);
    if (!(await traffic.answered(WARM_UP_REQUESTS, ANSWERS_LIMIT_MS))) throw new Error("the cluster does not answer");
    const result =
      drill.kind === "byzantine"
        ? await runByzantine(channel, drill, traffic)
        : await runCrash(channel, assignment.data, drill, traffic);
    await awaitWhole(channel);
    return result;
  });
}

/** A drill on a cluster that is short of something would say little. */
const awaitWhole = async (channel: ManagerChannel): Promise<boolean> =>
  (await until(WHOLE_LIMIT_MS, async () => (isWhole(await channel.status()) ? true : undefined))) ?? false;

async function runByzantine(
  channel: ManagerChannel,
  drill: ByzantineDrill,
  traffic: DrillTraffic,
): Promise<DrillResult> {
  const from = channel.events.length;
  const since = (): readonly FeedEvent[] => channel.events.slice(from);
  const orderedAt = Date.now();
  const server = await compromiseHolder(channel, drill.entry);
  await until(DETECTION_LIMIT_MS, () => discardedServer(since(), server));
  await channel.order({ kind: "restoreServer", server });
  await traffic.answered(REQUESTS_AFTERWARDS, ANSWERS_LIMIT_MS);
  const seen = await traffic.finish();
  return reportByzantine(drill, { server, orderedAt }, since(), seen);
}

async function runCrash(
  channel: ManagerChannel,
  data: string,
  drill: CrashDrill,
  traffic: DrillTraffic,
): Promise<DrillResult> {
  const from = channel.events.length;
  const ended = chooseServers(drill, await channel.status());
  const at = endProcesses(data, ended);
  const liveAgainAt = await until(REPLACED_LIMIT_MS, async () =>
    isReplaced(drill, ended, await channel.status()) ? Date.now() : undefined,
  );
  await traffic.answered(REQUESTS_AFTERWARDS, ANSWERS_LIMIT_MS);
  const seen = await traffic.finish();
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

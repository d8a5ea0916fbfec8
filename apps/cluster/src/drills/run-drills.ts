/**
 * Runs drills under the load of bystanders. Those of compromised servers go side by side in lanes, as many as leave one
 * execution server honest: while one misbehaves, the next is being compromised. Faults come afterwards, one at a time.
 */
import type { DrillResult } from "../administration/index.ts";
import type { DrillAssignment } from "../manager/drill-orders.ts";
import { customersOf, type Drill, LANES_MAX, type ReplicaDrill } from "./catalogue.ts";
import { isWhole, type ManagerChannel, serversOf, until } from "./channel.ts";
import { reportOpen } from "./report.ts";
import { runByzantine } from "./run-byzantine.ts";
import { runCrash } from "./run-crash.ts";
import { runFault } from "./run-fault.ts";
import { runReplicaDrills } from "./run-replica.ts";
import { Stage } from "./stage.ts";
import { withClients, withTraffic } from "./traffic.ts";

const WHOLE_LIMIT_MS = 15_000;
const BYSTANDERS = ["bystander-1", "bystander-2", "bystander-3", "bystander-4"];
const BYSTANDERS_RATE_PER_SECOND = 10;

/** `told` hears each result as it comes. A drill that cannot be carried out fails, and the others go on. */
export async function runDrills(
  channel: ManagerChannel,
  { data, clientUrl }: DrillAssignment,
  drills: readonly Drill[],
  told: (result: DrillResult) => void,
): Promise<void> {
  if (!(await awaitWhole(channel))) throw new Error("not every wanted server is live");
  const lanes = Math.max(1, Math.min(LANES_MAX - 1, (await countExecutionServers(channel)) - 1));
  const plan = {
    customers: customersOf("bystanders"),
    operations: ["transfer", "balance", "statement"],
    ratePerSecond: BYSTANDERS_RATE_PER_SECOND,
  } as const;
  await withClients(channel, clientUrl, BYSTANDERS, (clients) =>
    withTraffic(clients, plan, async (bystanders) => {
      const stage = new Stage({ channel, data, clientUrl, bystanders });
      const ofReplicas = drills.filter((drill) => drill.kind === "replica");
      await Promise.all([runInLanes(stage, drills, lanes, told), runOnReplica(stage, ofReplicas, told)]);
      for (const drill of drills) {
        if (drill.kind !== "crash" && drill.kind !== "fault") continue;
        await awaitWhole(channel);
        told(await runOne(stage, drill, 0));
      }
      await awaitWhole(channel);
      await bystanders.finish();
    }),
  );
}

async function runInLanes(
  stage: Stage,
  drills: readonly Drill[],
  lanes: number,
  told: (result: DrillResult) => void,
): Promise<void> {
  const queue = drills.filter((drill) => drill.kind === "byzantine" || drill.kind === "open");
  const work = async (lane: number): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) told(await runOne(stage, next, lane));
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => work(lane)));
}

async function runOne(stage: Stage, drill: Exclude<Drill, ReplicaDrill>, lane: number): Promise<DrillResult> {
  if (drill.kind === "open") return reportOpen(drill, drill.reason);
  try {
    if (drill.kind === "fault") return await runFault(stage, drill, lane);
    return drill.kind === "crash" ? await runCrash(stage, drill, lane) : await runByzantine(stage, drill, lane);
  } catch (error) {
    return notCarriedOut(drill, error);
  }
}

async function runOnReplica(
  stage: Stage,
  drills: readonly ReplicaDrill[],
  told: (result: DrillResult) => void,
): Promise<void> {
  const left = new Set(drills);
  try {
    if (drills.length > 0)
      await runReplicaDrills(stage, drills, (result) => {
        for (const drill of left) if (drill.name === result.drill) left.delete(drill);
        told(result);
      });
  } catch (error) {
    for (const drill of left) told(notCarriedOut(drill, error));
  }
}

function notCarriedOut(drill: Drill, error: unknown): DrillResult {
  const reason = error instanceof Error ? error.message : String(error);
  return { ...reportOpen(drill, `not carried out: ${reason}`), verdict: "failed" };
}

/** Drills on a cluster that is short of something would say little. */
const awaitWhole = async (channel: ManagerChannel): Promise<boolean> =>
  (await until(WHOLE_LIMIT_MS, async () => (isWhole(await channel.status()) ? true : undefined))) ?? false;

const countExecutionServers = async (channel: ManagerChannel): Promise<number> =>
  serversOf(await channel.status(), "execution-server").length;

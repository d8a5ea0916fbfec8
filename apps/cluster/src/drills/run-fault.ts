/**
 * One drill of faults: one scene after the other begins, lasts and ends, while the drill's clients ask. Survived = they are
 * served during each (but where nobody can be) and after it, no answer is wrong, none is missing, and every balance is right in
 * the end. Whether anybody noticed is told, but not demanded: what is survived without a trace is survived.
 */
import type { DrillResult } from "../administration/index.ts";
import { customersOf, type FaultDrill } from "./catalogue.ts";
import { isWhole, pause, until } from "./channel.ts";
import { FAULTS, type Fault, type FaultScene } from "./faults.ts";
import { reportFaults } from "./report.ts";
import type { Stage } from "./stage.ts";
import { type DrillTraffic, withClients, withTraffic } from "./traffic.ts";

const RATE_PER_SECOND = 30;
const ANSWERS = 20;
const ANSWERS_LIMIT_MS = 20_000;
const WHOLE_LIMIT_MS = 30_000;

export async function runFault(stage: Stage, drill: FaultDrill, lane: number): Promise<DrillResult> {
  const scenes = FAULTS[drill.name] ?? [];
  if (scenes.length === 0) throw new Error(`there is no fault of ${drill.name}`);
  const plan = {
    customers: customersOf(lane),
    operations: drill.operations,
    ratePerSecond: RATE_PER_SECOND,
    reading: stage.reading,
  };
  return withClients(stage.channel, stage.clientUrl, [`drill-${drill.name.toLowerCase()}`], (clients) =>
    withTraffic(clients, plan, async (traffic) => {
      const from = stage.channel.events.length;
      const startedAt = Date.now();
      if (!(await traffic.answered(ANSWERS, ANSWERS_LIMIT_MS))) throw new Error("the cluster does not answer");
      const faults: Fault[] = [];
      for (const scene of scenes) faults.push(await holdScene(stage, scene, traffic));
      const endedAt = Date.now();
      const seen = stage.seenBy(drill.name, await traffic.finish(), startedAt);
      return reportFaults(drill, { faults, endedAt }, stage.channel.events.slice(from), seen);
    }),
  );
}

async function holdScene(stage: Stage, scene: FaultScene, traffic: DrillTraffic): Promise<Fault> {
  const fault = await scene.begin(stage);
  try {
    if (!scene.interrupts) await serve(traffic, `while ${scene.name}`);
    await pause(Math.max(0, fault.at + scene.lastsMs - Date.now()));
  } finally {
    await fault.end();
  }
  const whole = await until(WHOLE_LIMIT_MS, async () => (isWhole(await stage.channel.status()) ? true : undefined));
  if (!whole) throw new Error(`the cluster was not whole again after ${scene.name}`);
  await serve(traffic, `after ${scene.name}`);
  return fault;
}

async function serve(traffic: DrillTraffic, when: string): Promise<void> {
  if (!(await traffic.answered(ANSWERS, ANSWERS_LIMIT_MS))) throw new Error(`nobody was served ${when}`);
}

/**
 * Drills of a compromised state replica: one process has all their behaviours and begins and ends them one after the other, so
 * that the cluster is without a replica twice only. A lying tester needs somebody whose lies it stands up for: then an execution
 * server is compromised besides.
 */
import type { DrillResult } from "../administration/index.ts";
import { readActs } from "./acts.ts";
import { customersOf, LANES_MAX, type ReplicaDrill } from "./catalogue.ts";
import { isWhole, serversOf, until } from "./channel.ts";
import { becomeHolder, begin, type Compromised, compromise } from "./compromise.ts";
import { type Found, findEvidence } from "./evidence.ts";
import { reportByzantine } from "./report.ts";
import type { Stage } from "./stage.ts";
import { type DrillTraffic, withClients, withTraffic } from "./traffic.ts";

const RATE_PER_SECOND = 25;
/** Before and after; what is measured does not wait for it. */
const ANSWERS_LIMIT_MS = 40_000;
const WHOLE_LIMIT_MS = 60_000;
const DETECTION_LIMIT_MS = 10_000;
const ACCOMPLICE_ROUNDS = 4;
const REQUESTS_AFTERWARDS = 10;

export async function runReplicaDrills(
  stage: Stage,
  drills: readonly ReplicaDrill[],
  told: (result: DrillResult) => void,
): Promise<void> {
  const { channel, clientUrl } = stage;
  const plan = {
    customers: customersOf(LANES_MAX - 1),
    operations: ["transfer", "balance", "transfer", "statement"],
    ratePerSecond: RATE_PER_SECOND,
    reading: stage.reading,
  } as const;
  await withClients(channel, clientUrl, ["drill-replica"], (clients) =>
    withTraffic(clients, plan, async (traffic) => {
      const target = serversOf(await channel.status(), "state-replica").at(-1);
      if (!target) throw new Error("there is no state replica");
      const names = drills.map(({ name }) => name).join("-");
      const compromised = await stage.acting.take(async () => {
        const started = await compromise(stage, target, `drills/compromised-replica.js ${names}`);
        await awaitWhole(stage);
        return started;
      });
      await stage.withTraffic(traffic, async () => {
        for (const drill of drills) told(await stage.acting.take(() => runOne(stage, drill, compromised, traffic)));
      });
      await stage.acting.take(async () => {
        await channel.order({ kind: "restoreServer", server: target.name });
        await awaitWhole(stage);
      });
    }),
  );
}

async function runOne(
  stage: Stage,
  drill: ReplicaDrill,
  compromised: Compromised,
  traffic: DrillTraffic,
): Promise<DrillResult> {
  const replica = compromised.server;
  const { channel, data } = stage;
  const startedAt = Date.now();
  const before = traffic.seen.length;
  if (!(await traffic.answered(REQUESTS_AFTERWARDS, ANSWERS_LIMIT_MS))) throw new Error("the cluster does not answer");
  const beganAt = Date.now();
  begin(stage, compromised);
  const look = (): Found | undefined => findEvidence(channel.events, replica, beganAt, drill.expects);
  const limitMs = drill.limitMs ?? DETECTION_LIMIT_MS;
  const found = drill.accomplice
    ? await withAccomplice(stage, drill.accomplice, traffic, look)
    : await until(limitMs, look);
  // Ends what it began.
  begin(stage, compromised);
  await traffic.answered(REQUESTS_AFTERWARDS, ANSWERS_LIMIT_MS);
  const acts = readActs(data, replica).filter(({ at }) => at >= beganAt);
  const from = acts.find(({ at }) => found === undefined || at <= found.at)?.at ?? beganAt;
  const seen = stage.seenBy(drill.name, traffic.seen.slice(before), startedAt);
  const result = reportByzantine(drill, from, found, seen);
  return result.detected ? result : { ...result, by: `not detected, though it misbehaved ${acts.length} times` };
}

/** Each round another execution server misbehaves until it is discarded; the replica stands up for it. */
async function withAccomplice(
  stage: Stage,
  behaviour: string,
  traffic: DrillTraffic,
  look: () => Found | undefined,
): Promise<Found | undefined> {
  for (let round = 0; round < ACCOMPLICE_ROUNDS; round++) {
    const server = await stage.take();
    try {
      const accomplice = await compromise(stage, server, `drills/compromised.js ${behaviour}`);
      await stage.quietly(() => becomeHolder(stage, server.name));
      begin(stage, accomplice);
      const found = await until(DETECTION_LIMIT_MS / 2, look);
      await traffic.answered(REQUESTS_AFTERWARDS, ANSWERS_LIMIT_MS);
      await stage.channel.order({ kind: "restoreServer", server: server.name });
      if (found) return found;
    } finally {
      stage.giveBack(server.name);
    }
  }
  return undefined;
}

const awaitWhole = ({ channel }: Stage): Promise<true | undefined> =>
  until(WHOLE_LIMIT_MS, async () => (isWhole(await channel.status()) ? true : undefined));

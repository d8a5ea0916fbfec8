/** One drill of a compromised execution server: compromise, hand over the leases, let it begin, watch, clean up. */
import type { DrillResult } from "../administration/index.ts";
import { readActs } from "./acts.ts";
import { type ByzantineDrill, customersOf } from "./catalogue.ts";
import { until } from "./channel.ts";
import { becomeHolder, begin, compromise, loseLeases } from "./compromise.ts";
import { type Found, findEvidence } from "./evidence.ts";
import { reportByzantine, type SeenRequest } from "./report.ts";
import type { Stage } from "./stage.ts";
import { type DrillTraffic, withClients, withTraffic } from "./traffic.ts";

const RATE_PER_SECOND = 25;
const WARM_UP_REQUESTS = 8;
const REQUESTS_AFTERWARDS = 10;
const ANSWERS_LIMIT_MS = 12_000;
/** The longest a misbehaviour may go on: a missed deadline is found after 2 s, and then the next one may show it. */
const DETECTION_LIMIT_MS = 8_000;
const RARE_DETECTION_LIMIT_MS = 25_000;

interface Round {
  readonly actedAt: number;
  readonly acts: number;
  readonly found: Found | undefined;
}

export async function runByzantine(stage: Stage, drill: ByzantineDrill, lane: number): Promise<DrillResult> {
  const startedAt = Date.now();
  const { operations } = drill;
  const plan = { customers: customersOf(lane), operations, ratePerSecond: RATE_PER_SECOND };
  return withClients(stage.channel, stage.clientUrl, [`drill-${drill.name.toLowerCase()}`], (clients) =>
    withTraffic(clients, plan, async (traffic) => {
      if (!(await traffic.answered(WARM_UP_REQUESTS, ANSWERS_LIMIT_MS))) throw new Error("the cluster does not answer");
      const rounds: Round[] = [];
      await stage.withTraffic(traffic, async () => {
        for (const variant of drill.rounds ?? [""]) rounds.push(await runRound(stage, drill, variant, traffic));
      });
      const seen = await traffic.finish();
      return conclude(drill, rounds, [...seen, ...stage.seenSince(startedAt)]);
    }),
  );
}

async function runRound(stage: Stage, drill: ByzantineDrill, variant: string, traffic: DrillTraffic): Promise<Round> {
  const { channel } = stage;
  const target = await stage.take();
  try {
    await compromise(stage, target, `drills/compromised.js ${drill.name} ${variant}`.trimEnd());
    const round = await stage.acting.take(() => act(stage, drill, target.name, traffic));
    // A process that was discarded is followed by an honest one; any other is still the compromised one.
    const isGone = channel.events.some(
      (event) =>
        event.kind === "server.discarded" && event.server === target.name && Date.parse(event.at) >= round.actedAt,
    );
    if (!isGone) await channel.order({ kind: "restoreServer", server: target.name });
    return round;
  } finally {
    stage.giveBack(target.name);
  }
}

async function act(stage: Stage, drill: ByzantineDrill, server: string, traffic: DrillTraffic): Promise<Round> {
  const { channel, data } = stage;
  await stage.quietly(() => becomeHolder(stage, server));
  if (!(await traffic.answered(WARM_UP_REQUESTS, ANSWERS_LIMIT_MS)))
    throw new Error(`${server} does not answer although it is still honest`);
  const beganAt = Date.now();
  begin(stage, server);
  if (drill.losesLeases) await loseLeases(stage, server);
  const limitMs = drill.rounds ? RARE_DETECTION_LIMIT_MS : DETECTION_LIMIT_MS;
  const found = await until(limitMs, () => findEvidence(channel.events, server, beganAt, drill.expects));
  await traffic.answered(REQUESTS_AFTERWARDS, ANSWERS_LIMIT_MS);
  const acts = readActs(data, server).filter(({ at }) => at >= beganAt);
  return { actedAt: acts[0]?.at ?? beganAt, acts: acts.length, found };
}

/** Of several rounds the slowest detection is told, and the share of those that were found. */
function conclude(drill: ByzantineDrill, rounds: readonly Round[], seen: readonly SeenRequest[]): DrillResult {
  const missed = rounds.find(({ found }) => found === undefined);
  const delay = ({ found, actedAt }: Round): number => (found?.at ?? Number.POSITIVE_INFINITY) - actedAt;
  const slowest = missed ?? [...rounds].sort((left, right) => delay(right) - delay(left))[0];
  if (slowest === undefined) throw new Error(`${drill.name} has no rounds`);
  const result = reportByzantine(drill, slowest.actedAt, slowest.found, seen);
  if (!result.detected) return { ...result, by: `not detected, though it misbehaved ${slowest.acts} times` };
  if (!drill.rounds) return result;
  const found = rounds.filter((round) => round.found !== undefined).length;
  const measured = `${found} of ${rounds.length} found, among ${seen.length} requests`;
  return result.evidence ? { ...result, evidence: { ...result.evidence, measured } } : result;
}

/** One drill of a compromised execution server: compromise, hand over the leases, let it begin, watch, clean up. */
import type { DrillResult } from "../administration/index.ts";
import { readActs } from "./acts.ts";
import { type ByzantineDrill, customersOf } from "./catalogue.ts";
import { until } from "./channel.ts";
import { becomeHolder, begin, type Compromised, compromise, EndedTooEarly, loseLeases, restore } from "./compromise.ts";
import { type Found, findEvidence } from "./evidence.ts";
import { reportByzantine, type SeenRequest } from "./report.ts";
import { hasEscaped, type Stage } from "./stage.ts";
import { type DrillTraffic, withClients, withTraffic } from "./traffic.ts";

const RATE_PER_SECOND = 25;
const WARM_UP_REQUESTS = 8;
const REQUESTS_AFTERWARDS = 10;
const ATTEMPTS_MAX = 3;
/** Before and after; what is measured does not wait for it. */
const ANSWERS_LIMIT_MS = 40_000;
/** The longest a misbehaviour may go on: a missed deadline is found after 2 s, and then the next one may show it. */
const DETECTION_LIMIT_MS = 8_000;
const FIRST_ACT_LIMIT_MS = 2_000;
const RARE_DETECTION_LIMIT_MS = 25_000;
/** What is not found by then is taken for escaped. */
const ESCAPE_LIMIT_MS = 4_000;

interface Round {
  readonly variant: string;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly actedAt: number;
  readonly acts: number;
  readonly found: Found | undefined;
}

export async function runByzantine(stage: Stage, drill: ByzantineDrill, lane: number): Promise<DrillResult> {
  const startedAt = Date.now();
  const { operations } = drill;
  const plan = { customers: customersOf(lane), operations, ratePerSecond: RATE_PER_SECOND, reading: stage.reading };
  return withClients(stage.channel, stage.clientUrl, [`drill-${drill.name.toLowerCase()}`], (clients) =>
    withTraffic(clients, plan, async (traffic) => {
      if (!(await traffic.answered(WARM_UP_REQUESTS, ANSWERS_LIMIT_MS))) throw new Error("the cluster does not answer");
      const rounds: Round[] = [];
      await stage.withTraffic(traffic, async () => {
        if (drill.prelude !== undefined) await runPrelude(stage, drill.prelude, traffic);
        for (const variant of drill.rounds ?? [""]) rounds.push(await runRound(stage, drill, variant, traffic));
      });
      const seen = await traffic.finish();
      return conclude(drill, rounds, stage.seenBy(drill.name, seen, startedAt));
    }),
  );
}

/** An accomplice that passes on what it hears while it holds the leases. */
async function runPrelude(stage: Stage, behaviour: string, traffic: DrillTraffic): Promise<void> {
  const target = await stage.take();
  try {
    const compromised = await compromise(stage, target, `drills/compromised.js ${behaviour}`);
    await stage.acting.take(async () => {
      await stage.quietly(() => becomeHolder(stage, target.name));
      begin(stage, compromised);
      await traffic.answered(REQUESTS_AFTERWARDS, ANSWERS_LIMIT_MS);
    });
    await stage.channel.order({ kind: "restoreServer", server: target.name });
  } finally {
    stage.giveBack(target.name);
  }
}

async function runRound(stage: Stage, drill: ByzantineDrill, variant: string, traffic: DrillTraffic): Promise<Round> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryRound(stage, drill, variant, traffic);
    } catch (error) {
      if (!(error instanceof EndedTooEarly) || attempt >= ATTEMPTS_MAX) throw error;
    }
  }
}

async function tryRound(stage: Stage, drill: ByzantineDrill, variant: string, traffic: DrillTraffic): Promise<Round> {
  const { channel } = stage;
  const target = await stage.take();
  try {
    const compromised = await compromise(stage, target, `drills/compromised.js ${drill.name} ${variant}`.trimEnd());
    const perform = async (): Promise<Round> => {
      const round = await act(stage, drill, variant, compromised, traffic);
      // A process that was discarded is followed by an honest one; any other is still the compromised one.
      const isGone = channel.events.some(
        (event) =>
          event.kind === "server.discarded" && event.server === target.name && Date.parse(event.at) >= round.actedAt,
      );
      if (!isGone) await restore(stage, compromised);
      const endedAt = Date.now();
      const isMeasured = drill.mayEscape && round.found === undefined;
      if (isMeasured) stage.noteEscape({ drill: drill.name, from: round.beganAt, to: endedAt });
      return { ...round, endedAt };
    };
    return await stage.acting.take(() => (drill.mayEscape ? stage.reading.take(perform) : perform()));
  } finally {
    stage.giveBack(target.name);
  }
}

async function act(
  stage: Stage,
  drill: ByzantineDrill,
  variant: string,
  compromised: Compromised,
  traffic: DrillTraffic,
): Promise<Round> {
  const { channel, data } = stage;
  const { server } = compromised;
  await stage.quietly(() => becomeHolder(stage, server));
  if (!(await traffic.answered(WARM_UP_REQUESTS, ANSWERS_LIMIT_MS)))
    throw new Error(`${server} does not answer although it is still honest`);
  const beganAt = Date.now();
  begin(stage, compromised);
  const limitMs = drill.mayEscape ? ESCAPE_LIMIT_MS : drill.rounds ? RARE_DETECTION_LIMIT_MS : DETECTION_LIMIT_MS;
  if (drill.losesLeases) {
    // What it goes on with afterwards it must have begun before.
    await until(FIRST_ACT_LIMIT_MS, () => (readActs(data, server).some(({ at }) => at >= beganAt) ? true : undefined));
    await loseLeases(stage, server);
  }
  const found = await until(limitMs, () => findEvidence(channel.events, server, beganAt, drill.expects));
  await traffic.answered(REQUESTS_AFTERWARDS, ANSWERS_LIMIT_MS);
  const acts = readActs(data, server).filter(({ at }) => at >= beganAt);
  const actedAt = acts[0]?.at ?? beganAt;
  return { variant, beganAt, endedAt: Date.now(), actedAt, acts: acts.length, found };
}

const delayOf = ({ found, actedAt }: Round): number => (found?.at ?? Number.POSITIVE_INFINITY) - actedAt;

/** Of several rounds the slowest detection is told, and the share of those that were found. */
function conclude(drill: ByzantineDrill, rounds: readonly Round[], seen: readonly SeenRequest[]): DrillResult {
  const found = rounds.filter((round) => round.found !== undefined);
  const missed = rounds.filter((round) => round.found === undefined);
  const isMissed = drill.mayEscape ? found.length === 0 : missed.length > 0;
  const told = isMissed ? missed[0] : [...found].sort((left, right) => delayOf(right) - delayOf(left))[0];
  if (told === undefined) throw new Error(`${drill.name} has no rounds`);
  const escaped = drill.mayEscape
    ? seen.filter((request) =>
        missed.some(({ beganAt, endedAt }) => hasEscaped(request, { from: beganAt, to: endedAt })),
      )
    : [];
  const counted = seen.filter((request) => !escaped.includes(request));
  const result = reportByzantine(drill, told.actedAt, told.found, counted);
  if (!result.detected) return { ...result, by: `not detected, though it misbehaved ${told.acts} times` };
  if (!drill.rounds || !result.evidence) return result;
  const names = missed.map(({ variant }) => variant).join(", ");
  const share = `${found.length} of ${rounds.length} found, among ${seen.length} requests`;
  const measured = missed.length === 0 ? share : `${share}; not found: ${names}, in ${escaped.length} replies`;
  return { ...result, evidence: { ...result.evidence, measured } };
}

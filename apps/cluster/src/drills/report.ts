/**
 * What a drill says at its end, worked out from two things only: the events the manager recorded, and what the drill's
 * own clients asked and were answered. Times are milliseconds since 1970 of one machine.
 */
import type { FeedEvent, FeedEventOf } from "@redoubt/shared";
import type { DrillResult } from "../administration/index.ts";
import type { Drill } from "./catalogue.ts";
import type { Judgement } from "./lanes.ts";

/** One request of the drill's clients, as they saw it. */
export interface SeenRequest {
  readonly requestId: string | undefined;
  readonly startedAt: number;
  readonly answeredAt: number;
  readonly judgement: Judgement;
}

const timeOf = (event: FeedEvent): number => Date.parse(event.at);

interface Measured {
  readonly detectedAt: number | undefined;
  readonly by: string | undefined;
  /** When the misbehaviour or fault could first be seen. */
  readonly from: number;
  readonly containedAt: number | undefined;
}

function makeReport(
  { name, title }: Drill,
  { detectedAt, by, from, containedAt }: Measured,
  seen: readonly SeenRequest[],
): DrillResult {
  const since = (at: number | undefined): number | null =>
    at === undefined ? null : Math.max(0, Math.round(at - from));
  return {
    drill: name,
    title,
    detected: detectedAt !== undefined,
    by: by ?? null,
    detectedInMs: since(detectedAt),
    containedInMs: since(containedAt),
    wrongReplyReleased: seen.filter(({ judgement }) => judgement === "wrong").length,
    bystandersHarmed: seen.filter(({ judgement }) => judgement !== "right").length,
  };
}

/** The event by which this server was discarded, when it was. */
export const discardedServer = (
  events: readonly FeedEvent[],
  server: string,
): FeedEventOf<"server.discarded"> | undefined =>
  events.find(
    (event): event is FeedEventOf<"server.discarded"> => event.kind === "server.discarded" && event.server === server,
  );

/**
 * A compromised execution server. It could first be seen when a request met it: when that request started, or when the
 * server became the holder, whichever was later. Contained = the first right answer after the detection: to the request
 * that met it, or, when that one is not ours or honest replicas had answered it before, to any that started later.
 */
export function reportByzantine(
  drill: Drill,
  compromised: { readonly server: string; readonly orderedAt: number },
  events: readonly FeedEvent[],
  seen: readonly SeenRequest[],
): DrillResult {
  const { server, orderedAt } = compromised;
  const discarded = discardedServer(events, server);
  if (discarded === undefined) {
    return makeReport(drill, { detectedAt: undefined, by: undefined, from: orderedAt, containedAt: undefined }, seen);
  }
  const detectedAt = timeOf(discarded);
  const met = seen.find(({ requestId }) => requestId !== undefined && requestId === discarded.requestId);
  const opened = events.findLast(
    (event) => event.kind === "epoch.opened" && event.holder === server && event.number < discarded.number,
  );
  const from = Math.min(detectedAt, Math.max(orderedAt, opened ? timeOf(opened) : 0, met?.startedAt ?? 0));
  const right = seen.filter(({ judgement }) => judgement === "right");
  const later = right.filter(({ startedAt }) => startedAt >= detectedAt).map(({ answeredAt }) => answeredAt);
  const isMetContained = met?.judgement === "right" && met.answeredAt >= detectedAt;
  const containedAt = isMetContained ? met.answeredAt : earliest(later);
  return makeReport(drill, { detectedAt, by: discarded.cause, from, containedAt }, seen);
}

/**
 * Ended processes. Detected = the manager knows of the last of them; contained = everything lives again and a request
 * that started after the end was answered rightly.
 */
export function reportCrash(
  drill: Drill,
  ended: { readonly at: number; readonly servers: readonly string[]; readonly liveAgainAt: number | undefined },
  events: readonly FeedEvent[],
  seen: readonly SeenRequest[],
): DrillResult {
  const noticed = ended.servers.map((server) =>
    events.find((event) => event.kind === "server.state" && event.server === server && event.to !== "up"),
  ) as (FeedEventOf<"server.state"> | undefined)[];
  const isNoticed = noticed.length > 0 && noticed.every((event) => event !== undefined);
  const detectedAt = isNoticed ? Math.max(...noticed.map((event) => (event ? timeOf(event) : 0))) : undefined;
  const served = earliest(
    seen
      .filter(({ judgement, startedAt }) => judgement === "right" && startedAt >= ended.at)
      .map(({ answeredAt }) => answeredAt),
  );
  const { liveAgainAt } = ended;
  const containedAt = served === undefined || liveAgainAt === undefined ? undefined : Math.max(served, liveAgainAt);
  return makeReport(drill, { detectedAt, by: noticed[0]?.cause, from: ended.at, containedAt }, seen);
}

const earliest = (times: readonly number[]): number | undefined =>
  times.length === 0 ? undefined : Math.min(...times);

/**
 * What a drill says at its end, worked out from two things only: the events the manager recorded, and what the drill's
 * own clients asked and were answered. Times are milliseconds since 1970 of one machine.
 */
import type { FeedEvent, FeedEventOf } from "@redoubt/shared";
import type { DrillEvidence, DrillResult } from "../administration/index.ts";
import type { Drill } from "./catalogue.ts";
import type { Found } from "./evidence.ts";
import type { Fault } from "./faults.ts";
import type { Judgement } from "./lanes.ts";

/** One request of the drill's clients, as they saw it. */
export interface SeenRequest {
  readonly requestId: string | undefined;
  readonly startedAt: number;
  readonly answeredAt: number;
  readonly judgement: Judgement;
}

interface Measured {
  readonly detectedAt: number | undefined;
  readonly by: string | undefined;
  readonly evidence: DrillEvidence | undefined;
  /** When the misbehaviour or fault began. */
  readonly from: number;
  readonly containedAt: number | undefined;
}

const NOT_MEASURED: Measured = {
  detectedAt: undefined,
  by: undefined,
  evidence: undefined,
  from: 0,
  containedAt: undefined,
};

function makeReport(
  { kind, name, title }: Drill,
  { detectedAt, by, evidence, from, containedAt }: Measured,
  seen: readonly SeenRequest[],
): DrillResult {
  const since = (at: number | undefined): number | null =>
    at === undefined ? null : Math.max(0, Math.round(at - from));
  const wrongReplyReleased = seen.filter(({ judgement }) => judgement === "wrong").length;
  const bystandersHarmed = seen.filter(({ judgement }) => judgement !== "right").length;
  // A fault may pass without anybody noticing.
  const isNoticed = kind === "fault" || detectedAt !== undefined;
  const isWell = isNoticed && containedAt !== undefined && bystandersHarmed === 0;
  const good = kind === "crash" || kind === "fault" ? "survived" : "detected";
  return {
    drill: name,
    title,
    detected: detectedAt !== undefined,
    by: by ?? null,
    evidence: evidence ?? null,
    detectedInMs: since(detectedAt),
    containedInMs: since(containedAt),
    wrongReplyReleased,
    bystandersHarmed,
    requests: seen.length,
    verdict: kind === "open" ? "open" : isWell ? good : "failed",
  };
}

/** What needs something that is not built. */
export const reportOpen = (drill: Drill, reason: string): DrillResult => ({
  ...makeReport(drill, NOT_MEASURED, []),
  by: reason,
});

/**
 * A compromised server. Counted from its first act. Contained = the first right answer to a request that started after the
 * detection, or, when the request that showed the misbehaviour is one of ours, its right answer.
 */
export function reportByzantine(
  drill: Drill,
  from: number,
  found: Found | undefined,
  seen: readonly SeenRequest[],
): DrillResult {
  if (found === undefined) return makeReport(drill, { ...NOT_MEASURED, from }, seen);
  const { at: detectedAt, by, evidence } = found;
  const right = seen.filter(({ judgement }) => judgement === "right");
  const met = right.find(({ requestId }) => requestId !== undefined && requestId === evidence.requestId);
  const later = right.filter(({ startedAt }) => startedAt >= detectedAt).map(({ answeredAt }) => answeredAt);
  const containedAt = met !== undefined && met.answeredAt >= detectedAt ? met.answeredAt : earliest(later);
  return makeReport(drill, { detectedAt, by, evidence, from: Math.min(from, detectedAt), containedAt }, seen);
}

const timeOf = (event: FeedEvent): number => Date.parse(event.at);

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
  const [first] = noticed;
  const isNoticed = first !== undefined && noticed.every((event) => event !== undefined);
  const detectedAt = isNoticed ? Math.max(...noticed.map((event) => (event ? timeOf(event) : 0))) : undefined;
  const served = earliest(
    seen
      .filter(({ judgement, startedAt }) => judgement === "right" && startedAt >= ended.at)
      .map(({ answeredAt }) => answeredAt),
  );
  const { liveAgainAt } = ended;
  const containedAt = served === undefined || liveAgainAt === undefined ? undefined : Math.max(served, liveAgainAt);
  const evidence = first && {
    ...{ event: first.number, kind: first.kind, server: ended.servers.join(", "), cause: first.cause },
    ...{ requestId: null, reporters: [], changeDigests: [] },
  };
  return makeReport(drill, { detectedAt, by: first?.cause, evidence, from: ended.at, containedAt }, seen);
}

/**
 * Faults, one after the other. Detected = the first event about a server one of them met, counted from the first fault;
 * contained = a request that started after the last of them had ended was answered rightly.
 */
export function reportFaults(
  drill: Drill,
  { faults, endedAt }: { readonly faults: readonly Pick<Fault, "at" | "servers">[]; readonly endedAt: number },
  events: readonly FeedEvent[],
  seen: readonly SeenRequest[],
): DrillResult {
  const from = Math.min(endedAt, ...faults.map(({ at }) => at));
  const isAbout = (server: string): boolean => faults.some(({ servers }) => servers.includes(server));
  const noticed = events.find(
    (event): event is FeedEventOf<"server.state"> =>
      event.kind === "server.state" && event.to !== "up" && timeOf(event) >= from && isAbout(event.server),
  );
  const evidence = noticed && {
    ...{ event: noticed.number, kind: noticed.kind, server: noticed.server, cause: noticed.cause },
    ...{ requestId: null, reporters: [], changeDigests: [] },
  };
  const right = seen.filter(({ judgement, startedAt }) => judgement === "right" && startedAt >= endedAt);
  const containedAt = earliest(right.map(({ answeredAt }) => answeredAt));
  const detectedAt = noticed && timeOf(noticed);
  return makeReport(drill, { detectedAt, by: noticed?.cause, evidence, from, containedAt }, seen);
}

const earliest = (times: readonly number[]): number | undefined =>
  times.length === 0 ? undefined : Math.min(...times);

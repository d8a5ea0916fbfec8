/**
 * One request's way through the cluster, put together from everybody who knows a part of it: the regulator's logs and its
 * memory of hops, the masters' decisions, the replicas' journals, the manager's own record of quarantine and incidents.
 * Metadata only. Nothing is guessed: what nobody could say is said to be unknown.
 */
import type { RequestId, RequestTraceSeen } from "@redoubt/shared";
import {
  AdministrationError,
  type RequestAttempt,
  type RequestAttribution,
  type RequestHistory,
  type RequestHopTold,
} from "../../administration/index.ts";
import type { StoredRequestStep } from "../state-link.ts";
import type { PortParts } from "./parts.ts";
import { outcomeOf, toLogEntry } from "./records.ts";
import { faultOf, runsOf } from "./request-fault.ts";
import { answersOf, attemptOf, attemptsOf, hopsOf, testsOf } from "./request-hops.ts";
import { type Entry, recordsOf, text, traceOf } from "./request-records.ts";
import { objectsWritten, storedVersions, verifiedVersions } from "./request-versions.ts";

type LogName = "L1" | "L2" | "L3";

const REGULATOR = "traffic-regulator-1";

export async function requestHistory(parts: PortParts, requestId: RequestId): Promise<RequestHistory> {
  const { regulator, state } = parts;
  const [found, decided, recorded] = await Promise.all([
    findInLogs(regulator, requestId),
    state.requestSteps(requestId),
    recordsOf(parts, requestId),
  ]);
  const steps = decided?.steps;
  const keptFrom = decided?.kept.at == null ? null : new Date(decided.kept.at).toISOString();
  if (found.entry === undefined && !steps?.length && recorded.isEmpty)
    throw new AdministrationError("not-found", notFound(keptFrom), "requestId");
  const log = found.log ?? (recorded.quarantined ? "L1" : "L2");
  const entry = found.entry ?? {};
  const shown = toLogEntry(log, entry, 1);
  const trace = traceOf(entry) ?? recorded.trace;
  const verified = verifiedVersions(steps ?? []);
  const operation = shown.operation ?? recorded.quarantined?.operation ?? "unknown";
  const inputText = text(entry.inputText);
  const stored = await storedVersions(
    { state },
    requestId,
    verified,
    objectsWritten(parts, verified, operation, inputText),
  );
  const names = { regulator: REGULATOR, client: shown.client ?? "the client" };
  const receivedAt = receivedAtOf(entry, trace, steps) ?? recorded.quarantined?.at ?? shown.at;
  return {
    asOf: new Date().toISOString(),
    requestId,
    operation,
    client: shown.client ?? recorded.quarantined?.client ?? "unknown",
    host: shown.host === "unknown" ? (recorded.quarantined?.host ?? hostOf(trace)) : shown.host,
    receivedAt,
    log,
    state: log === "L3" ? text(entry.state) : null,
    outcome: found.entry ? outcomeOf(log, entry) : "decided by the masters",
    replyStatus: shown.replyStatus,
    attempts: trace ? attemptsOf(trace) : attemptsKnown(entry, verified, receivedAt, recorded.attributions),
    hops: withSlots(trace ? hopsOf(trace, names) : hopsKnown(log, entry, receivedAt, names.client), steps ?? []),
    tests: trace ? testsOf(trace) : [],
    versions: stored.versions,
    attributions: [...recorded.attributions],
    fault: faultOf({
      ...{ hops: trace?.hops ?? [], log, incidents: recorded.incidents, attributions: recorded.attributions },
      quarantined: recorded.quarantined,
    }),
    answers: trace ? answersOf(trace) : [],
    quarantine: recorded.quarantined ? recorded.quarantined.shown : null,
    verdict: verdictOf(log, entry, steps ?? []),
    trace: trace ?? null,
    unknown: unknownOf({ found, steps, trace, silent: stored.silent, recordsAway: recorded.isAway, keptFrom }),
  };
}

/** L2 keeps replies, not addresses: the regulator's memory of the hops does for a while. */
const hostOf = (trace: RequestTraceSeen | undefined): string =>
  trace === undefined || trace.host === "" ? "unknown" : trace.host;

const notFound = (keptFrom: string | null): string =>
  keptFrom === null
    ? "No request of this id is in the logs or was decided."
    : `No request of this id is in the logs or was decided since ${keptFrom}. If it is older, it is older than the masters' retention window.`;

interface Found {
  readonly log: LogName | undefined;
  readonly entry: Entry | undefined;
  /** The regulator answered, whether it knows the request or not. */
  readonly answered: boolean;
}

async function findInLogs(regulator: PortParts["regulator"], requestId: RequestId): Promise<Found> {
  const logs = ["L2", "L1", "L3"] as const;
  const pages = await Promise.all(logs.map((log) => regulator.readLog(log, 1, requestId).catch(() => undefined)));
  const index = pages.findIndex((page) => page?.entries[0] !== undefined);
  return {
    log: logs[index],
    entry: pages[index]?.entries[0],
    answered: pages.some((page) => page !== undefined),
  };
}

function receivedAtOf(
  entry: Entry,
  trace: RequestTraceSeen | undefined,
  steps: readonly StoredRequestStep[] | undefined,
): string | undefined {
  const [first] = steps ?? [];
  const at = entry.admittedAt ?? trace?.since ?? entry.at ?? first?.at;
  return typeof at === "number" && Number.isFinite(at) ? new Date(at).toISOString() : undefined;
}

/** Without the regulator's memory: what its attributions told, and what logs and decisions name. */
function attemptsKnown(
  entry: Entry,
  [verified]: RequestHistory["versions"],
  at: string,
  attributions: readonly RequestAttribution[],
): RequestAttempt[] {
  const failed = runsOf(attributions).map(attemptOf);
  const executionServer = text(entry.executionServer) ?? verified?.executionServer;
  const number = Number(entry.attempt ?? verified?.attempt ?? 1);
  if (executionServer === undefined || failed.some((attempt) => attempt.number === number)) return failed;
  return [
    ...failed,
    {
      ...{ number, kind: "attempt", executionServer, at },
      ...{ ms: null, epoch: verified?.epoch ?? null, testers: verified?.testers ?? [], members: [], alone: false },
      ...{ outcome: verified ? "verified" : "not known", tone: verified ? "good" : "plain", failure: null },
    },
  ];
}

function hopsKnown(log: LogName, entry: Entry, receivedAt: string, client: string): RequestHopTold[] {
  const hop = (at: string, event: string, detail: string): RequestHopTold => ({
    ...{ at, ms: null, server: REGULATOR, event, detail, attempt: null, tone: "plain" },
  });
  const endedAt = typeof entry.at === "number" ? new Date(entry.at).toISOString() : undefined;
  return [
    hop(receivedAt, "received", `from ${client}`),
    ...(endedAt !== undefined && log === "L2"
      ? [{ ...hop(endedAt, "answered", `${String(entry.status ?? "")}, verified`), tone: "good" as const }]
      : []),
    ...(endedAt !== undefined && log === "L1"
      ? [{ ...hop(endedAt, "rejected", outcomeOf(log, entry)), tone: "bad" as const }]
      : []),
  ];
}

/** The masters' decisions with their slots: added to the hop of their arrival, or as hops of their own. */
export function withSlots(hops: readonly RequestHopTold[], steps: readonly StoredRequestStep[]): RequestHopTold[] {
  const told = hops.map((hop) => ({ ...hop }));
  for (const { slot, at, decisions } of steps)
    for (const decision of decisions) {
      const arrival = told.find((hop) => hop.server === "state masters" && hop.event === decision.kind);
      const testers = decision.kind === "verified" && decision.testers.length > 0 ? decision.testers : undefined;
      const detail = `in slot ${slot}${testers ? `; counted the tests of ${testers.join(", ")}` : ""}`;
      if (arrival) arrival.detail = `${arrival.detail}, ${detail}`;
      else
        told.push({
          ...{ at: new Date(at).toISOString(), ms: null, server: "state masters", event: decision.kind, detail },
          ...{ attempt: null, tone: decision.kind === "verified" ? "good" : "plain" },
        });
    }
  // Hops of one clock keep their order; those of another are put where their time says.
  return told.sort(
    (left, right) =>
      Date.parse(left.at) - Date.parse(right.at) || (left.ms === null || right.ms === null ? 0 : left.ms - right.ms),
  );
}

function verdictOf(log: LogName, entry: Entry, steps: readonly StoredRequestStep[]): string | null {
  if (log === "L1") return text(entry.detail) ?? text(entry.problem);
  const isVerified = steps.some(({ decisions }) => decisions.some(({ kind }) => kind === "verified"));
  return isVerified ? "verified" : null;
}

/** What nobody could say, and why. */
export function unknownOf(known: {
  readonly found: Pick<Found, "entry" | "answered">;
  readonly steps: readonly unknown[] | undefined;
  readonly trace: RequestTraceSeen | undefined;
  /** Replicas were asked, and none answered. */
  readonly silent: boolean;
  /** The manager's own database did not answer. */
  readonly recordsAway: boolean;
  /** The masters keep decisions about requests since then; null while they keep all. */
  readonly keptFrom?: string | null;
}): string[] {
  const { found, steps, trace, silent, recordsAway, keptFrom = null } = known;
  const sentences: string[] = [];
  if (!found.answered)
    sentences.push("The traffic regulator did not answer: client, host, attempts and answers may be missing.");
  else if (!found.entry)
    sentences.push("It has left the regulator's logs: who sent it and how it was answered is not known any more.");
  if (found.answered && trace === undefined)
    sentences.push(
      "The regulator keeps the hops of the newest requests only, in memory: where this one's milliseconds went is not known any more.",
    );
  if (trace?.hops[0]?.kind === "restored")
    sentences.push("The regulator has restarted since its admission: what happened before that is not known.");
  if (trace !== undefined && trace.omitted > 0) sentences.push(`${trace.omitted} hops in the middle were not kept.`);
  if (steps === undefined) sentences.push("No state master answered: verified versions and slots may be missing.");
  if (steps?.length === 0 && keptFrom !== null)
    sentences.push(
      `The masters keep what they decided about requests since ${keptFrom}: if this one is older, it is older than their retention window, and its versions and slots are not known any more.`,
    );
  if (recordsAway) sentences.push("The manager's own database does not answer: quarantine and fault may be missing.");
  if (silent) sentences.push("No state replica answered in time: what they store of it is not shown.");
  return sentences;
}

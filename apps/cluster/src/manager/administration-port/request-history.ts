/** One request's way through the cluster, from the regulator's logs and the masters' decisions. Metadata only. */
import type { RequestId } from "@redoubt/shared";
import { AdministrationError, type RequestAttribution, type RequestHistory } from "../../administration/index.ts";
import type { StoredRequestStep } from "../state-link.ts";
import type { PortParts } from "./parts.ts";
import { outcomeOf, toLogEntry } from "./records.ts";

type Entry = Readonly<Record<string, unknown>>;
type LogName = "L1" | "L2" | "L3";

export async function requestHistory(parts: PortParts, requestId: RequestId): Promise<RequestHistory> {
  const { regulator, state } = parts;
  const [found, steps, attributions] = await Promise.all([
    findInLogs(regulator, requestId),
    state.requestSteps(requestId),
    attributionsOf(parts, requestId),
  ]);
  if (!found && attributions.length === 0 && (steps === undefined || steps.length === 0))
    throw new AdministrationError("not-found", "No request of this id is in the logs or was decided.", "requestId");
  const log = found?.log ?? "L2";
  const entry = found?.entry ?? {};
  const shown = toLogEntry(log, entry, 1);
  const attempt = Number(entry.attempt ?? 1);
  const executionServer = text(entry.executionServer) ?? serverOf(steps);
  const at = shown.at.startsWith("1970") ? timeOf(steps) : shown.at;
  return {
    requestId,
    operation: shown.operation ?? "unknown",
    client: shown.client ?? "unknown",
    host: shown.host,
    receivedAt: at,
    log,
    outcome: found ? outcomeOf(log, entry) : "decided by the masters",
    replyStatus: shown.replyStatus,
    attempts: [
      ...failedAttempts(attributions),
      ...(executionServer === "" || log === "L1"
        ? []
        : [{ number: attempt, executionServer, at, outcome: shown.outcome }]),
    ],
    hops: hopsOf(log, entry, steps ?? [], at, executionServer),
    versions: (steps ?? []).flatMap(({ versions }) =>
      versions.map(({ object, number, epoch, c1 }) => ({ object, number, epoch, status: "verified" as const, c1 })),
    ),
    verdict: verdictOf(log, entry, steps ?? []),
    attributions,
  };
}

async function attributionsOf({ database }: PortParts, requestId: RequestId): Promise<RequestAttribution[]> {
  // What logs and masters know is shown also while the manager's own database is away.
  const rows = await database.answering((store) => store.attributions.of(requestId)).catch(() => []);
  // Written from the regulator's own facts, whose shape is this one.
  return rows.map((row) => ({ ...row, at: row.at.toISOString() })) as RequestAttribution[];
}

/** Attempts and shadow runs of all attributions, each once: a later attribution repeats those before it. */
function failedAttempts(attributions: readonly RequestAttribution[]): RequestHistory["attempts"] {
  const runs = new Map(attributions.flatMap(({ evidence }) => evidence.runs.map((run) => [run.attempt, run] as const)));
  return [...runs.values()]
    .sort((left, right) => left.attempt - right.attempt)
    .map(({ attempt, server, incarnation, at, lastedMs, kind, outcome, check }) => ({
      number: attempt,
      executionServer: server,
      incarnation,
      at: new Date(at).toISOString(),
      lastedMs,
      outcome: `${kind === "shadow-run" ? "shadow run " : ""}${outcome}${check === "" ? "" : ` (${check})`}`,
    }));
}

async function findInLogs(
  regulator: PortParts["regulator"],
  requestId: RequestId,
): Promise<{ log: LogName; entry: Entry } | undefined> {
  const logs = ["L2", "L1", "L3"] as const;
  const pages = await Promise.all(logs.map((log) => regulator.readLog(log, 1, requestId).catch(() => undefined)));
  for (const [index, page] of pages.entries()) {
    const entry = page?.entries[0];
    if (entry) return { log: logs[index] as LogName, entry };
  }
  return undefined;
}

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const serverOf = (steps: readonly StoredRequestStep[] | undefined): string =>
  steps?.flatMap(({ versions }) => versions)[0]?.executionServer ?? "";
const timeOf = (steps: readonly StoredRequestStep[] | undefined): string => new Date(steps?.[0]?.at ?? 0).toISOString();

/** The hops of the paper's Figure 3 that left a record. */
function hopsOf(
  log: LogName,
  entry: Entry,
  steps: readonly StoredRequestStep[],
  at: string,
  executionServer: string,
): RequestHistory["hops"] {
  const hops = [
    { at, server: "traffic-regulator-1", event: "received", detail: `from ${text(entry.clientId) ?? "a client"}` },
  ];
  if (executionServer !== "")
    hops.push({ at, server: executionServer, event: "executed", detail: "by one server, whom nobody trusts" });
  for (const step of steps) {
    const time = new Date(step.at).toISOString();
    for (const decision of step.decisions) {
      if (decision.kind === "verified")
        hops.push({
          at: time,
          server: decision.testers.join(", "),
          event: "accepted",
          detail: "its acceptance tests passed",
        });
      hops.push({ at: time, server: "state masters", event: decision.kind, detail: `slot ${step.slot}` });
    }
  }
  if (log === "L2")
    hops.push({ at, server: "traffic-regulator-1", event: "released", detail: `status ${String(entry.status ?? "")}` });
  if (log === "L1") hops.push({ at, server: "traffic-regulator-1", event: "rejected", detail: outcomeOf(log, entry) });
  // Times are of different clocks and of records written at different moments: sorted, they tell the story in order.
  return hops.sort((left, right) => Date.parse(left.at) - Date.parse(right.at));
}

function verdictOf(log: LogName, entry: Entry, steps: readonly StoredRequestStep[]): string | null {
  if (log === "L1") return text(entry.detail) ?? text(entry.problem);
  const isVerified = steps.some(({ decisions }) => decisions.some(({ kind }) => kind === "verified"));
  return isVerified ? "verified" : null;
}

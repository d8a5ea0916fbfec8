/** What the cluster remembers of requests: one request's way, and the logs. */
import type { RequestId } from "@redoubt/shared";
import type { AdministrationPort, LogEntry } from "../../administration/index.ts";
import type { PortParts } from "./parts.ts";
import { requestHistory } from "./request-history.ts";

type RecordsPart = Pick<AdministrationPort, "requestShow" | "log">;

const PAGE_MAX = 500;

export function recordsPart(parts: PortParts): RecordsPart {
  const { regulator, traffic } = parts;
  return {
    requestShow: (requestId) => requestHistory(parts, requestId as RequestId),
    async log({ log, limit, before }) {
      const { entries, counts } = await regulator.readLog(log, PAGE_MAX);
      traffic.takeLogs(counts);
      const total = counts[log];
      // L3 is told oldest first, the others newest first; people read newest first and numbers grow with time.
      const newestFirst = log === "L3" ? [...entries].reverse() : entries;
      const numbered = newestFirst.map((entry, index) => toLogEntry(log, entry, Math.max(1, total - index)));
      return {
        log,
        total,
        entries: numbered.filter(({ number }) => before === undefined || number < before).slice(0, limit),
      };
    },
  };
}

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

export function toLogEntry(log: string, entry: Readonly<Record<string, unknown>>, number: number): LogEntry {
  const at = Number(entry.at ?? entry.admittedAt ?? 0);
  return {
    number,
    requestId: text(entry.requestId),
    operation: text(entry.operation),
    client: text(entry.clientId),
    host: text(entry.address) ?? "unknown",
    at: new Date(Number.isFinite(at) ? at : 0).toISOString(),
    outcome: outcomeOf(log, entry),
    replyStatus: typeof entry.status === "number" ? entry.status : log === "L1" ? 403 : null,
  };
}

export function outcomeOf(log: string, entry: Readonly<Record<string, unknown>>): string {
  if (log === "L2") return "verified and answered";
  if (log === "L3") return `pending: ${text(entry.state) ?? "unknown"}`;
  if (entry.kind === "unqualified") return `unqualified: ${text(entry.problem) ?? "refused"}`;
  return `${text(entry.review) ?? "quarantined"}: ${text(entry.reason) ?? "unknown"} (${text(entry.check) ?? "unknown"})`;
}

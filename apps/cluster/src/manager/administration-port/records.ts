/** What the cluster remembers: versions of objects, a request's way, the logs, and whether the masters agree. */
import type { RequestId } from "@redoubt/shared";
import {
  AdministrationError,
  type AdministrationPort,
  type LogEntry,
  type MastersComparison,
  type StateObjectSummary,
  type StateVersion,
} from "../../administration/index.ts";
import { type MasterDigestAnswer, METADATA_PATIENCE_MS, type ObjectHeadEntry } from "../state-link.ts";
import { mergeVersions } from "./object-versions.ts";
import type { PortParts } from "./parts.ts";
import { requestHistory } from "./request-history.ts";

type RecordsPart = Pick<AdministrationPort, "stateList" | "stateShow" | "requestShow" | "log" | "mastersCompare">;

const PAGE_MAX = 500;
const COMPARE_LIMIT_MS = 8_000;
const COMPARE_PAUSE_MS = 150;

export function recordsPart(parts: PortParts): RecordsPart {
  const { state, regulator, traffic } = parts;
  return {
    async stateList({ prefix, limit }) {
      const answer = await state.askAny({ kind: "objects", prefix, limit });
      if (!Array.isArray(answer))
        throw new AdministrationError("unavailable", "No state master can list objects at the moment.");
      return (answer as ObjectHeadEntry[]).map(toSummary);
    },
    async stateShow(object) {
      const [stored, described] = await Promise.all([state.objectVersions(object), state.describe(object)]);
      if (stored === undefined && described.length === 0)
        throw new AdministrationError("unavailable", "Neither a state master nor a replica answers; try in a moment.");
      const versions: StateVersion[] = mergeVersions(stored ?? [], described);
      if (versions.length === 0)
        throw new AdministrationError("not-found", `There is no object named ${object}.`, "object");
      return { object, versions };
    },
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
    mastersCompare: () => compareMasters(parts),
  };
}

const toSummary = ({ object, number, epoch, status, at }: ObjectHeadEntry): StateObjectSummary => ({
  object,
  type: object.slice(0, Math.max(0, object.indexOf("/"))),
  versions: number,
  head: { number, epoch, status, at: new Date(at).toISOString() },
});

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

/** Masters apply the same slots at slightly different times: they are asked again until they stand at the same one. */
async function compareMasters({ state }: PortParts): Promise<MastersComparison> {
  const masters = [...state.masters].sort();
  const deadline = Date.now() + COMPARE_LIMIT_MS;
  for (;;) {
    const found = await Promise.all(masters.map(async (server) => ({ server, answer: await state.digest(server) })));
    const reachable = found.flatMap(({ answer }) => (answer ? [answer] : []));
    const isLevel =
      reachable.length === masters.length && new Set(reachable.map(({ appliedSlot }) => appliedSlot)).size === 1;
    if (isLevel || Date.now() > deadline) return toComparison(found, isLevel);
    await new Promise((resume) => setTimeout(resume, Math.min(COMPARE_PAUSE_MS, METADATA_PATIENCE_MS)));
  }
}

function toComparison(
  found: readonly { server: string; answer: MasterDigestAnswer | undefined }[],
  isLevel: boolean,
): MastersComparison {
  const [first] = found.flatMap(({ answer }) => (answer ? [answer] : []));
  const differences: string[] = [];
  for (const { server, answer } of found) {
    if (!answer) differences.push(`${server} does not answer`);
    else if (first && answer.appliedSlot !== first.appliedSlot)
      differences.push(`${server} has applied slot ${answer.appliedSlot}, another master slot ${first.appliedSlot}`);
    else if (first && answer.digest !== first.digest)
      for (const [table, digest] of Object.entries(answer.tables))
        if (digest !== first.tables[table]) differences.push(`${server} differs in table ${table}`);
  }
  return {
    at: new Date().toISOString(),
    equal: isLevel && differences.length === 0,
    masters: found.map(({ server, answer }) => ({
      server,
      reachable: answer !== undefined,
      appliedSlot: answer?.appliedSlot ?? 0,
      digest: answer?.digest ?? "",
      rows: { ...answer?.rows },
    })),
    differences,
  };
}

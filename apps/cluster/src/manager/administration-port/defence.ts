/** What is kept out, what was learned, what went wrong: blocked hosts, signatures, incidents. */
import { randomUUID } from "node:crypto";
import type { BlockedHost as BlockRow, Incident as IncidentRow } from "@redoubt/database";
import { feedSeveritySchema, type RegulatorFact } from "@redoubt/shared";
import {
  type Actor,
  AdministrationError,
  type AdministrationPort,
  type BlockedHost,
  type Incident,
} from "../../administration/index.ts";
import type { PortParts } from "./parts.ts";

type DefencePart = Pick<AdministrationPort, "hosts" | "hostUnblock" | "signatures" | "incidents">;

export function defencePart(parts: PortParts): DefencePart {
  const { database, regulator } = parts;
  return {
    async hosts() {
      const blocks = await database.answering((store) => store.screening.activeBlocks(new Date()));
      return groupBlocks(blocks);
    },
    async hostUnblock({ host }, actor) {
      const blocks = await database.answering((store) => store.screening.activeBlocks(new Date()));
      const causes = new Set(blocks.filter(({ value }) => value === host).map(({ requestId }) => requestId));
      const together = blocks.filter(
        ({ value, requestId }) => value === host || (requestId !== null && causes.has(requestId)),
      );
      if (together.length === 0)
        throw new AdministrationError("not-found", "host: nothing of this name is blocked.", "host");
      const values = new Map(together.map(({ kind, value }) => [`${kind} ${value}`, { kind, value }]));
      await Promise.all([...values.values()].map(({ kind, value }) => unblock(parts, kind, value, actor)));
      return { confirmedBy: [regulator.name] };
    },
    async signatures() {
      const rows = await database.answering((store) => store.screening.signatures());
      return rows.map(({ id, operation, requestId, mode, hits, createdAt }) => ({
        signatureId: id,
        operation,
        summary: `Refuses the input of this request to ${operation}, whoever sends it.`,
        requestId: requestId ?? "",
        mode: mode === "shadow" || mode === "off" ? mode : "enforce",
        hits: Number(hits),
        learnedAt: createdAt.toISOString(),
      }));
    },
    async incidents(filter) {
      const rows = await database.answering((store) => store.incidents.list(filter));
      return rows.map(toIncident);
    },
  };
}

/** Block and everything derived from it, at the regulator; the rows follow with its fact. */
async function unblock({ regulator }: PortParts, kind: string, value: string, actor: Actor): Promise<void> {
  const what = kind === "principal" ? { principal: value } : { address: value };
  const isDone = (fact: RegulatorFact): boolean =>
    fact.kind === "hostUnblocked" && (kind === "principal" ? fact.principal === value : fact.address === value);
  await regulator.order(`${randomUUID()}/${actor.name}`, { kind: "unblock", ...what }, isDone);
}

/** Principal and address that one request had blocked are one line for people. */
function groupBlocks(blocks: readonly BlockRow[]): BlockedHost[] {
  const groups = new Map<string, BlockRow[]>();
  for (const block of blocks) {
    const name = block.requestId ?? block.id;
    groups.set(name, [...(groups.get(name) ?? []), block]);
  }
  return [...groups.values()].map((group) => {
    const address = group.find(({ kind }) => kind === "address");
    const principal = group.find(({ kind }) => kind === "principal");
    const [first] = group as [BlockRow];
    return {
      host: address?.value ?? principal?.value ?? first.value,
      client: principal?.value ?? null,
      since: first.at.toISOString(),
      until: first.expiresAt?.toISOString() ?? null,
      requestId: first.requestId,
      reason: first.reason,
    };
  });
}

function toIncident(row: IncidentRow): Incident {
  const severity = feedSeveritySchema.safeParse(row.severity);
  const timeline = Array.isArray(row.timeline) ? (row.timeline as { at?: unknown; text?: unknown }[]) : [];
  return {
    incidentId: row.id,
    title: row.title,
    subject: row.subject,
    severity: severity.success ? severity.data : "warning",
    openedAt: row.openedAt.toISOString(),
    closedAt: row.closedAt?.toISOString() ?? null,
    timeline: timeline.map(({ at, text }) => ({ at: String(at ?? ""), text: String(text ?? "") })),
  };
}

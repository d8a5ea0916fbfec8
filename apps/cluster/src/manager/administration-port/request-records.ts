/** What the manager itself has written down about a request: quarantine, attributions, incidents. It outlives the regulator's memory. */
import type { ManagerStore, QuarantineRow } from "@redoubt/database";
import { quarantineReasonOf } from "@redoubt/protocol";
import type { QuarantineState, RequestId, RequestTraceSeen } from "@redoubt/shared";
import type { RequestAttribution, RequestHistory } from "../../administration/index.ts";
import type { PortParts } from "./parts.ts";
import { whoOf } from "./quarantine-item.ts";
import type { IncidentOfRequest } from "./request-fault.ts";

export type Entry = Readonly<Record<string, unknown>>;

const INCIDENTS_SEARCHED = 500;

export interface Recorded {
  readonly quarantined:
    | {
        readonly operation: string;
        readonly client: string | null;
        readonly host: string;
        readonly at: string;
        readonly blamed: boolean;
        readonly check: string;
        readonly detail: string;
        readonly executionServer: string;
        readonly shown: NonNullable<RequestHistory["quarantine"]>;
      }
    | undefined;
  readonly trace: RequestTraceSeen | undefined;
  readonly attributions: readonly RequestAttribution[];
  readonly incidents: readonly IncidentOfRequest[];
  /** There is nothing on this request. */
  readonly isEmpty: boolean;
  /** The database does not answer: what regulator and masters know is shown all the same. */
  readonly isAway: boolean;
}

const NOTHING = { quarantined: undefined, trace: undefined, attributions: [], incidents: [], isEmpty: true } as const;

export async function recordsOf({ database }: PortParts, requestId: RequestId): Promise<Recorded> {
  const found = await database.answering((store) => read(store, requestId)).catch(() => undefined);
  if (!found) return { ...NOTHING, isAway: true };
  const { row, attributions, incidents } = found;
  const evidence = evidenceOf(row);
  return {
    quarantined: row ? quarantinedOf(row) : undefined,
    trace: traceOf(evidence),
    // Written from the regulator's own facts, whose shape is this one.
    attributions: attributions.map((each) => ({ ...each, at: each.at.toISOString() })) as RequestAttribution[],
    incidents: incidents
      .filter((incident) => (incident.evidence as Entry | null)?.requestId === requestId)
      .map(({ id, title, subject, openedAt, closedAt, timeline }) => ({
        ...{ incidentId: id, title, subject, openedAt: openedAt.toISOString() },
        closedAt: closedAt?.toISOString() ?? null,
        lines: Array.isArray(timeline) ? timeline.flatMap((line) => text((line as Entry | null)?.text) ?? []) : [],
      })),
    isEmpty: !row && attributions.length === 0,
    isAway: false,
  };
}

async function read(store: ManagerStore, requestId: RequestId) {
  const [row, attributions, incidents] = await Promise.all([
    store.quarantine.get(requestId),
    store.attributions.of(requestId),
    store.incidents.list({ limit: INCIDENTS_SEARCHED, openOnly: false }),
  ]);
  return { row, attributions, incidents };
}

const detailOf = (row: QuarantineRow | null): Entry => (row?.detail ?? {}) as Entry;
const evidenceOf = (row: QuarantineRow | null): Entry => (detailOf(row).evidence ?? {}) as Entry;

function quarantinedOf(row: QuarantineRow): NonNullable<Recorded["quarantined"]> {
  const { detail, executionServer } = detailOf(row);
  const { decidedBy, decidedAt, decisionReason } = whoOf(row);
  return {
    ...{ operation: row.operation, client: row.client, host: row.host, at: row.at.toISOString() },
    ...{ blamed: evidenceOf(row).blamed !== false, check: row.check },
    ...{ detail: text(detail) ?? "", executionServer: text(executionServer) ?? "" },
    shown: {
      ...{ state: row.state as QuarantineState, reason: quarantineReasonOf(row.reason), check: row.check },
      ...{ decidedBy, decidedAt, decisionReason },
    },
  };
}

export const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** The regulator is trusted: the shape is only checked for its presence. */
export const traceOf = ({ trace }: Entry): RequestTraceSeen | undefined =>
  typeof trace === "object" && trace !== null && "hops" in trace ? (trace as RequestTraceSeen) : undefined;

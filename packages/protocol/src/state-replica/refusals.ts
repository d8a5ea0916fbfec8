/**
 * Telling a server that its change was refused, and the regulator why, with the digests that name what was refused. Reports
 * per sender are limited: a captured server must not use this member to flood the regulator; nor may it drown what convicts it
 * in what does not, so that some of every kind are always reported.
 */
import {
  type Digest,
  FORGED_TICKETS_ALARM,
  isRequestId,
  type MisbehaviourAct,
  type ServerName,
  type TicketBody,
} from "@redoubt/shared";
import { send } from "../core.ts";
import { trimOldest } from "../recent.ts";
import { put, type Replica, type Turn } from "./context.ts";
import type { Refusal } from "./examination.ts";

const REPORTS_PER_SECOND_MAX = 64;
/** Of each kind, whatever else there is; reasons and acts are few words of this program. */
const REPORTS_OF_KIND_MIN = 4;
const SENDERS_MAX = 1_024;
const DETAIL_MAX = 500;

interface Window {
  readonly since: number;
  count: number;
  readonly ofKind: Map<string, number>;
}

export class RefusalReports {
  readonly #windows = new Map<ServerName, Window>();
  readonly #forged = new Map<ServerName, number>();

  mayReport(from: ServerName, kind: string, now: number): boolean {
    let window = this.#windows.get(from);
    if (!window || now - window.since >= 1_000) {
      window = { since: now, count: 0, ofKind: new Map() };
      this.#windows.set(from, window);
      trimOldest(this.#windows, SENDERS_MAX);
    }
    const ofKind = (window.ofKind.get(kind) ?? 0) + 1;
    window.ofKind.set(kind, ofKind);
    window.count++;
    return window.count <= REPORTS_PER_SECOND_MAX || ofKind <= REPORTS_OF_KIND_MIN;
  }

  /** Counts a message without a genuine ticket; true when the alarm is due (REQUIREMENTS A21). */
  countForged(from: ServerName): boolean {
    const count = (this.#forged.get(from) ?? 0) + 1;
    this.#forged.set(from, count % FORGED_TICKETS_ALARM);
    trimOldest(this.#forged, SENDERS_MAX);
    return count === FORGED_TICKETS_ALARM;
  }
}

export interface RefusedDigests {
  readonly ticketDigest?: Digest;
  readonly changeDigest?: Digest;
}

/**
 * One ticket that is not right for this member says nothing against its sender (PROTOCOL §2) and is not reported; many of
 * them are.
 */
export function sendRefusal(
  replica: Replica,
  turn: Turn,
  from: ServerName,
  body: TicketBody,
  refusal: Pick<Refusal, "reason" | "detail" | "act">,
  digests: () => RefusedDigests = () => ({}),
): void {
  const { requestId, attempt } = body;
  if (!isRequestId(requestId) || !Number.isSafeInteger(attempt) || attempt < 0) return;
  const { reason, detail, act } = refusal;
  put(turn, send("execution-server", from, { kind: "refused", requestId, attempt, reason }));
  if (reason === "ticket" && !(act === "forged-ticket" && replica.refusals.countForged(from))) return;
  reportRefusal(replica, turn, from, {
    ...{ requestId, attempt, reason, detail, digests },
    ...(act ? { act } : {}),
  });
}

/**
 * Messages of a regulator epoch that neither the regulator nor the masters have made known within the time they were held
 * for count as forged, too. Of one that there is, or was before this member's process, only the key is missing here.
 */
export function countUnknownKeys(replica: Replica, turn: Turn, expired: readonly Expired[]): void {
  for (const { from, record, examined } of expired) {
    const { requestId, attempt, regulatorEpoch } = record.ticket.body;
    // A version of the application that has not come here yet says nothing against whoever runs it.
    const isUnheardOf = regulatorEpoch > replica.regulator.epoch && !replica.keys.has(regulatorEpoch);
    if (examined !== undefined || !isUnheardOf || !replica.refusals.countForged(from)) continue;
    const detail = `nobody has made known regulator epoch ${regulatorEpoch}`;
    reportRefusal(replica, turn, from, { requestId, attempt, reason: "unknown-key", detail, act: "forged-ticket" });
  }
}

interface Expired {
  readonly from: ServerName;
  readonly record: { readonly ticket: { readonly body: TicketBody } };
  readonly examined: unknown;
}

interface Report {
  readonly requestId: TicketBody["requestId"];
  readonly attempt: number;
  readonly reason: string;
  readonly detail: string;
  readonly act?: MisbehaviourAct;
  /** Called only when the report is sent: they cost time that a flood must not get. */
  readonly digests?: () => RefusedDigests;
}

export function reportRefusal(replica: Replica, turn: Turn, from: ServerName, report: Report): void {
  const { digests, reason, act = "" } = report;
  if (!replica.refusals.mayReport(from, `${reason} ${act}`, turn.now)) return;
  const { requestId, attempt } = report;
  const what = { requestId, attempt, reason, detail: report.detail.slice(0, DETAIL_MAX), ...digests?.() };
  const message = { kind: "refusalReport", executionServer: from, ...what, ...(act ? { act } : {}) } as const;
  put(turn, send("traffic-regulator", replica.regulator.server, message));
}

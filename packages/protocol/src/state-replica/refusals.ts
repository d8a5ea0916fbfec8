/**
 * Telling a server that its change was refused, and the regulator why. Reports per sender are limited: a captured server
 * must not use this member to flood the regulator.
 */
import { isRequestId, type ServerName, type TicketBody } from "@redoubt/shared";
import { send } from "../core.ts";
import { put, type Replica, type Turn } from "./context.ts";
import type { RefusalReason } from "./examination.ts";

const REPORTS_PER_SECOND_MAX = 64;
const DETAIL_MAX = 500;

export class RefusalReports {
  readonly #windows = new Map<ServerName, { since: number; count: number }>();

  mayReport(from: ServerName, now: number): boolean {
    const window = this.#windows.get(from);
    if (!window || now - window.since >= 1_000) {
      this.#windows.set(from, { since: now, count: 1 });
      return true;
    }
    window.count++;
    return window.count <= REPORTS_PER_SECOND_MAX;
  }
}

/** A ticket that is not right for this member convicts nobody (PROTOCOL §2): it is refused without a report. */
export function sendRefusal(
  replica: Replica,
  turn: Turn,
  from: ServerName,
  body: TicketBody,
  reason: RefusalReason,
  detail: string,
): void {
  const { requestId, attempt } = body;
  if (!isRequestId(requestId) || !Number.isSafeInteger(attempt) || attempt < 0) return;
  put(turn, send("execution-server", from, { kind: "refused", requestId, attempt, reason }));
  if (reason === "ticket" || !replica.refusals.mayReport(from, turn.now)) return;
  put(
    turn,
    send("traffic-regulator", replica.regulator.server, {
      kind: "refusalReport",
      executionServer: from,
      requestId,
      attempt,
      reason,
      detail: detail.slice(0, DETAIL_MAX),
    }),
  );
}

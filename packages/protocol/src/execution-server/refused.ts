/** Members refused a change this server sent: what it believed about those clusters was wrong. */
import type { RefusedMessage, ServerName } from "@redoubt/shared";
import { send } from "../core.ts";
import type { Engine, Turn } from "./engine.ts";
import { fetchAnew } from "./fetching.ts";

/**
 * Once t+1 members refused, no honest majority can accept it any more: the regulator is told, and the clusters are
 * fetched again. The request is not run again here: another change for the same ticket would be a conviction.
 */
export function refused(engine: Engine, turn: Turn, from: ServerName, message: RefusedMessage): void {
  const { requestId, attempt, reason } = message;
  const sent = engine.outgoing.refuse(from, requestId, attempt, reason);
  if (!sent) return;
  const failure = {
    kind: "executionFailed",
    requestId,
    attempt,
    reason: reason === "stale-epoch" ? "stale" : "refused",
    detail: `members refuse the change: ${reason.slice(0, 64)}`,
    alsoInside: [],
  } as const;
  engine.handled.set(`${requestId}:${attempt}`, failure);
  turn.effects.push(send("traffic-regulator", engine.regulator, failure));
  const { body } = sent.record.ticket;
  engine.cache.doubt(body);
  fetchAnew(engine, turn, new Set(body.clusters.map(({ cluster }) => cluster)));
}

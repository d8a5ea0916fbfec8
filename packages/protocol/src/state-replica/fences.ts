/**
 * Fences (docs/PROTOCOL.md §5): a request id without a record here is never recorded here, durable before the answer.
 * A fence is never lifted.
 */
import type { FenceMessage, ServerName } from "@redoubt/shared";
import { send } from "../core.ts";
import { journal, put, type Replica, type Turn } from "./context.ts";
import { withRecords } from "./record-reads.ts";

export function receiveFence(replica: Replica, turn: Turn, from: ServerName, message: FenceMessage): void {
  const { requestId, home } = message;
  withRecords(replica, turn, (later, needs) => {
    const hasRecord = replica.store.byRequest(requestId, needs) !== undefined;
    const isFenced = !hasRecord && replica.store.isFenced(requestId, needs);
    if (needs.size > 0) return;
    if (!hasRecord && !isFenced) {
      const number = journal(replica, later, { kind: "fence", requestId, home }, "synced");
      replica.store.fence(requestId, number);
      replica.confirmations.forget(requestId);
    }
    put(later, send("state-master", from, { kind: "fenced", requestId, home, hasRecord }));
  });
}

/**
 * Fences (docs/PROTOCOL.md §5): a request id without a record here is never recorded here, durable before the answer.
 * A fence is never lifted.
 */
import type { FenceMessage, ServerName } from "@redoubt/shared";
import { send } from "../core.ts";
import { put, type Replica, type Turn } from "./context.ts";

export function receiveFence(replica: Replica, turn: Turn, from: ServerName, message: FenceMessage): void {
  const { requestId, home } = message;
  const hasRecord = replica.store.byRequest(requestId) !== undefined;
  if (!hasRecord && !replica.fences.has(requestId)) {
    put(turn, { kind: "append", record: { kind: "fence", requestId, home }, durability: "synced" });
    replica.fences.add(requestId);
    replica.confirmations.forget(requestId);
  }
  put(turn, send("state-master", from, { kind: "fenced", requestId, home, hasRecord }));
}

/**
 * Takes back what followed from a condemnation: by an administrator's order, or because the breaker has found the acceptance
 * test at fault. The definite rejection itself stands: the masters closed the id.
 */
import type { RequestId } from "@redoubt/shared";
import { addFact, append, type Regulator } from "./context.ts";
import type { MalformedEntry } from "./request-logs.ts";

export function review(
  regulator: Regulator,
  requestId: RequestId,
  state: "released" | "confirmed",
  order: string,
): void {
  append(regulator, { kind: "reviewed", requestId, state, order });
  regulator.logs.review(requestId, state);
  addFact(regulator, { kind: "quarantineChanged", requestId, state, order });
}

export function unblock(regulator: Regulator, who: { readonly principal?: string; readonly address?: string }): void {
  const { principal, address } = who;
  const what = {
    ...(principal === undefined ? {} : { principal }),
    ...(address === undefined ? {} : { address }),
  };
  append(regulator, { kind: "unblocked", ...what });
  regulator.quarantine.unblock(what);
  addFact(regulator, { kind: "hostUnblocked", ...what });
}

/** Takes back what followed from this entry, as somebody has reviewed it. */
export function exonerate(regulator: Regulator, entry: MalformedEntry, order: string): void {
  takeBack(regulator, entry);
  review(regulator, entry.requestId, "released", order);
}

/** Its signatures, its blocks, and those of requests its signatures matched. */
export function takeBack(regulator: Regulator, entry: MalformedEntry): void {
  const { quarantine, logs } = regulator;
  const blocks = quarantine.blocksOf(entry.requestId);
  for (const { signature } of quarantine.signaturesOf(entry.requestId)) {
    append(regulator, { kind: "signatureRevoked", signature });
    quarantine.revoke(signature);
    for (const matched of logs.malformedBySignature(signature)) blocks.push(...quarantine.blocksOf(matched.requestId));
  }
  for (const block of blocks) unblock(regulator, block);
  addFact(regulator, { kind: "requestExonerated", requestId: entry.requestId, clientId: entry.clientId });
}

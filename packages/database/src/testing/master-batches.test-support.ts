/** Batches as a state master hands them over, invented and always the same. */
import { createHash } from "node:crypto";
import { type AppliedBatch, type DecidedSlotRow, type ObjectHeadRow, requestPrefix } from "../master/rows.ts";

export const digest = (text: string): Uint8Array => new Uint8Array(createHash("sha256").update(text).digest());

/** Slot s changes accounts s mod 3 and s mod 5, by the request "request s"; every seventh slot decided nothing. */
export function slotRow(slot: bigint): DecidedSlotRow {
  const objects = [...new Set([`account/${slot % 3n}`, `account/${slot % 5n}`])];
  return {
    slot,
    at: new Date(1_700_000_000_000 + Number(slot)),
    kinds: ["verified"],
    payload: new TextEncoder().encode(`decisions of slot ${slot}`),
    requestPrefixes: [requestPrefix(digest(`request ${slot}`))],
    executionServers: [`execution-server-${slot % 90n < 80n ? 1 : 2}`],
    objects,
  };
}

function headRow(object: string, slot: bigint): ObjectHeadRow {
  return {
    object,
    cluster: Number(object.split("/")[1]),
    number: slot,
    epoch: 1n,
    c1: digest(`c1 ${object} ${slot}`),
    c2: digest(`c2 ${object} ${slot}`),
    status: "verified",
    changeDigest: digest(`change ${slot}`),
    requestId: digest(`request ${slot}`),
    slot,
  };
}

/** What a master would hand over after deciding slots `from` … `to`. */
export function batch(from: bigint, to: bigint): AppliedBatch {
  const slots: DecidedSlotRow[] = [];
  for (let slot = from; slot <= to; slot++) if (slot % 7n !== 0n) slots.push(slotRow(slot));
  const newest = new Map(slots.flatMap(({ slot, objects }) => objects.map((object) => [object, slot] as const)));
  const clusterSlot = from <= 1n ? 1n : undefined;
  return {
    throughSlot: to,
    slots,
    heads: [...newest].map(([object, slot]) => headRow(object, slot)),
    clusters:
      clusterSlot === undefined
        ? []
        : [
            {
              cluster: 0,
              epoch: 1n,
              settledEpoch: 0n,
              holder: null,
              members: ["state-replica-1", 'odd "name"\\'],
              chainHead: null,
              slot: clusterSlot,
            },
          ],
    leases:
      clusterSlot === undefined
        ? []
        : [{ component: "traffic-regulator", server: "traffic-regulator-1", epoch: 1n, slot: clusterSlot }],
  };
}

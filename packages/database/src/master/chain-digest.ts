/** SHA-256 chain over the decided slots: one value that names everything applied, however it was batched. */
import { createHash } from "node:crypto";
import type { StoredSlot } from "./rows.ts";

/** Before the first slot. */
export const emptyChainDigest = new Uint8Array(32);

/** SHA-256(previous ‖ slot ‖ at ‖ payload), numbers as 8 bytes, the payload last. */
export function slotChainDigest(
  previous: Uint8Array,
  row: Pick<StoredSlot, "slot" | "at" | "payload">,
): Uint8Array<ArrayBuffer> {
  const numbers = new DataView(new ArrayBuffer(16));
  numbers.setBigUint64(0, row.slot);
  numbers.setBigInt64(8, BigInt(row.at.getTime()));
  const digest = createHash("sha256")
    .update(previous)
    .update(new Uint8Array(numbers.buffer))
    .update(row.payload)
    .digest();
  return new Uint8Array(digest);
}

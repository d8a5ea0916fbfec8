/** What the client of a held request is told: 202, and where it can ask again (DESIGN §8). Never why it is held. */
import type { HeldEntry } from "./held-requests.ts";
import type { QuarantinedRecord, RespondEffect } from "./types.ts";

const ASK_AGAIN_SECONDS = 30;

/** State of a held request as its owner sees it. `heldUntil`: milliseconds since 1970; then it is rejected unless it was released. */
export const heldView = ({ requestId, operation, hold }: Pick<HeldEntry, "requestId" | "operation" | "hold">) => ({
  requestId,
  operation,
  state: "held",
  heldUntil: hold.until,
});

export function heldResponse(
  entry: Pick<QuarantinedRecord, "requestId" | "operation"> & Pick<HeldEntry, "hold">,
): Omit<RespondEffect, "kind" | "exchange"> {
  return {
    status: 202,
    headers: {
      "content-type": "application/json",
      location: `/v1/requests/${entry.requestId}`,
      "redoubt-request-id": entry.requestId,
      "retry-after": String(ASK_AGAIN_SECONDS),
    },
    bodyText: JSON.stringify(heldView(entry)),
  };
}

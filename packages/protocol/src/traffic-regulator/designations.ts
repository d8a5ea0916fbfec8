/** Basic profile: has members send their votes about an attempt to acceptance test servers, and expects the verdicts of these. */
import type { ServerName } from "@redoubt/shared";
import { type Regulator, sendTo } from "./context.ts";
import type { Attempt, PendingRequest } from "./request.ts";

export function designate(
  regulator: Regulator,
  { requestId }: PendingRequest,
  attempt: Attempt,
  servers: readonly ServerName[],
): void {
  for (const server of servers) {
    if (!attempt.designated.includes(server)) attempt.designated.push(server);
    for (const member of attempt.homeMembers)
      sendTo(regulator, "state-replica", member, {
        kind: "redesignate",
        requestId,
        attempt: attempt.number,
        acceptanceTestServer: server,
      });
  }
}

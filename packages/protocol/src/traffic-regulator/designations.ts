/** Basic profile: has members send their votes about an attempt to acceptance test servers, and expects the verdicts of these. */
import { type AskTesterMessage, isRequestId, type RequestId, type ServerName } from "@redoubt/shared";
import { trimOldest } from "../recent.ts";
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

/** Members ask twice a second for each undecided change; once for all of them is enough. */
const RETEST_SPACING_MS = 400;
/** While the masters decide nothing at all, retests of everything would help nobody. */
const RETESTS_MAX = 256;

/**
 * Retests of changes that the masters have not decided, their replies released or not, by request id. Where one acceptance
 * test server is believed it can pass a change to the regulator and say nothing to the masters: nothing else would ever
 * verify the change, or anything that follows it (PROTOCOL §7).
 */
export class Retests {
  readonly #lately = new Map<RequestId, { at: number; turns: number }>();

  /** How many times the request was retested before; undefined when it is not its turn. */
  next(requestId: RequestId, now: number): number | undefined {
    const known = this.#lately.get(requestId);
    if (known && now < known.at + RETEST_SPACING_MS) return undefined;
    if (!known && this.#isFull(now)) return undefined;
    const turns = known?.turns ?? 0;
    this.#lately.delete(requestId);
    this.#lately.set(requestId, { at: now, turns: turns + 1 });
    return turns;
  }

  /** Oldest first, so the first one tells. One that is asked about no more makes room. */
  #isFull(now: number): boolean {
    if (this.#lately.size < RETESTS_MAX) return false;
    for (const { at } of this.#lately.values()) {
      if (now < at + 4 * RETEST_SPACING_MS) return true;
      trimOldest(this.#lately, RETESTS_MAX - 1);
      return false;
    }
    return false;
  }
}

/** To all members, since the server tests only what t+1 of them name; after the first each turn names the next server. */
export function onTesterAsked(regulator: Regulator, from: ServerName, { requestId, attempt }: AskTesterMessage): void {
  const { wanted, retests, now } = regulator;
  if (wanted?.profile !== "basic" || !wanted.members.includes(from) || !isRequestId(requestId)) return;
  const turn = retests.next(requestId, now);
  if (turn === undefined) return;
  const server = wanted.acceptanceTestServers[turn % wanted.acceptanceTestServers.length];
  if (server === undefined) return;
  regulator.traffic.count("retests");
  for (const member of wanted.members)
    sendTo(regulator, "state-replica", member, {
      kind: "redesignate",
      requestId,
      attempt,
      acceptanceTestServer: server,
    });
}

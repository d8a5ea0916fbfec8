/** Basic profile: has members send their votes about an attempt to acceptance test servers, and expects the verdicts of these. */
import { type AskTesterMessage, isRequestId, type ServerName } from "@redoubt/shared";
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
/** While the masters decide nothing at all, retests of everything would help nobody. Members have equal shares. */
const RETESTS_MAX = 256;

interface Retest {
  readonly at: number;
  /** How many there were. */
  readonly turns: number;
}

/**
 * Retests of changes that the masters have not decided, their replies released or not. Where one acceptance test server is
 * believed it can pass a change to the regulator and say nothing to the masters: nothing else would ever verify the change, or
 * anything that follows it (PROTOCOL §7).
 *
 * A faulty member may ask about anything, so it fills its own share only, and a question about an attempt that there is not
 * takes no turn from the one that there is.
 */
export class Retests {
  /** By the member that asked first, and by request and attempt. */
  readonly #lately = new Map<ServerName, Map<string, Retest>>();

  /** How many times the attempt was retested before; undefined when it is not its turn. */
  next(asker: ServerName, { requestId, attempt }: Asked, members: number, now: number): number | undefined {
    const name = `${requestId}/${attempt}`;
    for (const asked of this.#lately.values()) {
      const known = asked.get(name);
      if (!known) continue;
      if (now < known.at + RETEST_SPACING_MS) return undefined;
      asked.delete(name);
      asked.set(name, { at: now, turns: known.turns + 1 });
      return known.turns;
    }
    const own = this.#lately.get(asker) ?? new Map<string, Retest>();
    this.#lately.set(asker, own);
    if (isFull(own, Math.ceil(RETESTS_MAX / members), now)) return undefined;
    own.set(name, { at: now, turns: 1 });
    return 0;
  }
}

type Asked = Pick<AskTesterMessage, "requestId" | "attempt">;

/** Oldest first, so the first one tells. One that is asked about no more makes room. */
function isFull(asked: Map<string, Retest>, share: number, now: number): boolean {
  if (asked.size < share) return false;
  for (const { at } of asked.values()) {
    if (now < at + 4 * RETEST_SPACING_MS) return true;
    trimOldest(asked, share - 1);
    return false;
  }
  return false;
}

/** To all members, since the server tests only what t+1 of them name; after the first each turn names the next server. */
export function onTesterAsked(regulator: Regulator, from: ServerName, asked: AskTesterMessage): void {
  const { wanted, retests, logs, now } = regulator;
  const { requestId, attempt } = asked;
  if (wanted?.profile !== "basic" || !wanted.members.includes(from)) return;
  if (!isRequestId(requestId) || !Number.isSafeInteger(attempt)) return;
  const turn = retests.next(from, asked, wanted.members.length, now);
  if (turn === undefined) return;
  const server = wanted.acceptanceTestServers[turn % wanted.acceptanceTestServers.length];
  if (server === undefined) return;
  regulator.traffic.count("retests");
  // Its reply has not left yet: the server will answer about it, and is not to be blamed for that.
  const current = logs.pending(requestId)?.current;
  if (current?.number === attempt && !current.designated.includes(server)) current.designated.push(server);
  for (const member of wanted.members)
    sendTo(regulator, "state-replica", member, {
      kind: "redesignate",
      requestId,
      attempt,
      acceptanceTestServer: server,
    });
}

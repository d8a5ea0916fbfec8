/** Is the rest of the cluster well enough that a silence can be held against an execution server (REQUIREMENTS U23)? */
import type { ServerName } from "@redoubt/shared";
import { askMember, type Regulator } from "./context.ts";
import type { Attempt } from "./request.ts";

export const HEARD_WITHIN_MS = 1_500;
const PING_AFTER_MS = 500;

/** Before anything was released there is nothing to ask a silent member for: silence then says nothing. */
export const isHeard = (regulator: Regulator, server: ServerName): boolean =>
  regulator.lastReleased === undefined || isHeardWithin(regulator, server, HEARD_WITHIN_MS);

/** Silent since before an attempt began, a member cannot testify that it did not get the change. */
export const isWitness = (
  regulator: Regulator,
  server: ServerName,
  { startedAt }: Pick<Attempt, "startedAt">,
): boolean =>
  isHeard(regulator, server) &&
  (regulator.lastReleased === undefined || (regulator.heard.get(server) ?? Number.NEGATIVE_INFINITY) > startedAt);

export const isHeardWithin = (regulator: Regulator, server: ServerName, ms: number): boolean =>
  regulator.now - (regulator.heard.get(server) ?? Number.NEGATIVE_INFINITY) <= ms;

export const isStateFarmHeard = (regulator: Regulator, servers: readonly ServerName[], needed: number): boolean =>
  regulator.link.isHeard(regulator.now, HEARD_WITHIN_MS) &&
  servers.filter((server) => isHeard(regulator, server)).length >= Math.min(needed, servers.length);

/** Asks a silent member about a request it must hold; its answer shows that it lives. */
export function ping(regulator: Regulator, member: ServerName): void {
  const { lastReleased, now, heard } = regulator;
  if (!lastReleased || now - (heard.get(member) ?? Number.NEGATIVE_INFINITY) < PING_AFTER_MS) return;
  askMember(regulator, member, { ...lastReleased, test: false, reply: false, escalate: false });
}

/**
 * How loaded an execution server is (REQUIREMENTS R34): what runs there, what is tried there in shadow runs and what waits for
 * it, as a share of what it may hold at a time. Counted here and not asked of the servers, which might lie about it.
 */
import type { ServerName } from "@redoubt/shared";
import type { Regulator } from "./context.ts";
import type { ExecutionServer } from "./servers.ts";

/** 1: as much as it may hold; more where requests wait. */
export function loadsOf({ placement, shadows, waiting }: Regulator): (server: ExecutionServer) => number {
  const waitingFor = new Map<ServerName, number>();
  for (const { home } of waiting) {
    const { holder } = placement.domainOf(home);
    waitingFor.set(holder, (waitingFor.get(holder) ?? 0) + 1);
  }
  return ({ server, running, room }) =>
    (running.size + shadows.at(server) + (waitingFor.get(server) ?? 0)) / Math.max(1, room);
}

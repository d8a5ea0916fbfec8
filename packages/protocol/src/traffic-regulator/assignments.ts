/**
 * Who made a change that outlived the regulator's process (REQUIREMENTS R42): a wrong one must end its server also when the
 * regulator died before it could say so. The journal does not name the server of an attempt, but the masters' decisions in it
 * do: a request goes to the holder of its home domain. Only what is certain is kept: a first attempt is not journalled by
 * itself, so where the domain changed hands after the admission nobody is named, and nobody will be ended for it.
 */
import type { Epoch, RequestId, ServerName } from "@redoubt/shared";
import type { Regulator } from "./context.ts";
import type { PendingRequest } from "./request.ts";

export interface Assignment {
  readonly server: ServerName;
  readonly incarnation: string;
  readonly publicKey: string;
  readonly attempt: number;
  readonly epoch: Epoch;
}

/** A record of the journal says that this attempt was made, now. */
export function assign({ placement, servers }: Regulator, request: PendingRequest, attempt: number): void {
  const { holder, epoch, settled } = placement.domainOf(request.home);
  const process = settled ? servers.get(holder) : undefined;
  request.assigned = process && { ...namesOf(process), attempt, epoch };
}

/** A record of the journal says that domains have changed. */
export function forgetAmbiguous({ logs, placement }: Regulator): void {
  for (const request of logs.allPending()) {
    const { assigned, home } = request;
    if (assigned?.attempt === 1 && placement.domainOf(home).epoch !== assigned.epoch) request.assigned = undefined;
  }
}

/** For the checkpoint: the attempts under way, and those known from before. */
export function exportAssignments({ logs }: Regulator): [RequestId, Assignment][] {
  const assignments: [RequestId, Assignment][] = [];
  for (const { requestId, current, assigned } of logs.allPending()) {
    if (current && current.server !== "") {
      const { number, epoch } = current;
      assignments.push([requestId, { ...namesOf(current), attempt: number, epoch }]);
    } else if (assigned) assignments.push([requestId, assigned]);
  }
  return assignments;
}

export function restoreAssignments({ logs }: Regulator, assignments: readonly [RequestId, Assignment][]): void {
  for (const [requestId, assignment] of assignments) {
    const request = logs.pending(requestId);
    if (request) request.assigned = assignment;
  }
}

const namesOf = ({ server, incarnation, publicKey }: Omit<Assignment, "attempt" | "epoch">) => ({
  server,
  incarnation,
  publicKey,
});

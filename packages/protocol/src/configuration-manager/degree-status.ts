/**
 * What a replication degree is worth now: how many servers there shall be, how many there are, how many must work, and
 * how many faults the group survives by design and at this moment (paper §3.4, §3.5). Pure.
 */
import { faultsToleratedBy, majority, vouching } from "../quorum.ts";
import type { ServerComponent } from "./placement.ts";

export interface DegreeStatus {
  readonly wanted: number;
  readonly live: number;
  /** Servers without which the component does not do its work. */
  readonly quorum: number;
  readonly faultsToleratedNow: number;
  readonly faultsToleratedByDesign: number;
}

/** How a group answers faults: by agreeing (masters), by vouching (replicas, testers beside them), or by any one member doing. */
type Kind = "majority" | "vouching" | "any";

function kindOf(component: ServerComponent, collocated: boolean): Kind {
  if (component === "state-master") return "majority";
  if (component === "state-replica") return "vouching";
  if (component === "acceptance-test-server" && collocated) return "vouching";
  return "any";
}

/**
 * @param collocated true in the optimized profile, where acceptance tests run beside the replicas and count like them
 */
export function degreeStatus(
  component: ServerComponent,
  wanted: number,
  live: number,
  collocated: boolean,
): DegreeStatus {
  const kind = kindOf(component, collocated);
  const byDesign = kind === "any" ? Math.max(0, wanted - 1) : faultsToleratedBy(wanted);
  const quorum = kind === "any" ? 1 : kind === "majority" ? majority(wanted) : vouching(byDesign);
  const now = Math.max(0, Math.min(byDesign, live - quorum));
  return { wanted, live, quorum, faultsToleratedNow: now, faultsToleratedByDesign: byDesign };
}

/** Servers that tolerate `faults` faults. */
export function countForFaults(component: ServerComponent, faults: number, collocated: boolean): number {
  return kindOf(component, collocated) === "any" ? faults + 1 : 2 * faults + 1;
}

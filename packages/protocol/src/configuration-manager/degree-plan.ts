/**
 * The way from one number of servers to another: which server starts where, which stops, and whether the group can answer
 * at every step (CONSOLE §1.3). A plan is data; carrying it out is the manager's, watching it the registry's.
 *
 * Only what is added or removed is touched: a server that stays is never restarted, moved or renamed.
 */
import type { ServerName } from "@redoubt/shared";
import { type DegreeStatus, degreeStatus } from "./degree-status.ts";
import {
  type PlaceableNode,
  type Placement,
  placeServers,
  type ServerComponent,
  type WantedCounts,
} from "./placement.ts";

export interface PlannedStep {
  readonly action: "start" | "drain" | "stop";
  readonly server: ServerName;
  readonly node: string;
  readonly why: string;
  readonly liveAfter: number;
  readonly faultsToleratedAfter: number;
}

export interface PlannedVerdict {
  readonly ok: boolean;
  readonly sentence: string;
}

export interface DegreePlanning {
  readonly from: DegreeStatus;
  readonly to: DegreeStatus;
  readonly steps: readonly PlannedStep[];
  readonly availability: PlannedVerdict;
  readonly durability: PlannedVerdict;
  readonly warnings: readonly string[];
  readonly blockers: readonly { readonly sentence: string; readonly remedy: string }[];
}

export interface DegreeQuestion {
  readonly component: ServerComponent;
  readonly target: number;
  readonly nodes: readonly PlaceableNode[];
  readonly wanted: WantedCounts;
  readonly placement: readonly Placement[];
  /** Servers of the component that work now. */
  readonly live: number;
  readonly collocated: boolean;
}

export function planDegreeChange(question: DegreeQuestion): DegreePlanning {
  const { component, target, nodes, wanted, placement, live, collocated } = question;
  const current = wanted[component] ?? 0;
  const from = degreeStatus(component, current, live, collocated);
  const to = degreeStatus(component, target, target, collocated);
  const base = { from, to, durability: DURABILITY, warnings: warningsOf(question) };
  const placed = placeServers(nodes, { ...wanted, [component]: target }, placement);
  if (!placed.ok) {
    const { missing } = placed.error;
    const sentence = `${missing} more slot${missing === 1 ? " is" : "s are"} needed than the nodes have free.`;
    const remedy = `Add nodes with ${missing} free slot${missing === 1 ? "" : "s"}, or ask for ${target - missing}.`;
    const availability = { ok: false, sentence };
    return { ...base, steps: [], availability, blockers: [{ sentence, remedy }] };
  }
  const steps = stepsBetween(question, placed.value);
  const lowest = steps.reduce((least, step) => Math.min(least, step.liveAfter), live);
  const availability =
    lowest >= to.quorum
      ? { ok: true, sentence: `At every step at least ${lowest} of them work; ${to.quorum} must.` }
      : { ok: false, sentence: `Only ${lowest} of them would work at some step; ${to.quorum} must.` };
  const blockers = availability.ok
    ? []
    : [{ sentence: availability.sentence, remedy: "Wait until the servers that are down work again." }];
  return { ...base, steps, availability, blockers };
}

const DURABILITY: PlannedVerdict = {
  ok: true,
  sentence: "These servers keep no state: nothing has to be copied and nothing can be lost.",
};

function stepsBetween(
  { component, placement, live, collocated, target }: DegreeQuestion,
  after: readonly Placement[],
): PlannedStep[] {
  const of = (list: readonly Placement[]): Placement[] => list.filter((entry) => entry.component === component);
  const before = new Set(of(placement).map(({ server }) => server));
  const staying = new Set(of(after).map(({ server }) => server));
  const steps: PlannedStep[] = [];
  let count = live;
  const tolerated = (): number => degreeStatus(component, target, count, collocated).faultsToleratedNow;
  for (const { server, node } of of(after).filter((entry) => !before.has(entry.server))) {
    count += 1;
    const why = `${node} has a free slot and the fewest servers of this component`;
    steps.push({ action: "start", server, node, why, liveAfter: count, faultsToleratedAfter: tolerated() });
  }
  for (const { server, node } of of(placement).filter((entry) => !staying.has(entry.server))) {
    const kept = { server, node, liveAfter: count, faultsToleratedAfter: tolerated() };
    steps.push({ action: "drain", ...kept, why: "gets no more requests; those it has are finished or run elsewhere" });
    count = Math.max(0, count - 1);
    const why = "the highest numbers stop, so that names stay dense";
    steps.push({ action: "stop", server, node, why, liveAfter: count, faultsToleratedAfter: tolerated() });
  }
  return steps;
}

function warningsOf({ component, target, wanted, live }: DegreeQuestion): string[] {
  const current = wanted[component] ?? 0;
  const warnings: string[] = [];
  if (target === current) warnings.push(`There are to be ${current} of them already: nothing would change.`);
  if (live < current) warnings.push(`Only ${live} of ${current} work at the moment.`);
  if (target === 1) warnings.push("With a single server every fault of it is an interruption.");
  return warnings;
}

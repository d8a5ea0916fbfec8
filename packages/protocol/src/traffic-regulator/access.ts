/** Where a request goes: the object clusters that its version's access templates give its input, and its home among them. */
import type { ObjectClusterNumber } from "@redoubt/shared";
import type { Refusal } from "./screening.ts";
import type { RegulatedApplication } from "./types.ts";

export interface Access {
  /** Ascending. */
  readonly clusters: readonly ObjectClusterNumber[];
  readonly home: ObjectClusterNumber;
}

export function findAccess(application: RegulatedApplication, operation: string, inputText: string): Access | Refusal {
  const access = application.evaluateAccess(operation, inputText);
  if (!access.ok) return { problem: "malformed-request", counted: "access", detail: access.error };
  const clusters = new Set<ObjectClusterNumber>();
  for (const { object } of access.value) {
    const cluster = application.clusterOf(object);
    if (cluster === undefined)
      return { problem: "malformed-request", counted: "access", detail: `no object ${object}` };
    clusters.add(cluster);
  }
  const ascending = [...clusters].sort((left, right) => left - right);
  const [lowest] = ascending;
  if (lowest === undefined)
    return { problem: "malformed-request", counted: "access", detail: "the input names no object" };
  const named = application.isReadOnly(operation) ? undefined : application.homeOf(operation, inputText);
  return { clusters: ascending, home: named !== undefined && clusters.has(named) ? named : lowest };
}

/** The request touches what it touched before, under whichever version that was. */
export const isSameWay = (before: Access, after: Access): boolean =>
  before.home === after.home && before.clusters.join() === after.clusters.join();

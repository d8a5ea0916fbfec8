/** A cluster of masters that has begun its work, and what it has decided. */
import type { Decision } from "@redoubt/shared";
import { expect } from "vitest";
import { MASTERS_KEY } from "./changes.test-support.ts";
import { MasterCluster } from "./master-cluster.test-support.ts";

/** A cluster with a primary, a regulator lease and a settled epoch. */
export function begin(seed = 1): {
  readonly cluster: MasterCluster;
  readonly epoch: number;
  readonly regulatorEpoch: number;
} {
  const cluster = new MasterCluster(seed);
  expect(cluster.runUntil(() => cluster.primary() !== undefined)).toBe(true);
  const { component } = { component: "traffic-regulator" } as const;
  const lease = () => cluster.primary()?.primaryLease(component);
  const isGranted = () => {
    if (cluster.now % 100 < 5) {
      cluster.fromRegulator({ kind: "claimPrimary", component, nonce: "first", mastersKey: MASTERS_KEY });
    }
    return lease() !== undefined;
  };
  expect(cluster.runUntil(isGranted)).toBe(true);
  return { cluster, epoch: cluster.openEpoch(), regulatorEpoch: lease()?.epoch ?? 0 };
}

export const decisionsOf = (cluster: MasterCluster): Decision[] =>
  [...cluster.masters.values()]
    .sort((a, b) => b.applied.length - a.applied.length)[0]
    ?.applied.flatMap(({ decisions }) => decisions) ?? [];

export const count = (cluster: MasterCluster, kind: Decision["kind"]): number =>
  decisionsOf(cluster).filter((decision) => decision.kind === kind).length;

export const verifiedOrder = (cluster: MasterCluster) =>
  decisionsOf(cluster).flatMap((decision) => (decision.kind === "verified" ? [decision.change.digest] : []));

/** Sets of object clusters as ascending inclusive ranges: 1 024 clusters with few holders are a handful of ranges. */
import { type ClusterRange, OBJECT_CLUSTERS, type ObjectClusterNumber } from "@redoubt/shared";

export const ALL_CLUSTERS: readonly ClusterRange[] = [{ from: 0, to: OBJECT_CLUSTERS - 1 }];

export const inRanges = (ranges: readonly ClusterRange[], cluster: ObjectClusterNumber): boolean =>
  ranges.some((range) => cluster >= range.from && cluster <= range.to);

/** Ascending, duplicate-free numbers → ranges. */
export function toRanges(clusters: readonly ObjectClusterNumber[]): ClusterRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const cluster of clusters) {
    const last = ranges.at(-1);
    if (last && cluster === last.to + 1) last.to = cluster;
    else ranges.push({ from: cluster, to: cluster });
  }
  return ranges;
}

export function* eachCluster(ranges: readonly ClusterRange[]): Generator<ObjectClusterNumber> {
  for (const range of ranges) for (let cluster = range.from; cluster <= range.to; cluster++) yield cluster;
}

/** Ascending, disjoint, within bounds: what a well-formed message may carry. */
export function areValidRanges(ranges: readonly ClusterRange[]): boolean {
  let next = 0;
  for (const { from, to } of ranges) {
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < next || to < from || to >= OBJECT_CLUSTERS)
      return false;
    next = to + 1;
  }
  return ranges.length > 0;
}

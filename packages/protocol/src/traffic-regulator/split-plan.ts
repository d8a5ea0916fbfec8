/**
 * Which object clusters of an overloaded domain could go to another server so that hardly any request needs both: clusters
 * that requests touched together lately stay together. Pure; where everything hangs together there is no plan, so random
 * transfers do not make leases travel (docs/PROTOCOL.md §4).
 */
import { OBJECT_CLUSTERS, type ObjectClusterNumber } from "@redoubt/shared";

/** Share of the load that must go for a move to be worth its pause. */
const SHARE_MIN = 0.25;

/** The clusters of the last so many requests. */
export class RecentTouches {
  readonly #touches: (readonly ObjectClusterNumber[])[] = [];
  readonly #max: number;
  #next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(clusters: readonly ObjectClusterNumber[]): void {
    this.#touches[this.#next] = clusters;
    this.#next = (this.#next + 1) % this.#max;
  }

  clear(): void {
    this.#touches.length = 0;
    this.#next = 0;
  }

  get all(): readonly (readonly ObjectClusterNumber[])[] {
    return this.#touches;
  }
}

/**
 * The clusters to move, ascending; undefined when there are fewer than `requestsMin` requests to judge by, or no part with a
 * quarter of their load can be moved without a request that touches both parts.
 */
export function planSplit(
  touches: readonly (readonly ObjectClusterNumber[])[],
  isInDomain: (cluster: ObjectClusterNumber) => boolean,
  requestsMin: number,
): readonly ObjectClusterNumber[] | undefined {
  const groups = groupsOf(touches.filter((clusters) => clusters.length > 0 && clusters.every(isInDomain)));
  const total = groups.reduce((sum, { requests }) => sum + requests, 0);
  if (total < requestsMin) return undefined;
  const heaviestFirst = [...groups].sort(
    (left, right) => right.requests - left.requests || (left.clusters[0] ?? 0) - (right.clusters[0] ?? 0),
  );
  const staying = { requests: 0, clusters: [] as ObjectClusterNumber[] };
  const moving = { requests: 0, clusters: [] as ObjectClusterNumber[] };
  for (const group of heaviestFirst) {
    const part = moving.requests < staying.requests ? moving : staying;
    part.requests += group.requests;
    part.clusters.push(...group.clusters);
  }
  if (moving.requests === 0 || Math.min(moving.requests, staying.requests) < total * SHARE_MIN) return undefined;
  return moving.clusters.sort((left, right) => left - right);
}

interface Group {
  readonly clusters: ObjectClusterNumber[];
  requests: number;
}

/** Clusters connected by requests (union-find). */
function groupsOf(touches: readonly (readonly ObjectClusterNumber[])[]): Group[] {
  const parent = Array.from({ length: OBJECT_CLUSTERS }, (_, cluster) => cluster);
  const rootOf = (cluster: number): number => {
    let root = cluster;
    while (parent[root] !== root) root = parent[root] as number;
    for (let at = cluster; parent[at] !== root; ) {
      const next = parent[at] as number;
      parent[at] = root;
      at = next;
    }
    return root;
  };
  for (const [first, ...others] of touches)
    for (const other of others) parent[rootOf(other)] = rootOf(first as ObjectClusterNumber);
  const groups = new Map<number, Group & { readonly seen: Set<number> }>();
  for (const clusters of touches) {
    const root = rootOf(clusters[0] as ObjectClusterNumber);
    const group = groups.get(root) ?? { clusters: [], requests: 0, seen: new Set<number>() };
    groups.set(root, group);
    group.requests++;
    for (const cluster of clusters) {
      if (group.seen.has(cluster)) continue;
      group.seen.add(cluster);
      group.clusters.push(cluster);
    }
  }
  return [...groups.values()];
}

/**
 * What an execution server knows of the object clusters it holds: versions, chain tip, its own last serial. It is the
 * only writer of a cluster for the whole epoch, so what it once learned stays true until its own next change; a newer
 * epoch forgets everything. It is a cache, not a store: nothing is lost with it.
 */
import type {
  Digest,
  Epoch,
  ObjectClusterNumber,
  ServerName,
  StoredVersion,
  TicketBody,
  TicketCluster,
} from "@redoubt/shared";

/** Characters of values kept; beyond, clusters nobody waits for are forgotten. */
const CHARACTERS_MAX = 128 * 1024 * 1024;

export interface CachedCluster {
  readonly cluster: ObjectClusterNumber;
  readonly epoch: Epoch;
  readonly members: readonly ServerName[];
  /** Last journalled change; undefined until fetched. */
  tip: Digest | undefined;
  /** Serial of the last change sent in this cluster and epoch. */
  lastSerial: number;
  /** Newest version of each object known; null: it does not exist. */
  readonly objects: Map<string, StoredVersion | null>;
}

export class ClusterCache {
  readonly #clusters = new Map<ObjectClusterNumber, CachedCluster>();
  #characters = 0;

  /** Epochs that ended when the ticket named newer ones, or "stale" when the ticket's are older than those seen. */
  enter(body: TicketBody): "stale" | readonly Epoch[] {
    if (body.clusters.some(({ cluster, epoch }) => epoch < (this.#clusters.get(cluster)?.epoch ?? 0))) return "stale";
    const ended = new Set<Epoch>();
    for (const entry of body.clusters) {
      const known = this.#clusters.get(entry.cluster);
      if (known?.epoch === entry.epoch) continue;
      if (known) ended.add(known.epoch);
      this.#forget(known);
      this.#open(entry);
    }
    return [...ended];
  }

  #open({ cluster, epoch, members }: TicketCluster): void {
    const cached = { cluster, epoch, members, tip: undefined, lastSerial: 0, objects: new Map() };
    this.#clusters.set(cluster, cached);
  }

  #forget(cached: CachedCluster | undefined): void {
    for (const version of cached?.objects.values() ?? []) this.#characters -= version?.bytes.length ?? 0;
    cached?.objects.clear();
  }

  /** The cluster as of this epoch; undefined when another epoch is known. */
  get(cluster: ObjectClusterNumber, epoch: Epoch): CachedCluster | undefined {
    const cached = this.#clusters.get(cluster);
    return cached?.epoch === epoch ? cached : undefined;
  }

  put(cached: CachedCluster, object: string, version: StoredVersion | null): void {
    this.#characters += (version?.bytes.length ?? 0) - (cached.objects.get(object)?.bytes.length ?? 0);
    cached.objects.set(object, version);
  }

  /** Members refused something: what is known here is not what they hold. Serials stay, they were used up. */
  doubt(body: TicketBody): void {
    for (const { cluster, epoch } of body.clusters) {
      const cached = this.get(cluster, epoch);
      if (!cached) continue;
      this.#forget(cached);
      cached.tip = undefined;
    }
  }

  /** Keeps within the limit; `isBusy` clusters have changes on their way that members may not have yet. */
  shrink(isBusy: (cluster: ObjectClusterNumber) => boolean): void {
    if (this.#characters <= CHARACTERS_MAX) return;
    for (const cached of this.#clusters.values()) {
      if (this.#characters <= CHARACTERS_MAX / 2) return;
      if (!isBusy(cached.cluster)) this.#forget(cached);
    }
  }
}

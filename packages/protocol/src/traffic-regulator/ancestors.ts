/**
 * Which changes are beyond doubt, for release rule (c): a reply may leave only when everything its change follows was
 * released or verified (docs/PROTOCOL.md §3.4). An ancestor this memory does not know only delays: the masters' decision
 * on the change itself covers its ancestors too.
 */
import type { Digest, ObjectClusterNumber } from "@redoubt/shared";

/** Pending chains are short; this many digests reach back minutes at full load. */
const RECENT_MAX = 50_000;

export class Ancestors<Waiter> {
  /** Two generations: when the newer is full the older is forgotten. */
  #recent = new Set<Digest>();
  #older = new Set<Digest>();
  /** Last change beyond doubt of each object cluster: what the next one there follows, however long ago it was. */
  readonly #heads = new Map<ObjectClusterNumber, Digest>();
  readonly #waiting = new Map<Digest, Set<Waiter>>();

  has(digest: Digest): boolean {
    return this.#recent.has(digest) || this.#older.has(digest);
  }

  isHead(digest: Digest, clusters: readonly ObjectClusterNumber[]): boolean {
    return clusters.some((cluster) => this.#heads.get(cluster) === digest);
  }

  /** The change was released or verified. Returns who waited for it. Nothing follows read-only changes. */
  settle(digest: Digest, clusters: readonly ObjectClusterNumber[]): readonly Waiter[] {
    if (this.has(digest)) return [];
    this.#recent.add(digest);
    if (this.#recent.size >= RECENT_MAX) {
      this.#older = this.#recent;
      this.#recent = new Set();
    }
    for (const cluster of clusters) this.#heads.set(cluster, digest);
    const waiters = this.#waiting.get(digest);
    this.#waiting.delete(digest);
    return waiters ? [...waiters] : [];
  }

  /** The heads, to be kept with the stream's position: after a restart nothing else tells that they are beyond doubt. */
  export(): (readonly [ObjectClusterNumber, Digest])[] {
    return [...this.#heads];
  }

  restore(heads: readonly (readonly [ObjectClusterNumber, Digest])[]): void {
    for (const [cluster, digest] of heads) this.#heads.set(cluster, digest);
  }

  waitFor(digest: Digest, waiter: Waiter): void {
    const waiters = this.#waiting.get(digest);
    if (waiters) waiters.add(waiter);
    else this.#waiting.set(digest, new Set([waiter]));
  }

  forget(digest: Digest, waiter: Waiter): void {
    const waiters = this.#waiting.get(digest);
    if (waiters?.delete(waiter) && waiters.size === 0) this.#waiting.delete(digest);
  }
}

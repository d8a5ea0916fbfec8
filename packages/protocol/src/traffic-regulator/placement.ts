/**
 * Which execution server holds which object clusters, in which epoch, with which members: the masters' decisions taken in
 * order, nothing else (docs/PROTOCOL.md §2, §4). A domain is one epoch number; all its clusters open and settle together.
 */
import {
  type ClusterRange,
  type Epoch,
  OBJECT_CLUSTERS,
  type ObjectClusterNumber,
  type ServerName,
} from "@redoubt/shared";
import { ALL_CLUSTERS, eachCluster, toRanges } from "../ranges.ts";
import type { DomainRecord } from "./types.ts";

export interface Domain {
  readonly epoch: Epoch;
  readonly holder: ServerName;
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
  /** Whom this epoch was opened for; some of them may not be members yet, and some members may be leaving. */
  readonly wanted?: readonly ServerName[];
  settled: boolean;
  /** Monotonic time at which this regulator learned of it. */
  readonly since: number;
}

/** Before the first epoch everything belongs to nobody. */
const NOWHERE: Domain = { epoch: 0, holder: "", members: [], faultsTolerated: 0, settled: true, since: 0 };

export class PlacementTable {
  readonly #domainOf: Domain[] = Array.from({ length: OBJECT_CLUSTERS }, () => NOWHERE);
  #domains: Domain[] = [NOWHERE];

  domainOf(cluster: ObjectClusterNumber): Domain {
    return this.#domainOf[cluster] ?? NOWHERE;
  }

  get domains(): readonly Domain[] {
    return this.#domains;
  }

  /** Returns the domains that lost clusters to the new epoch. */
  open(
    decision: Omit<DomainRecord, "settled" | "clusters"> & { readonly clusters: readonly ClusterRange[] },
    now: number,
  ): Domain[] {
    const { epoch, holder, members, faultsTolerated, clusters, wanted = members } = decision;
    const domain: Domain = { epoch, holder, members, faultsTolerated, wanted, settled: false, since: now };
    const replaced = new Set<Domain>();
    for (const cluster of eachCluster(clusters)) {
      const before = this.domainOf(cluster);
      if (before.epoch >= epoch) continue;
      replaced.add(before);
      this.#domainOf[cluster] = domain;
    }
    this.#domains = [...new Set(this.#domainOf)];
    return [...replaced];
  }

  settle(epoch: Epoch, clusters: readonly ClusterRange[]): void {
    for (const cluster of eachCluster(clusters)) {
      const domain = this.domainOf(cluster);
      if (domain.epoch === epoch) domain.settled = true;
    }
  }

  rangesOf(domain: Domain): ClusterRange[] {
    const clusters: number[] = [];
    for (const cluster of eachCluster(ALL_CLUSTERS)) if (this.#domainOf[cluster] === domain) clusters.push(cluster);
    return toRanges(clusters);
  }

  export(): DomainRecord[] {
    return this.#domains.map((domain) => {
      const { epoch, holder, members, faultsTolerated, wanted = members, settled } = domain;
      return { epoch, holder, members, faultsTolerated, wanted, settled, clusters: this.rangesOf(domain) };
    });
  }

  restore(records: readonly DomainRecord[], now: number): void {
    const ascending = [...records].sort((left, right) => left.epoch - right.epoch);
    for (const record of ascending) {
      this.open(record, now);
      if (record.settled) this.settle(record.epoch, record.clusters);
    }
  }
}

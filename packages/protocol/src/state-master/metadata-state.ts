/**
 * The replicated state of the masters: where object clusters are, which changes and versions are verified, what became
 * of every request id, who is primary. Only `applyCommand` (`metadata.ts`) changes it, equally on every master.
 *
 * Bounded by the objects there are and by the window for request ids: outcomes are forgotten seven windows after their
 * requests' admission, as the newest ticket verified tells the time; no master's clock is asked.
 */
import {
  type ChangeName,
  type ClusterRange,
  type Decision,
  type Digest,
  type Epoch,
  OBJECT_CLUSTERS,
  type ObjectClusterNumber,
  type ServerName,
  type Slot,
  ZERO_DIGEST,
} from "@redoubt/shared";
import type { Hasher } from "../core.ts";
import type { MasterChange } from "./commands.ts";
import { HeadTable } from "./head-table.ts";
import type { Standing, WantedMembers } from "./membership.ts";
import { OutcomeTable } from "./outcome-table.ts";
import type { DeadChangeRow, PrimaryLease, VersionRow } from "./types.ts";

/** Holder and members fixed with one epoch. Epoch 0 is "never opened": no holder, no members. */
export interface EpochTerms {
  readonly epoch: Epoch;
  readonly holder: ServerName;
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
  /** Seats lost to members without their journal, among the t faulty ones. */
  readonly vacant: number;
  readonly wanted: WantedMembers;
}

const NOBODY = { members: [], faultsTolerated: 0 } as const;
const NEVER_OPENED: EpochTerms = { epoch: 0, holder: "", ...NOBODY, vacant: 0, wanted: NOBODY };

export interface ClusterRecord {
  /** The newest epoch. */
  opened: EpochTerms;
  /** The newest epoch whose settlement is decided; changes of this one may be verified. */
  settled: EpochTerms;
  /** Digest of the last verified change that was not read-only: the end of the verified chain. */
  head: Digest;
}

/** An epoch that is opened and not yet settled. */
export interface OpenEpoch {
  readonly terms: EpochTerms;
  readonly clusters: readonly ClusterRange[];
  /** Changes found wrong by acceptance tests; never verified from here on. */
  readonly invalid: ReadonlyMap<Digest, ChangeName>;
  /** Slot that last verified something in these clusters. */
  verifiedAt: Slot;
}

export type PrimaryComponent = "traffic-regulator" | "configuration-manager";

export interface MetadataState {
  readonly hasher: Hasher;
  readonly clusters: readonly ClusterRecord[];
  readonly openEpochs: Map<Epoch, OpenEpoch>;
  /**
   * Undecided changes that the last settlement of their clusters listed. A change touches clusters of one domain only,
   * and domains are settled whole, so one settlement decides for all clusters of a change at once.
   */
  readonly survivors: Map<Digest, MasterChange>;
  readonly heads: HeadTable;
  readonly outcomes: OutcomeTable;
  /** Newest admission among verified requests: the time by which outcomes grow old. */
  newestAdmission: number;
  readonly leases: Map<PrimaryComponent, PrimaryLease>;
  /** State replicas by the names of their journals. */
  readonly standings: Map<ServerName, Standing>;
  /** Nonces granted before, the newest {@link NONCES_MAX}: a claim that arrives late must not take the lease back. */
  readonly nonces: Set<string>;
  /** Key of the masters' ticket entry per regulator epoch, the newest {@link MASTERS_KEYS_MAX}. */
  readonly mastersKeys: Map<Epoch, string>;
}

/** Regulator epochs whose tickets can still be checked. */
export const MASTERS_KEYS_MAX = 64;
export const NONCES_MAX = 1024;

/** What the commands of one slot decided. */
export interface Applied {
  readonly decisions: Decision[];
  readonly versions: VersionRow[];
  readonly dead: DeadChangeRow[];
}

export function createMetadataState(hasher: Hasher): MetadataState {
  return {
    hasher,
    clusters: Array.from({ length: OBJECT_CLUSTERS }, () => ({
      opened: NEVER_OPENED,
      settled: NEVER_OPENED,
      head: ZERO_DIGEST,
    })),
    openEpochs: new Map(),
    survivors: new Map(),
    heads: new HeadTable(),
    outcomes: new OutcomeTable(),
    newestAdmission: 0,
    leases: new Map(),
    standings: new Map(),
    nonces: new Set(),
    mastersKeys: new Map(),
  };
}

/** Undefined for a number that is no object cluster. */
export const clusterRecord = (state: MetadataState, cluster: ObjectClusterNumber): ClusterRecord | undefined =>
  state.clusters[cluster];

export function isInvalid(state: MetadataState, digest: Digest): boolean {
  for (const open of state.openEpochs.values()) if (open.invalid.has(digest)) return true;
  return false;
}

/**
 * True when every epoch the change names still counts: it is the cluster's last settled one, or every later settlement
 * listed the change (I7).
 */
export function isInSettledEpochs(state: MetadataState, change: MasterChange): boolean {
  if (state.survivors.has(change.digest)) return true;
  return change.links.every(
    ({ cluster, epoch }) => epoch > 0 && clusterRecord(state, cluster)?.settled.epoch === epoch,
  );
}

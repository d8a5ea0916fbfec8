/**
 * What a member knows of each object cluster: the epochs decided for it, its promise, and its chain of journalled
 * changes. The chain is the verified head followed by the undecided changes in the order they were accepted; its last
 * digest is the *tip* that the next change must name. It does not know the changes themselves (`store.ts`).
 */
import { type Digest, type Epoch, type ObjectClusterNumber, type ServerName, ZERO_DIGEST } from "@redoubt/shared";

/** An epoch as `epochOpened` described it. Epoch 0 without members is "never opened". */
export interface EpochDescription {
  readonly epoch: Epoch;
  readonly holder: ServerName;
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
  /** Whom the epoch was opened for, where that is not its members. */
  readonly wanted?: readonly ServerName[];
}

const NEVER_OPENED: EpochDescription = { epoch: 0, holder: "", members: [], faultsTolerated: 0 };

export interface ClusterState {
  readonly cluster: ObjectClusterNumber;
  /** The newest epoch decided; changes of older epochs are refused from then on. */
  opened: EpochDescription;
  /** The newest epoch whose settlement was taken in: the only one changes are accepted in. */
  installed: EpochDescription;
  /** Nothing of an epoch below this is accepted any more. */
  promised: Epoch;
  /** Read-only requests of this epoch or an older one are not confirmed (the process restarted within it). */
  readBarrier: Epoch;
  verifiedHead: Digest;
  undecided: Digest[];
  /** Serial of the last change accepted or passed over in the installed epoch. */
  lastSerial: number;
}

export const tipOf = (state: ClusterState): Digest => state.undecided.at(-1) ?? state.verifiedHead;

/** True when changes of the installed epoch may be accepted: no newer epoch is opened or promised. */
export const isOpenForChanges = (state: ClusterState): boolean =>
  state.installed.epoch > 0 && state.installed.epoch >= state.opened.epoch && state.installed.epoch >= state.promised;

export class ClusterTable {
  readonly #states = new Map<ObjectClusterNumber, ClusterState>();
  readonly #self: ServerName;
  readonly #keepsEverything: boolean;

  /** `keepsEverything`: whoever the members are, this replica gathers the state of all clusters, so that it can become one. */
  constructor(self: ServerName, keepsEverything = false) {
    this.#self = self;
    this.#keepsEverything = keepsEverything;
  }

  get(cluster: ObjectClusterNumber): ClusterState {
    let state = this.#states.get(cluster);
    if (!state) {
      state = {
        cluster,
        opened: NEVER_OPENED,
        installed: NEVER_OPENED,
        promised: 0,
        readBarrier: 0,
        verifiedHead: ZERO_DIGEST,
        undecided: [],
        lastSerial: 0,
      };
      this.#states.set(cluster, state);
    }
    return state;
  }

  all(): Iterable<ClusterState> {
    return this.#states.values();
  }

  /** True when this replica is a member of some cluster's installed epoch. */
  isMember(): boolean {
    let seen: EpochDescription | undefined;
    for (const { installed } of this.#states.values()) {
      if (installed !== seen && installed.members.includes(this.#self)) return true;
      seen = installed;
    }
    return false;
  }

  /** True when this replica is to become a member: of a newest epoch it is wanted in and has no seat. */
  isWanted(): boolean {
    let seen: EpochDescription | undefined;
    for (const { opened } of this.#states.values()) {
      if (opened === seen) continue;
      seen = opened;
      if (opened.wanted?.includes(this.#self) && !opened.members.includes(this.#self)) return true;
    }
    return false;
  }

  /** True when this replica keeps the cluster: as a member by its newest epoch or the one still installed, or anyway. */
  isMine(cluster: ObjectClusterNumber): boolean {
    if (this.#keepsEverything) return true;
    const state = this.#states.get(cluster);
    return (
      state !== undefined && (state.opened.members.includes(this.#self) || state.installed.members.includes(this.#self))
    );
  }

  /**
   * At the start: what was judged in the epochs installed so far is forgotten, so that read-only requests are not
   * confirmed in them, and their holders' changes are held until the next epoch.
   */
  restarted(): void {
    for (const state of this.#states.values()) {
      state.readBarrier = state.installed.epoch;
      state.lastSerial = 0;
    }
  }

  /** True while some cluster is still in the epoch it had at the restart. */
  hasReadBarrier(): boolean {
    for (const state of this.#states.values()) {
      if (state.readBarrier > 0 && state.opened.epoch <= state.readBarrier) return true;
    }
    return false;
  }
}

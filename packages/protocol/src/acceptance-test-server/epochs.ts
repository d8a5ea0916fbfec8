/**
 * The decision stream as an acceptance test server needs it: which members an epoch has, what is decided, and who is the
 * primary regulator. It applies nothing, so it never waits for anything.
 */
import type {
  ClusterRange,
  Decision,
  Digest,
  Epoch,
  ObjectClusterNumber,
  ServerName,
  Slot,
  StreamMessage,
  TicketCluster,
} from "@redoubt/shared";
import { inRanges } from "../ranges.ts";
import { trimOldest } from "../recent.ts";

const EPOCHS_MAX = 1_024;

interface EpochDescription {
  readonly clusters: readonly ClusterRange[];
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
}

/** What a stream message means for changes under test. */
export interface StreamNews {
  readonly isProgress: boolean;
  /** Decided: nothing more is asked of this server about them. */
  readonly decided: readonly Digest[];
  /** Epochs older than `before` of these clusters are over but for the survivors. */
  readonly settled: readonly {
    readonly clusters: readonly ClusterRange[];
    readonly before: Epoch;
    readonly survivors: ReadonlySet<Digest>;
  }[];
}

export class EpochTable {
  through: Slot = 0;
  regulator: ServerName;
  #regulatorEpoch: Epoch = 0;
  readonly #epochs = new Map<Epoch, EpochDescription>();

  constructor(regulator: ServerName) {
    this.regulator = regulator;
  }

  take({ after, through, slots }: StreamMessage): StreamNews | "gap" {
    const decided: Digest[] = [];
    const settled: StreamNews["settled"][number][] = [];
    if (after > this.through) return "gap";
    const isProgress = through > this.through;
    for (const { slot, decisions } of slots) {
      if (slot <= this.through) continue;
      for (const decision of decisions) {
        this.#take(decision);
        if (decision.kind === "verified") decided.push(decision.change.digest);
        if (decision.kind !== "settled") continue;
        const survivors = new Set(decision.survivors.map((change) => change.digest));
        settled.push({ clusters: decision.clusters, before: decision.epoch, survivors });
      }
    }
    this.through = Math.max(this.through, through);
    return { isProgress, decided, settled };
  }

  #take(decision: Decision): void {
    if (decision.kind === "epochOpened") {
      const { clusters, members, faultsTolerated } = decision;
      this.#epochs.set(decision.epoch, { clusters, members, faultsTolerated });
      trimOldest(this.#epochs, EPOCHS_MAX);
    } else if (decision.kind === "primary" && decision.component === "traffic-regulator") {
      if (decision.epoch < this.#regulatorEpoch) return;
      this.#regulatorEpoch = decision.epoch;
      this.regulator = decision.server;
    }
  }

  /**
   * True when the voters hold t+1 members of every cluster, by the masters' word on who the members are: a ticket from a
   * faulty member could name anybody.
   */
  isVouched(clusters: readonly TicketCluster[], voters: ReadonlySet<ServerName>): boolean {
    return clusters.every(({ cluster, epoch }) => {
      const known = this.#epochs.get(epoch);
      if (!known || !inRanges(known.clusters, cluster)) return false;
      const count = known.members.filter((member) => voters.has(member)).length;
      return count >= known.faultsTolerated + 1;
    });
  }

  isMember(clusters: readonly TicketCluster[], server: ServerName): boolean {
    return clusters.some(({ epoch }) => this.#epochs.get(epoch)?.members.includes(server));
  }

  /** True when the epoch has not been heard of yet. */
  isAhead(epoch: Epoch): boolean {
    return epoch > this.through;
  }
}

export const touchesEnded = (
  clusters: readonly { readonly cluster: ObjectClusterNumber; readonly epoch: Epoch }[],
  { clusters: ranges, before }: StreamNews["settled"][number],
): boolean => clusters.some(({ cluster, epoch }) => epoch < before && inRanges(ranges, cluster));

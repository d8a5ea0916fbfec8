/** Messages of the masters among themselves: Multi-Paxos with a stable leader (PROTOCOL §7, §11). */
import type { ServerName, Slot } from "./ids.ts";

/** Ballots are ordered by round, then by the proposing master's index in the membership. */
export interface Ballot {
  readonly round: number;
  readonly master: number;
}

/** Value of a slot: commands as the state master's command type, opaque to Paxos. An empty list fills a gap. */
export interface PaxosEntry<Command = unknown> {
  readonly slot: Slot;
  readonly ballot: Ballot;
  readonly commands: readonly Command[];
  /** Milliseconds since 1970 by the leader's clock, for people only. */
  readonly at: number;
}

export type PaxosMessage =
  /** Would you vote for me? Asked before a ballot is raised, so that a partitioned master does not depose a working leader. */
  | {
      readonly kind: "preVote";
      readonly ballot: Ballot;
      readonly decidedThrough: Slot;
    }
  | {
      readonly kind: "preVoted";
      readonly ballot: Ballot;
      readonly granted: boolean;
      readonly promised: Ballot;
    }
  | {
      readonly kind: "prepare";
      readonly ballot: Ballot;
      readonly fromSlot: Slot;
    }
  | {
      readonly kind: "promised";
      readonly ballot: Ballot;
      readonly granted: boolean;
      readonly promised: Ballot;
      readonly accepted: readonly PaxosEntry[];
      readonly decidedThrough: Slot;
      /** Set when not everything fits into one message: `accepted` is complete up to here, ask again from the next slot. */
      readonly through?: Slot;
    }
  | {
      readonly kind: "accept";
      readonly ballot: Ballot;
      readonly entries: readonly PaxosEntry[];
      readonly decidedThrough: Slot;
    }
  | {
      readonly kind: "accepted";
      readonly ballot: Ballot;
      readonly granted: boolean;
      readonly promised: Ballot;
      readonly slots: readonly Slot[];
      /** Everything up to here is durably known as decided at the sender. */
      readonly durableThrough?: Slot;
    }
  | {
      readonly kind: "heartbeat";
      readonly ballot: Ballot;
      readonly decidedThrough: Slot;
      readonly leader: ServerName;
      /** Every master durably has everything up to here as decided: nobody will ask for it again. */
      readonly forgetThrough?: Slot;
    }
  | { readonly kind: "catchUp"; readonly fromSlot: Slot }
  | { readonly kind: "decided"; readonly entries: readonly PaxosEntry[] };

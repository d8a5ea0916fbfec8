/** Messages of the masters among themselves: Multi-Paxos with a stable leader (PROTOCOL §7, §11; ADR 0011). */
import type { ServerName, Slot } from "./ids.ts";

/** Ballots are ordered by round, then by the proposing master's seat. */
export interface Ballot {
  readonly round: number;
  readonly master: number;
}

/**
 * A master that votes. `identity` names its journal: a server whose journal was lost has another one and is not the
 * master it was. A seat is given once and never again, so that no two journals ever propose under one ballot.
 */
export interface MasterSeat {
  readonly server: ServerName;
  readonly identity: string;
  readonly seat: number;
}

/** Who votes. Counts for the slots after the one that decided it; the first membership is that of the settings. */
export interface MasterMembership {
  readonly seats: readonly MasterSeat[];
  readonly nextSeat: number;
}

/** Identity of a journal begun at the very first start of its cluster. */
export const FIRST_IDENTITY = "first";

/** Said in place of an identity by a master that gives no votes for the time being. */
export const NO_VOTE = "";

/** Value of a slot: commands as the state master's command type, opaque to Paxos. An empty list fills a gap. */
export interface PaxosEntry<Command = unknown> {
  readonly slot: Slot;
  readonly ballot: Ballot;
  readonly commands: readonly Command[];
  /** Milliseconds since 1970 by the leader's clock, for people only. */
  readonly at: number;
  /** A new membership; such an entry is a barrier: nothing is proposed behind it before it is decided. */
  readonly masters?: MasterMembership;
  /** Slot of the membership it was proposed under; absent: the first. */
  readonly under?: Slot;
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
      /** Whose journal this is said from; absent: {@link FIRST_IDENTITY}. A vote counts for this identity only. */
      readonly identity?: string;
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
      readonly identity?: string;
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
      /** Everything up to here is durable at the sender, its database included. */
      readonly appliedThrough?: Slot;
      /** The heartbeat's `question`. */
      readonly answers?: number;
      readonly identity?: string;
    }
  | {
      readonly kind: "heartbeat";
      readonly ballot: Ballot;
      readonly decidedThrough: Slot;
      readonly leader: ServerName;
      /** Every master durably has everything up to here as decided: nobody will ask for it again. */
      readonly forgetThrough?: Slot;
      /** A majority has everything up to here durably, in their databases too: journals may be cut below. */
      readonly truncateThrough?: Slot;
      /** Asks for a sign that this ballot still leads; answers carry the number. */
      readonly question?: number;
    }
  | { readonly kind: "catchUp"; readonly fromSlot: Slot }
  | { readonly kind: "decided"; readonly entries: readonly PaxosEntry[] }
  /** From a master whose state is lost or was cut off below `fromSlot`. */
  | { readonly kind: "wantSnapshot"; readonly fromSlot: Slot }
  /** Slots through `through` are decided and no longer here one by one: this is what they led to. */
  | {
      readonly kind: "snapshotOffer";
      readonly through: Slot;
      readonly parts: number;
      readonly masters: MasterMembership;
      readonly mastersSlot: Slot;
    }
  | { readonly kind: "fetchSnapshot"; readonly through: Slot; readonly part: number }
  | { readonly kind: "snapshotPart"; readonly through: Slot; readonly part: number; readonly bytes: Uint8Array }
  /** A leader that ends asks the most advanced peer to lead, without waiting for its silence. */
  | { readonly kind: "takeOver"; readonly ballot: Ballot };

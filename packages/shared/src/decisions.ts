/**
 * What the state masters decide, as everybody else learns it: one stream of decisions in slot order. Members, regulator
 * and manager follow the stream from the slot they have; it is also how a member that was away catches up (ADR 0003).
 */
import type { Digest, Epoch, ObjectClusterNumber, RequestId, ServerName, Slot } from "./ids.ts";

/** Inclusive range of object clusters. */
export interface ClusterRange {
  readonly from: ObjectClusterNumber;
  readonly to: ObjectClusterNumber;
}

export interface ChangeName {
  readonly digest: Digest;
  readonly requestId: RequestId;
  readonly attempt: number;
}

export type Decision =
  /** The epoch number is the slot of the decision. */
  | {
      readonly kind: "epochOpened";
      readonly clusters: readonly ClusterRange[];
      readonly epoch: Epoch;
      readonly holder: ServerName;
      readonly members: readonly ServerName[];
      readonly faultsTolerated: number;
      /**
       * Whom the configuration manager wants as members, where that differs: those of them that are not `members` gather
       * the state and become members by a later epoch (docs/PROTOCOL.md §10).
       */
      readonly wanted?: readonly ServerName[];
      /** Changes found wrong by t+1 acceptance tests; they and what follows them are void. */
      readonly invalid: readonly ChangeName[];
    }
  /** Undecided changes of earlier epochs of these clusters that are not listed are dead for ever (PROTOCOL §8). */
  | {
      readonly kind: "settled";
      readonly clusters: readonly ClusterRange[];
      readonly epoch: Epoch;
      /** In chain order. */
      readonly survivors: readonly ChangeName[];
      readonly voided: readonly ChangeName[];
    }
  | {
      readonly kind: "verified";
      readonly change: ChangeName;
      readonly replyDigest: Digest;
      /** Nothing of a read-only request is journalled: members that lack it do not fetch it. */
      readonly readOnly: boolean;
      /** Object clusters it touches: members of others need not follow it. */
      readonly clusters: readonly ObjectClusterNumber[];
      readonly testers: readonly ServerName[];
    }
  | {
      readonly kind: "closed";
      readonly requestId: RequestId;
      readonly home: ObjectClusterNumber;
    }
  /** `nonce` tells the asker that this grant is its own. */
  | {
      readonly kind: "primary";
      readonly component: "traffic-regulator" | "configuration-manager";
      readonly server: ServerName;
      readonly epoch: Epoch;
      readonly nonce: string;
    };

export interface SlotDecisions {
  readonly slot: Slot;
  /** Milliseconds since 1970 by the proposing master's clock; for people, no rule uses it. */
  readonly at: number;
  readonly decisions: readonly Decision[];
}

export type RequestOutcome =
  | {
      readonly kind: "verified";
      readonly change: ChangeName;
      readonly replyDigest: Digest;
      /** When the regulator admitted the request, by its ticket; milliseconds since 1970. */
      readonly admittedAt?: number;
    }
  | { readonly kind: "closed"; readonly admittedAt?: number }
  | { readonly kind: "unknown" };

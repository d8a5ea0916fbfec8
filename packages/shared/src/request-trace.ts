/**
 * What the traffic regulator saw happen to one request, hop by hop, on its own monotonic clock: for administrators, never
 * for decisions. Kept in memory for the newest requests only; a regulator that restarts begins again and says so.
 */
import type { Verdict } from "./change.ts";
import type { Epoch, ServerName } from "./ids.ts";

/** Something that happened; names as in the regulator's transition table (docs/PROTOCOL.md §3). */
export type RequestEventSeen =
  /** Read again from the journal after a restart: what was before is not known. */
  | { readonly kind: "restored" }
  /** The state it came into, and the event that brought it there. */
  | { readonly kind: "entered"; readonly state: string; readonly because: string }
  | {
      readonly kind: "dispatched";
      readonly attempt: number;
      readonly server: ServerName;
      readonly epoch: Epoch;
      readonly testers: readonly ServerName[];
      readonly members: readonly ServerName[];
      /** In a worker process of its own (suspect lane). */
      readonly alone: boolean;
    }
  /** A member says that it holds the change; with its verdict when it tested it. */
  | {
      readonly kind: "acknowledged";
      readonly attempt: number;
      readonly server: ServerName;
      /** First digits of the change's digest: members that hold the same change say the same. */
      readonly change: string;
      /** False: it was only confirmed (read-only requests). */
      readonly durable: boolean;
      readonly verdict?: Verdict;
    }
  /** Verdict of an acceptance test server of the basic profile. */
  | { readonly kind: "tested"; readonly attempt: number; readonly server: ServerName; readonly verdict: Verdict }
  | {
      readonly kind: "failed";
      readonly attempt: number;
      readonly server: ServerName;
      readonly detector: string;
      readonly check: string;
      readonly detail: string;
    }
  | {
      readonly kind: "shadowStarted";
      readonly attempt: number;
      readonly server: ServerName;
      readonly testers: readonly ServerName[];
    }
  | { readonly kind: "shadowTested"; readonly attempt: number; readonly server: ServerName; readonly verdict: Verdict }
  | {
      readonly kind: "shadowEnded";
      readonly attempt: number;
      readonly server: ServerName;
      readonly judgement: "innocent" | "malformed" | "untestable" | "inconclusive";
      readonly detail: string;
    }
  | { readonly kind: "convicted"; readonly server: ServerName; readonly evidence: string }
  /** The masters' decision arrived. */
  | { readonly kind: "decided"; readonly decision: "verified" | "closed"; readonly attempt: number | null }
  /** The same request came again with its key: it waits with the first, or gets the logged reply. */
  | { readonly kind: "repeated" }
  /** Clients were answered. */
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly exchanges: number;
      /** Of them repetitions, which are told so by a header. */
      readonly repeated: number;
      readonly because: "all-members" | "masters" | "closed" | "expired" | "patience" | "logged" | "withheld" | "held";
    };

export type RequestHop = RequestEventSeen & {
  /** Milliseconds since {@link RequestTraceSeen.since}. */
  readonly ms: number;
};

export interface RequestTraceSeen {
  /** Milliseconds since 1970: admission, or the restart that brought the request back. */
  readonly since: number;
  /** Where the request came from; empty for one that the regulator made itself. */
  readonly host: string;
  readonly hops: readonly RequestHop[];
  /** How many more there were than are kept. */
  readonly omitted: number;
}

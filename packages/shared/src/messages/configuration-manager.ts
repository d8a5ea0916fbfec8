/** What the configuration manager receives, control messages aside. */
import type { Attribution } from "../attribution.ts";
import type { Digest, Epoch, RequestId, ServerName } from "../ids.ts";
import type { MisbehaviourAct } from "../misbehaviour.ts";
import type { DamageEvent } from "./state-master.ts";
import type { StreamMessage } from "./state-replica.ts";

/** Regulator → manager: a numbered fact, repeated until acknowledged (R42, U31). */
export type RegulatorFactsMessage = {
  readonly kind: "regulatorFacts";
  readonly facts: readonly NumberedFact[];
};
export type NumberedFact = {
  readonly number: number;
  readonly at: number;
  readonly fact: RegulatorFact;
};
export type RegulatorFact =
  | {
      readonly kind: "quarantined";
      readonly requestId: RequestId;
      readonly attempt: number;
      readonly operation: string;
      readonly clientId: string;
      readonly host: string;
      readonly reason: string;
      readonly check: string;
      readonly detail: string;
      readonly executionServer: string;
      readonly payload: string;
      readonly state: "rejected" | "held";
      /** Milliseconds since 1970: when what is held will be rejected. */
      readonly heldUntil?: number;
      readonly evidence: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: "quarantineChanged";
      readonly requestId: RequestId;
      /** Expired: it was held, and nobody released it in time. */
      readonly state: "released" | "confirmed" | "expired";
      readonly order: string;
    }
  | {
      readonly kind: "hostBlocked";
      readonly principal?: string;
      readonly address?: string;
      readonly requestId: RequestId;
      readonly reason: string;
    }
  | {
      readonly kind: "hostUnblocked";
      readonly principal?: string;
      readonly address?: string;
    }
  | {
      readonly kind: "blockWithheld";
      readonly address: string;
      readonly requestId: RequestId;
      readonly reason: string;
    }
  | {
      readonly kind: "signatureLearned";
      readonly signature: string;
      readonly requestId: RequestId;
      readonly operation: string;
    }
  /** Shut this process down (or isolate it): the regulator gives it no more work (PROTOCOL §10). */
  | {
      readonly kind: "discardServer";
      readonly server: ServerName;
      readonly incarnation: string;
      readonly requestId: RequestId;
      readonly detector: "acceptance-test" | "checksum-vote" | "deadline" | "crash" | "refusal" | "reply-audit";
      readonly check: string;
      readonly detail: string;
    }
  /** The shadow run passed: the server, not the request, was at fault. */
  | {
      readonly kind: "serverConvicted";
      readonly server: ServerName;
      readonly incarnation: string;
      readonly requestId: RequestId;
      readonly evidence: string;
    }
  /** Where a failure's attribution ended, with everything that led there. */
  | ({ readonly kind: "attributed" } & Attribution)
  /** Something no right server does was refused, and by whom it was seen; told again when much more of it has come. */
  | {
      readonly kind: "misbehaviour";
      readonly server: ServerName;
      readonly component: "execution-server" | "state-replica" | "acceptance-test-server";
      readonly incarnation: string;
      readonly act: MisbehaviourAct;
      readonly requestId: RequestId | null;
      readonly attempt: number;
      readonly ticketDigest: Digest | null;
      /** Changes in question; two that bear the server's signature are proof. */
      readonly changeDigests: readonly Digest[];
      readonly reporters: readonly ServerName[];
      /** t+1 members say so, or signatures prove it. */
      readonly confirmed: boolean;
      /** How often it was seen so far. */
      readonly count: number;
      readonly detail: string;
    }
  | {
      readonly kind: "requestExonerated";
      readonly requestId: RequestId;
      readonly clientId: string;
    }
  | {
      readonly kind: "breakerTripped";
      readonly applicationVersion: string;
      readonly operation: string;
      readonly check: string;
      /** The version to go back to; absent where this one replaced none. */
      readonly previousVersion?: string;
      /** Requests that had been condemned by the same check before; taken back. */
      readonly retracted: number;
    }
  | {
      readonly kind: "breakerClosed";
      readonly applicationVersion: string;
      readonly operation: string;
      readonly check: string;
      readonly cause: string;
    }
  | {
      readonly kind: "epochOpened";
      readonly epoch: Epoch;
      /** How many object clusters it covers. */
      readonly objectClusters: number;
      readonly holder: ServerName;
      readonly reason: string;
    };

export type ToConfigurationManager =
  | RegulatorFactsMessage
  | {
      readonly kind: "logPage";
      readonly query: string;
      readonly entries: readonly Readonly<Record<string, unknown>>[];
      readonly counts: {
        readonly L1: number;
        readonly L2: number;
        readonly L3: number;
      };
    }
  /** How the versions of the application stand at the regulator. */
  | {
      readonly kind: "applicationStatus";
      /** Version under which requests are admitted, and the order of the manager that chose it; 0: the first one. */
      readonly current: string;
      readonly order: number;
      /** Null: it replaced no other. */
      readonly trial: { readonly requests: number; readonly of: number } | null;
      /** Undecided requests by the version that admitted them. */
      readonly inProgress: Readonly<Record<string, number>>;
      /** When each operation was admitted last, milliseconds since 1970. */
      readonly lastUsed: Readonly<Record<string, number>>;
      readonly breakers: readonly {
        readonly applicationVersion: string;
        readonly operation: string;
        readonly check: string;
        readonly isOpen: boolean;
        readonly principals: number;
        readonly withheld: number;
        /** Milliseconds since 1970; 0: never. */
        readonly openedAt: number;
        readonly openUntil: number;
      }[];
    }
  | {
      readonly kind: "traffic";
      readonly counters: Readonly<Record<string, number>>;
    }
  | {
      readonly kind: "objectDescription";
      readonly query: string;
      readonly object: string;
      readonly versions: readonly {
        readonly number: number;
        readonly epoch: Epoch;
        readonly c1: Digest;
        readonly status: "pending" | "verified" | "invalid";
        readonly requestId: RequestId;
        readonly executionServer: ServerName;
        /** Number of its record in the replica's journal; absent for versions that are not verified. */
        readonly record?: number;
      }[];
    }
  /** Primary master → manager: what members found on their disks, for the administrator. */
  | {
      readonly kind: "storageEvents";
      readonly server: ServerName;
      readonly events: readonly DamageEvent[];
    }
  | {
      readonly kind: "metadata";
      readonly query: string;
      readonly answer: unknown;
    }
  | StreamMessage;

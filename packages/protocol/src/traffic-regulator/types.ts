/**
 * What goes in and out of the traffic regulator's core: inputs, effects, durable records, dependencies. Types only.
 * (Paper §3.1; docs/PROTOCOL.md §3, §5–§7.)
 */
import type {
  Digest,
  Epoch,
  NumberedFact,
  ObjectClusterNumber,
  RegulatorConfigurationMessage,
  RegulatorFact,
  RequestId,
  ServerName,
  Slot,
  ToTrafficRegulator,
} from "@redoubt/shared";
import type { ApplicationLoadedInput, ApplicationPort } from "../application-port.ts";
import type {
  CheckpointedCore,
  CheckpointedInput,
  CommonEffect,
  CommonInput,
  Hasher,
  Instant,
  Random,
} from "../core.ts";
import type { Circuit } from "./breaker.ts";
import type { OverloadRules } from "./lease-moves.ts";

/** One field of an input that is not as the contract wants it. `field` is a JSON pointer ("" = the whole body). */
export interface FieldProblem {
  readonly field: string;
  readonly expected: string;
  readonly got?: string;
}

/** Something is wrong with the text of the request itself: not JSON, too large, not as the contract wants it. */
export interface InputProblem {
  readonly status: 400 | 413 | 415;
  /** Sentence for the client; names the field and what was expected. */
  readonly detail: string;
  readonly errors: readonly FieldProblem[];
}

/** A request of a client at the door. */
export interface AdmitRequest {
  /** Names the HTTP exchange (or the simulator's) that waits for the answer; unique while it waits. */
  readonly exchange: string;
  /** SHA-256 of the bearer key, 64 hexadecimal digits; absent when the request carried none. */
  readonly credentialDigest?: string;
  /** Already authenticated client, where the driver knows it (simulator, multiplexed connections). */
  readonly clientId?: string;
  /** Socket address of the client, or what a trusted proxy says it is. */
  readonly address: string;
  readonly operation: string;
  /** Chosen by the client; without one the regulator makes it. */
  readonly key?: string;
  /** Canonical JSON text of the input: what is hashed. */
  readonly inputText: string;
  readonly inputProblem?: InputProblem;
  /** The version by whose contract the driver has validated the input already. */
  readonly validatedBy?: string;
}

export type TrafficRegulatorInput =
  | CommonInput<ToTrafficRegulator, RegulatorRecord>
  | CheckpointedInput<RegulatorRecord>
  | (Instant & AdmitRequest & { readonly kind: "admit" })
  | (Instant & ApplicationLoadedInput<RegulatedApplication>)
  /** The client has gone away; the request goes on. */
  | (Instant & { readonly kind: "abandoned"; readonly exchange: string })
  /** `GET /v1/requests/{id}`: answered with `respond`, to the owner only. */
  | (Instant & {
      readonly kind: "lookUp";
      readonly exchange: string;
      readonly credentialDigest?: string;
      readonly clientId?: string;
      readonly address: string;
      readonly requestId: string;
    });

/** Answer of an exchange; an outward effect like `send`: it leaves after every earlier `append`. */
export interface RespondEffect {
  readonly kind: "respond";
  readonly exchange: string;
  readonly status: number;
  /** Lower-case names; `content-type` is always there. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyText: string;
}

/** What the process may log and count; nothing depends on it. */
export type PublishedFact =
  | { readonly kind: "fact"; readonly fact: RegulatorFact }
  | { readonly kind: "ready"; readonly epoch: Epoch }
  | {
      readonly kind: "dispatched";
      readonly requestId: RequestId;
      readonly attempt: number;
      readonly server: ServerName;
      readonly disposable: boolean;
    }
  | {
      readonly kind: "released";
      readonly requestId: RequestId;
      readonly attempt: number;
      readonly changeDigest: Digest | undefined;
      readonly by: "all-members" | "masters";
    }
  | {
      readonly kind: "attemptFailed";
      readonly requestId: RequestId;
      readonly attempt: number;
      readonly server: ServerName;
      readonly cause: string;
    }
  | { readonly kind: "alarm"; readonly what: string; readonly from: ServerName };

export type TrafficRegulatorEffect =
  | CommonEffect<RegulatorRecord>
  | RespondEffect
  | { readonly kind: "publish"; readonly fact: PublishedFact };

/** Why a request stands in L1: words of the console (`quarantineReasons` in packages/shared/src/feed.ts). */
export type QuarantineReason =
  | "signature"
  | "rule"
  | "acceptance-test"
  | "access-violation"
  | "checksum-mismatch"
  | "repeated-timeout"
  | "crash";

/** One request in L3. */
export interface AdmittedRecord {
  readonly kind: "admitted";
  readonly requestId: RequestId;
  readonly clientId: string;
  readonly key: string;
  readonly address: string;
  readonly operation: string;
  /** The version that admitted it, on which it is served to its end (REQUIREMENTS R38). */
  readonly applicationVersion: string;
  readonly inputText: string;
  readonly inputDigest: Digest;
  /** Milliseconds since 1970; `now` of every ticket of this request. */
  readonly admittedAt: number;
  readonly seed: Digest;
  /** It was held in L1, and an administrator let it out: L1 → L3. */
  readonly released?: true;
}

/** Of a request that is held in L1: until when, and what is needed to admit it once more under the same id. */
export interface Hold {
  /** Milliseconds since 1970; then it is rejected. */
  readonly until: number;
  readonly home: ObjectClusterNumber;
  readonly admittedAt: number;
  readonly seed: Digest;
  /** Highest attempt number used. */
  readonly attempts: number;
}

/** L3 → L2: the reply that left, word for word. */
export interface VerifiedRecord {
  readonly kind: "verified";
  readonly requestId: RequestId;
  readonly status: number;
  readonly bodyText: string;
  readonly at: number;
}

/** L3 → L1, or straight into L1 when a signature or rule matched. */
export interface QuarantinedRecord {
  readonly kind: "quarantined";
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly clientId: string;
  readonly key: string;
  readonly address: string;
  readonly operation: string;
  readonly applicationVersion: string;
  readonly inputText: string;
  readonly inputDigest: Digest;
  readonly reason: QuarantineReason;
  readonly check: string;
  readonly detail: string;
  readonly executionServer: string;
  /** Signature that matched, where one did. */
  readonly signature?: string;
  /** False: nobody is blamed or blocked (breaker, acceptance test that dies). */
  readonly blamed: boolean;
  readonly at: number;
  /** Held for a person: the masters have not closed its id. */
  readonly hold?: Hold;
}

/** L1, class `unqualified`: never got as far as a request id worth keeping; never blocks, never teaches. */
export interface UnqualifiedRecord {
  readonly kind: "unqualified";
  readonly clientId: string;
  readonly address: string;
  readonly operation: string;
  readonly status: number;
  readonly problem: string;
  readonly detail: string;
  /** How many more like it were refused without a record since the last one. */
  readonly omitted: number;
  readonly at: number;
}

/** Clusters of one epoch as the regulator keeps them. */
export interface DomainRecord {
  readonly epoch: Epoch;
  readonly clusters: readonly { readonly from: ObjectClusterNumber; readonly to: ObjectClusterNumber }[];
  readonly holder: ServerName;
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
  /** Where they differ from the members. */
  readonly wanted?: readonly ServerName[];
  readonly settled: boolean;
}

/** Journal records; the regulator's state is rebuilt by taking them in again in their order. */
export type RegulatorRecord =
  | AdmittedRecord
  /** Second and later attempts, before they are dispatched: attempt numbers never repeat. */
  | { readonly kind: "attempt"; readonly requestId: RequestId; readonly attempt: number }
  | VerifiedRecord
  | QuarantinedRecord
  | UnqualifiedRecord
  /** A held request is to be rejected: from here on it cannot be released. */
  | { readonly kind: "holdEnding"; readonly requestId: RequestId }
  /** The masters have closed the id of a held request. */
  | { readonly kind: "holdEnded"; readonly requestId: RequestId }
  /** L3 → nowhere: nothing was dispatched, the id had its outcome before the window. */
  | { readonly kind: "withdrawn"; readonly requestId: RequestId }
  | {
      readonly kind: "blocked";
      readonly principal?: string;
      readonly address?: string;
      readonly requestId: RequestId;
      readonly reason: string;
      readonly at: number;
    }
  | { readonly kind: "unblocked"; readonly principal?: string; readonly address?: string }
  | {
      readonly kind: "signature";
      readonly signature: string;
      readonly operation: string;
      readonly inputDigest: Digest;
      readonly requestId: RequestId;
    }
  | { readonly kind: "signatureRevoked"; readonly signature: string }
  | {
      readonly kind: "reviewed";
      readonly requestId: RequestId;
      readonly state: "released" | "confirmed";
      readonly order: string;
    }
  | ({ readonly kind: "fact" } & NumberedFact)
  | { readonly kind: "factsAcknowledged"; readonly through: number }
  | { readonly kind: "configuration"; readonly configuration: RegulatorConfigurationMessage }
  | { readonly kind: "genesisDone"; readonly applicationVersion: string }
  /** The version that admitted a withheld request was replaced: it is served by this one. */
  | { readonly kind: "passedOn"; readonly requestId: RequestId; readonly applicationVersion: string }
  /** How many requests the version of this order of the manager has admitted. */
  | { readonly kind: "trial"; readonly order: number; readonly admitted: number }
  | { readonly kind: "breaker"; readonly circuit: Circuit }
  /** Decisions up to `through` are taken in; `domains` is the placement then, `heads` each cluster's last change beyond doubt. */
  | {
      readonly kind: "placement";
      readonly through: Slot;
      readonly domains: readonly DomainRecord[];
      readonly heads: readonly (readonly [ObjectClusterNumber, Digest])[];
    };

export interface RegulatedOperation {
  /** Roles of the principal that may call it; empty: everybody with a key. */
  readonly allow: readonly string[];
  /** How long a quarantined request is held for a person, milliseconds; absent: it is rejected at once. */
  readonly holdMs?: number;
}

/** The application as the regulator sees it. */
export interface RegulatedApplication extends ApplicationPort {
  /** The operation of that name, or undefined; total for names that a client chose. */
  operationOf(name: string): RegulatedOperation | undefined;
  /** What is wrong with an input (canonical JSON text); empty when it is as the contract wants it. */
  validate(operation: string, inputText: string): readonly FieldProblem[];
  /** Names of the contract's first objects. */
  readonly genesisObjects: readonly string[];
}

export interface TrafficRegulatorDependencies {
  readonly hasher: Hasher;
  readonly random: Random;
  /** Ed25519: true when `signature` (hexadecimal) over the 32 bytes of `digest` is by `publicKey`. Never throws. */
  verifySignature(publicKey: string, digest: Digest, signature: string): boolean;
  /** 32 fresh random bytes, 64 hexadecimal digits. */
  makeKey(): string;
}

export interface TrafficRegulatorConfiguration {
  readonly self: ServerName;
  readonly masters: readonly ServerName[];
  /** The version the cluster was made with: it admits requests until the manager has chosen another. */
  readonly application: RegulatedApplication;
  /** Further versions that are at hand from the start. */
  readonly otherVersions?: readonly RegulatedApplication[];
  /** Who gets facts and traffic counters; default `configuration-manager-1`. */
  readonly managers?: readonly ServerName[];
  /** Taken until the manager sends one (or the journal holds one). */
  readonly initial?: RegulatorConfigurationMessage;
  /** How long a client waits before it gets 504, milliseconds; default 10 000. */
  readonly clientDeadlineMs?: number;
  /** Undecided requests before 503; default `LIMITS.pendingRequestsMax`. */
  readonly pendingRequestsMax?: number;
  /** Undecided requests of one client before 429; default `LIMITS.pendingRequestsPerClientMax`. */
  readonly pendingRequestsPerClientMax?: number;
  /** How long replies are remembered, milliseconds since admission; default `LIMITS.idempotencyWindowMs`. */
  readonly windowMs?: number;
  /** Requests of one client within the window before 429; default `LIMITS.requestsPerClientPerWindowMax`. */
  readonly requestsPerClientPerWindowMax?: number;
  /** When part of a domain goes to an idle server; default `OVERLOAD`. */
  readonly overload?: OverloadRules;
  /** Replies kept in memory; older ones are fetched from the replicas again. Default 50 000. */
  readonly verifiedInMemoryMax?: number;
}

export type LogName = "L1" | "L2" | "L3";

export interface TrafficRegulator extends CheckpointedCore<TrafficRegulatorInput, TrafficRegulatorEffect> {
  /** True while requests are admitted: primary, everything settled, first objects verified. */
  readonly ready: boolean;
  /** True while so few servers of the state farm are there that nothing can be decided: clients are answered 503. */
  readonly isBelowQuorum: boolean;
  /** The version of the application under which requests are admitted. */
  readonly applicationVersion: string;
  /** Epoch of this regulator's primacy; 0 while it is none. */
  readonly epoch: Epoch;
  readonly logs: { readonly L1: number; readonly L2: number; readonly L3: number };
  /** Which log holds the request, and the state of its attempt while in L3. */
  describe(requestId: RequestId): { readonly log: LogName; readonly state: string } | undefined;
  isBlocked(who: { readonly principal?: string; readonly address?: string }): boolean;
  placement(): readonly DomainRecord[];
}

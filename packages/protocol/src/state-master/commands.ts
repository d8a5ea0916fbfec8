/**
 * The commands the state masters agree on, in the words of docs/PROTOCOL.md §3.5, §4, §5 and §7. A command says what
 * its proposer saw; whether it takes effect is decided when it is applied, equally on every master (`metadata.ts`).
 */
import type {
  ChainLink,
  ChangeName,
  ChangeSummary,
  ClusterRange,
  Digest,
  Epoch,
  ObjectClusterNumber,
  ParentReference,
  RequestId,
  ServerName,
  Slot,
  VersionReference,
} from "@redoubt/shared";

/** All of a change that masters need for good: its summary without the reads and the memberships. */
export interface MasterChange {
  readonly digest: Digest;
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly replyDigest: Digest;
  readonly readOnly: boolean;
  readonly executionServer: ServerName;
  /** Admission of the request, by its ticket: what the window of exactly once is counted by. */
  readonly admittedAt: number;
  readonly home: ObjectClusterNumber;
  readonly links: readonly ChainLink[];
  readonly writes: readonly (VersionReference & { readonly parent: ParentReference })[];
}

export type OpenEpochCommand = {
  readonly kind: "openEpoch";
  readonly clusters: readonly ClusterRange[];
  /** No effect when any of the clusters has a newer epoch than this. */
  readonly epochMax: Epoch;
  readonly holder: ServerName;
  /** Whom the asker wants; who is seated is decided when the command is applied (`membership.ts`). */
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
  readonly invalid: readonly ChangeName[];
  /** For these clusters alone: part of a domain goes to a holder of its own. */
  readonly part?: boolean;
};

export type SettleCommand = {
  readonly kind: "settle";
  readonly epoch: Epoch;
  /** Slot applied when the lists were classified; no effect when something in these clusters was verified since. */
  readonly asOf: Slot;
  /** In chain order. */
  readonly survivors: readonly MasterChange[];
  readonly voided: readonly ChangeName[];
};

export type VerifyCommand = {
  readonly kind: "verify";
  /** In chain order, each with the servers whose passing verdicts were counted. */
  readonly changes: readonly { readonly change: MasterChange; readonly testers: readonly ServerName[] }[];
};

export type CloseCommand = {
  readonly kind: "close";
  readonly requestId: RequestId;
  readonly home: ObjectClusterNumber;
};

export type ClaimPrimaryCommand = {
  readonly kind: "claimPrimary";
  readonly component: "traffic-regulator" | "configuration-manager";
  readonly server: ServerName;
  readonly nonce: string;
  readonly mastersKey: string;
};

/** A state replica's journal has this name (docs/PROTOCOL.md §10). */
export type IdentifyCommand = {
  readonly kind: "identify";
  readonly server: ServerName;
  readonly identity: string;
};

/** This replica, with this journal, holds everything that was decided. */
export type AdmitCommand = {
  readonly kind: "admit";
  readonly server: ServerName;
  readonly identity: string;
};

export type MasterCommand =
  | OpenEpochCommand
  | SettleCommand
  | VerifyCommand
  | CloseCommand
  | ClaimPrimaryCommand
  | IdentifyCommand
  | AdmitCommand;

export const nameOf = (change: MasterChange): ChangeName => ({
  digest: change.digest,
  requestId: change.requestId,
  attempt: change.attempt,
});

/** `digest` must be the digest of `summary`. */
export function toMasterChange(digest: Digest, summary: ChangeSummary): MasterChange {
  const { ticket, replyDigest, links, writes } = summary;
  return {
    digest,
    requestId: ticket.requestId,
    attempt: ticket.attempt,
    replyDigest,
    readOnly: ticket.readOnly,
    executionServer: ticket.executionServer,
    admittedAt: ticket.now,
    home: ticket.home,
    links,
    writes,
  };
}

const changeBytes = (change: MasterChange): number => {
  let bytes = 256 + change.links.length * 64;
  for (const write of change.writes) bytes += 128 + write.object.length * 2;
  return bytes;
};

/** Rough encoded size in bytes; only bounds batches. */
export function commandBytes(command: MasterCommand): number {
  switch (command.kind) {
    case "verify":
      return command.changes.reduce((bytes, { change }) => bytes + changeBytes(change) + 64, 32);
    case "settle":
      return command.survivors.reduce((bytes, change) => bytes + changeBytes(change), 64 + command.voided.length * 96);
    case "openEpoch":
      return 128 + command.clusters.length * 16 + command.members.length * 24 + command.invalid.length * 96;
    case "close":
      return 64;
    case "claimPrimary":
    case "identify":
    case "admit":
      return 256;
  }
}

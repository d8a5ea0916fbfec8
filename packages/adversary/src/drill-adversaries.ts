/**
 * The behaviours by the names under which drills order them: the same functions the simulator mixes, some of them in the
 * form that shows at once. Those of execution servers, then those of replicas.
 */
import { hideReads, omitFromResult, readOutsideScope } from "./access-adversaries.ts";
import type { Adversary, SeededAdversaryFactory } from "./adversary.ts";
import {
  deepResult,
  fabricateAtOnce,
  hang,
  leakEncodedAs,
  partialAlways,
  refuseWithReasons,
  replayAtOnce,
  useHeardTickets,
  writeLate,
  wrongOnceInAHundred,
} from "./drill-forms.ts";
import {
  leakForeignSecret,
  omitOneObject,
  rightReplyWrongState,
  wrongReplyAndState,
  wrongReplyRightState,
} from "./execution-adversaries.ts";
import { floodWithFetches, floodWithoutTickets } from "./flood-adversaries.ts";
import { equivocate } from "./message-adversaries.ts";
import { dieAfterChange, duplicateReplies, quorumAndOthers, replyWithoutWrites } from "./multicast-adversaries.ts";
import {
  corruptCopies,
  noVerdicts,
  omitAccessLog,
  passEverything,
  type ReplicaAdversaryFactory,
  rejectEverything,
  wrongChecksums,
  wrongReplies,
  wrongValues,
} from "./replica-adversaries.ts";
import { impersonateOthers, malformedFrames } from "./role-adversaries.ts";
import { malformedChanges, undeclaredWrites } from "./shape-adversaries.ts";
import { frameOneClient, writeOutsideScope } from "./shell-adversaries.ts";
import { forgedRequestIds } from "./ticket-adversaries.ts";
import { overwriteOldVersions, wrongVersions } from "./version-adversaries.ts";

const EXECUTION_DRILLS: Readonly<Record<string, SeededAdversaryFactory>> = {
  A1: wrongReplyRightState,
  A2: rightReplyWrongState,
  A3: wrongReplyAndState,
  A4: equivocate,
  A5: partialAlways,
  A6: quorumAndOthers,
  A7: overwriteOldVersions,
  A8: wrongVersions,
  A9: writeOutsideScope,
  A10: readOutsideScope,
  A11: hideReads,
  A12: leakForeignSecret,
  A14: undeclaredWrites,
  A15: omitOneObject,
  A16: dieAfterChange,
  A17: replyWithoutWrites,
  A18: hang,
  A20: floodWithFetches,
  A21: floodWithoutTickets,
  A22: duplicateReplies,
  A23: fabricateAtOnce,
  A24: replayAtOnce,
  A25: writeLate("A25", "changes of an epoch that is over", 1),
  A26: useHeardTickets,
  A27: forgedRequestIds,
  A28: impersonateOthers,
  A31: frameOneClient,
  A32: wrongOnceInAHundred,
  A34: (tools) => both(malformedChanges(tools), malformedFrames(tools)),
  A35: writeLate("A35", "leases kept: it goes on after it was told to stop", 64),
  A36: deepResult,
  A37: refuseWithReasons,
  A38: omitFromResult,
};

const both = (one: Adversary, other: Adversary): Adversary => ({
  ...one,
  bendMessage: (to, message) =>
    (one.bendMessage?.(to, message) ?? [message]).flatMap((each) => other.bendMessage?.(to, each) ?? [each]),
});

/** Undefined for a name that is none of an execution server's. `variant`: which of several forms, where it has such. */
export function executionDrill(name: string, variant?: string): SeededAdversaryFactory | undefined {
  if (name === "A13") return leakEncodedAs(variant ?? "");
  return Object.hasOwn(EXECUTION_DRILLS, name) ? EXECUTION_DRILLS[name] : undefined;
}

const REPLICA_DRILLS: Readonly<Record<string, readonly ReplicaAdversaryFactory[]>> = {
  B1: [passEverything],
  B2: [rejectEverything],
  B3: [noVerdicts],
  B4: [wrongChecksums],
  B5: [omitAccessLog],
  B6: [wrongValues, corruptCopies],
  B7: [wrongReplies],
};

/** The behaviours of a replica under that name; none for a name that is none of a replica's. */
export const replicaDrill = (name: string): readonly ReplicaAdversaryFactory[] =>
  Object.hasOwn(REPLICA_DRILLS, name) ? (REPLICA_DRILLS[name] ?? []) : [];

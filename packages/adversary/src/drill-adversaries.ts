/**
 * The behaviours by the names under which drills order them: the same functions the simulator mixes, some of them in the
 * form that shows at once. Execution servers here; {@link REPLICA_DRILLS} has those of replicas.
 */
import type { ServerName } from "@redoubt/shared";
import { hideReads, omitFromResult, readOutsideScope, writeWhatIsOnlyRead } from "./access-adversaries.ts";
import type { SeededAdversaryFactory } from "./adversary.ts";
import { hang, partialAlways, refuseWithReasons, writeLate, wrongOnceInAHundred } from "./drill-forms.ts";
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
import { impersonateOthers, malformedFrames } from "./role-adversaries.ts";
import { frameOneClient, writeOutsideScope } from "./shell-adversaries.ts";
import { fabricatedReplies, forgedRequestIds, replayOldTickets } from "./ticket-adversaries.ts";
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
  A14: writeWhatIsOnlyRead,
  A15: omitOneObject,
  A16: dieAfterChange,
  A17: replyWithoutWrites,
  A18: hang,
  A20: floodWithFetches,
  A21: floodWithoutTickets,
  A22: duplicateReplies,
  A23: fabricatedReplies,
  A24: replayOldTickets,
  A25: writeLate("A25", "changes of an epoch that is over", 1),
  A27: forgedRequestIds,
  A28: impersonateOthers,
  A31: frameOneClient,
  A32: wrongOnceInAHundred,
  A34: malformedFrames,
  A35: writeLate("A35", "leases kept: it goes on after it was told to stop", 64),
  A37: refuseWithReasons,
  A38: omitFromResult,
};

/** Undefined for a name that is none of an execution server's. */
export const executionDrill = (
  name: string,
  _self: ServerName,
  _variant?: string,
): SeededAdversaryFactory | undefined => (Object.hasOwn(EXECUTION_DRILLS, name) ? EXECUTION_DRILLS[name] : undefined);

/** What the simulator chooses from: every behaviour of REQUIREMENTS §C that it can show, by its id. */
import type { ServerName } from "@redoubt/shared";
import type { SeededAdversaryFactory } from "./adversary.ts";
import {
  omitOneObject,
  rightReplyWrongState,
  wrongReplyAndState,
  wrongReplyRightState,
} from "./execution-adversaries.ts";
import { neverDrain, writeAfterEpoch } from "./lease-adversaries.ts";
import {
  dieAfterChange,
  duplicateReplies,
  equivocateAtWill,
  partialAtWill,
  quorumAndOthers,
  replyWithoutWrites,
} from "./multicast-adversaries.ts";
import { floodWithoutTicket, floodWithTicket, hangAndDribble, impersonate } from "./overload-adversaries.ts";
import { leakEncoded, leakNowAndThen, readOutsideScope, undeclaredReads } from "./reading-adversaries.ts";
import { malformedChanges, omitFromReply, undeclaredWrites } from "./shape-adversaries.ts";
import { frameOneClient, refuseEverything, writeOutsideScope, wrongNowAndThen } from "./shell-adversaries.ts";
import { fabricatedReplies, foreignTickets, forgedRequestIds, replayOldTickets } from "./ticket-adversaries.ts";
import { overwriteOldVersions, wrongVersions } from "./version-adversaries.ts";

/** What a captured worker computes wrongly: in shadow runs too. */
export const WORKER_ADVERSARIES: readonly SeededAdversaryFactory[] = [
  wrongReplyRightState,
  rightReplyWrongState,
  wrongReplyAndState,
  omitOneObject,
  wrongNowAndThen,
  refuseEverything,
  leakNowAndThen,
  leakEncoded,
  omitFromReply,
];

/** What a captured shell of that name does with right results; its shadow runs are honest. */
export const shellAdversaries = (self: ServerName): readonly SeededAdversaryFactory[] => [
  equivocateAtWill,
  partialAtWill,
  quorumAndOthers,
  overwriteOldVersions,
  wrongVersions,
  writeOutsideScope,
  dieAfterChange,
  replyWithoutWrites,
  duplicateReplies,
  fabricatedReplies,
  replayOldTickets,
  writeAfterEpoch,
  foreignTickets(self),
  forgedRequestIds,
  frameOneClient,
  neverDrain,
  readOutsideScope,
  undeclaredReads,
  undeclaredWrites,
  hangAndDribble,
  floodWithTicket,
  floodWithoutTicket,
  impersonate,
  malformedChanges,
];

/** Behaviours of the execution server of that name. */
export const executionAdversaries = (self: ServerName): readonly SeededAdversaryFactory[] => [
  ...WORKER_ADVERSARIES,
  ...shellAdversaries(self),
];

/** Those after which members hold different things. */
export const SPLITTING_ADVERSARIES: readonly SeededAdversaryFactory[] = [
  equivocateAtWill,
  partialAtWill,
  quorumAndOthers,
];

/** Those that work without a ticket of their own. */
export const forgingAdversaries = (self: ServerName): readonly SeededAdversaryFactory[] => [
  fabricatedReplies,
  replayOldTickets,
  foreignTickets(self),
  forgedRequestIds,
];

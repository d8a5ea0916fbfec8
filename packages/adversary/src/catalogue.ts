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
import { frameOneClient, refuseEverything, writeOutsideScope, wrongNowAndThen } from "./shell-adversaries.ts";
import { fabricatedReplies, foreignTickets, forgedRequestIds, replayOldTickets } from "./ticket-adversaries.ts";
import { overwriteOldVersions, wrongVersions } from "./version-adversaries.ts";

/** Behaviours of the execution server of that name. */
export const executionAdversaries = (self: ServerName): readonly SeededAdversaryFactory[] => [
  wrongReplyRightState,
  rightReplyWrongState,
  wrongReplyAndState,
  equivocateAtWill,
  partialAtWill,
  quorumAndOthers,
  overwriteOldVersions,
  wrongVersions,
  writeOutsideScope,
  omitOneObject,
  dieAfterChange,
  replyWithoutWrites,
  duplicateReplies,
  fabricatedReplies,
  replayOldTickets,
  writeAfterEpoch,
  foreignTickets(self),
  forgedRequestIds,
  frameOneClient,
  wrongNowAndThen,
  neverDrain,
  refuseEverything,
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

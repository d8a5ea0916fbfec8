/**
 * All edges together: the message catalogue, and the table of who may send what (DESIGN §10). A message outside the table
 * closes the link and is reported.
 */
import type { Component } from "../components.ts";
import type { ToAcceptanceTestServer } from "./acceptance-test-server.ts";
import type { ToConfigurationManager } from "./configuration-manager.ts";
import type { ToExecutionServer } from "./execution-server.ts";
import type { ToStateMaster } from "./state-master.ts";
import type { ToStateReplica } from "./state-replica.ts";
import type { ToTrafficRegulator } from "./traffic-regulator.ts";

export interface MessagesTo {
  readonly "traffic-regulator": ToTrafficRegulator;
  readonly "execution-server": ToExecutionServer;
  readonly "acceptance-test-server": ToAcceptanceTestServer;
  readonly "state-replica": ToStateReplica;
  readonly "state-master": ToStateMaster;
  readonly "configuration-manager": ToConfigurationManager;
}

export type AnyMessage = MessagesTo[keyof MessagesTo];

/** Which component may send which message kind to which component. Control messages (`control.ts`) have their own rows. */
export const MAY_SEND: Readonly<Record<string, Readonly<Partial<Record<Component, readonly string[]>>>>> = {
  "execution-server": {
    "traffic-regulator": ["dispatch", "shadowRun"],
    "state-replica": ["fetched", "acknowledged", "refused", "resend"],
  },
  "state-replica": {
    "execution-server": ["fetch", "change", "evidence", "shadowResult"],
    "traffic-regulator": ["ticketKey", "answerAgain", "redesignate"],
    "state-master": ["stream", "promise", "fence", "reported", "checksumsDiffer", "damageNoted"],
    "state-replica": ["fetchChanges", "changes"],
    "acceptance-test-server": ["fetchRecord"],
    "configuration-manager": ["describeObject"],
  },
  "traffic-regulator": {
    "state-replica": ["answer", "askTicketKey", "askTester", "refusalReport", "evidenceReport", "shadowVerdict"],
    "execution-server": ["executionFailed"],
    "acceptance-test-server": ["acceptance", "shadowVerdict"],
    "state-master": ["stream", "outcomes", "memberMisbehaved"],
    "configuration-manager": [
      "regulatorConfiguration",
      "serverGone",
      "quarantineOrder",
      "readLog",
      "factsAcknowledged",
    ],
  },
  "acceptance-test-server": {
    "state-replica": ["memberAnswer", "record"],
    "execution-server": ["shadowResult"],
    "state-master": ["stream"],
  },
  "state-master": {
    "state-master": ["paxos", "fetchRows", "rows"],
    "state-replica": ["report", "promised", "fenced", "follow", "gap", "checksums", "damage"],
    "acceptance-test-server": ["report", "follow"],
    "traffic-regulator": ["requestEpoch", "close", "outcomeOf", "claimPrimary", "follow"],
    "configuration-manager": ["claimPrimary", "follow", "metadataQuery", "changeMasters"],
  },
  "configuration-manager": {
    "traffic-regulator": ["regulatorFacts", "logPage", "traffic", "applicationStatus"],
    "state-replica": ["objectDescription"],
    "state-master": ["metadata", "stream", "storageEvents"],
  },
};

/**
 * What a fact of the traffic regulator means for people: events of the feed, incidents opened or closed. Pure; rows of the
 * database and orders to node agents are made from the same fact by the manager's process.
 *
 * Text in a fact may come from a client: it is bounded here, and never anything but text.
 */
import {
  type FeedFact,
  type FeedSeverity,
  type QuarantineReason,
  quarantineReasons,
  type RegulatorFact,
  type ServerName,
} from "@redoubt/shared";

export interface IncidentFact {
  readonly key: string;
  readonly kind: string;
  readonly title: string;
  readonly severity: FeedSeverity;
  readonly subject: string;
  readonly text: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

export interface FactOutcome {
  readonly events: readonly FeedFact[];
  readonly report?: IncidentFact;
  /** Incidents to close, by key, with the line that ends their timeline. */
  readonly close?: { readonly key: string; readonly text: string };
  /** Closes the incident of the server that was discarded over this request, wherever one is open. */
  readonly exonerates?: { readonly requestId: string; readonly text: string };
}

export interface FactSurroundings {
  readonly nodeOf: (server: ServerName) => string;
  /** Title of a request for people, confidential parts left out. */
  readonly titleOf: (operation: string, payload: string) => string;
}

const NAME_MAX = 200;
const SENTENCE_MAX = 2_000;

export const nameText = (text: string | undefined): string =>
  text === undefined || text.trim() === "" ? "unknown" : text.slice(0, NAME_MAX);
export const sentenceText = (text: string): string => text.slice(0, SENTENCE_MAX);

/** Words of the catalogue; a reason that is not in it is an acceptance test's. */
export const quarantineReasonOf = (text: string): QuarantineReason =>
  (quarantineReasons as readonly string[]).includes(text) ? (text as QuarantineReason) : "acceptance-test";

export const discardKey = (server: ServerName, incarnation: string): string =>
  `server-discarded:${server}:${incarnation}`;

const DETECTORS: Readonly<Record<Extract<RegulatorFact, { kind: "discardServer" }>["detector"], string>> = {
  "acceptance-test": "an acceptance test failed",
  "checksum-vote": "the replicas' checksums differ",
  deadline: "a deadline passed",
  crash: "a worker crashed",
  refusal: "state replicas refused what it sent",
  "reply-audit": "the reply is not the one the replicas vouch for",
};

export function outcomeOfFact(fact: RegulatorFact, surroundings: FactSurroundings): FactOutcome {
  switch (fact.kind) {
    case "quarantined":
      return quarantined(fact, surroundings);
    case "discardServer":
      return discarded(fact, surroundings);
    case "serverConvicted":
      return convicted(fact, surroundings);
    case "misbehaviour":
      return { events: [misbehaved(fact, surroundings)] };
    case "hostBlocked":
      return { events: [blockEvent("host.blocked", fact)] };
    case "blockWithheld": {
      const host = nameText(fact.address);
      const cause = "the address is exempt: a node, a trusted proxy, this machine, or the console's own";
      return {
        events: [{ kind: "block.withheld", severity: "notice", host, client: null, requestId: fact.requestId, cause }],
      };
    }
    case "hostUnblocked": {
      const host = nameText(fact.address ?? fact.principal);
      return {
        events: [
          { kind: "host.unblocked", severity: "notice", host, client: fact.principal ?? null, by: "administrator" },
        ],
      };
    }
    case "signatureLearned":
      return {
        events: [
          {
            kind: "signature.learned",
            severity: "notice",
            signatureId: nameText(fact.signature),
            operation: nameText(fact.operation),
            requestId: fact.requestId,
            summary: `The same input to ${nameText(fact.operation)} is refused from now on, whoever sends it.`,
          },
        ],
      };
    case "breakerTripped":
      return breakerTripped(fact);
    case "breakerClosed":
      return breakerClosed(fact);
    case "epochOpened":
      return {
        events: [
          {
            kind: "epoch.opened",
            severity: "info",
            objectClusters: fact.objectClusters,
            slot: fact.epoch,
            holder: nameText(fact.holder),
            cause: sentenceText(fact.reason),
          },
        ],
      };
    case "attributed":
    case "requestExonerated":
    case "quarantineChanged":
      return { events: [] };
  }
}

function quarantined(
  fact: Extract<RegulatorFact, { kind: "quarantined" }>,
  { titleOf }: FactSurroundings,
): FactOutcome {
  const reason = quarantineReasonOf(fact.reason);
  const event: FeedFact = {
    kind: "quarantine.added",
    severity: "warning",
    requestId: fact.requestId,
    operation: nameText(fact.operation),
    title: sentenceText(titleOf(fact.operation, fact.payload)),
    client: nameText(fact.clientId),
    host: nameText(fact.host),
    reason,
    check: nameText(fact.check),
  };
  const text = `the request failed again by itself (${reason}): the request was at fault, the server is exonerated`;
  return { events: [event], exonerates: { requestId: fact.requestId, text } };
}

function discarded(fact: Extract<RegulatorFact, { kind: "discardServer" }>, { nodeOf }: FactSurroundings): FactOutcome {
  const { server, incarnation, requestId, detector, check, detail } = fact;
  const what = DETECTORS[detector];
  const cause = sentenceText(`${what} (${check}): ${detail}`);
  const event: FeedFact = {
    kind: "server.discarded",
    severity: "warning",
    server: nameText(server),
    component: "execution-server",
    node: nameText(nodeOf(server)),
    requestId,
    verdict: "suspected",
    cause,
  };
  const report: IncidentFact = {
    key: discardKey(server, incarnation),
    kind: "server-discarded",
    title: `${server} was discarded: ${what}`,
    severity: "warning",
    subject: server,
    text: `${cause}; its certificate is revoked and its process ended`,
    evidence: { requestId, detector, check, detail: sentenceText(detail), incarnation },
  };
  return { events: [event], report };
}

function convicted(
  fact: Extract<RegulatorFact, { kind: "serverConvicted" }>,
  { nodeOf }: FactSurroundings,
): FactOutcome {
  const { server, incarnation, requestId, evidence } = fact;
  const event: FeedFact = {
    kind: "server.discarded",
    severity: "critical",
    server: nameText(server),
    component: "execution-server",
    node: nameText(nodeOf(server)),
    requestId,
    verdict: "convicted",
    cause: sentenceText(evidence),
  };
  const text = sentenceText(`convicted: ${evidence}; the process is gone and another one bears the name`);
  return { events: [event], close: { key: discardKey(server, incarnation), text } };
}

/** Evidence for people; whoever is discarded for it gets an event and an incident of its own. */
function misbehaved(fact: Extract<RegulatorFact, { kind: "misbehaviour" }>, { nodeOf }: FactSurroundings): FeedFact {
  const { server, component, act, requestId, ticketDigest, changeDigests, reporters, confirmed, count, detail } = fact;
  return {
    kind: "server.misbehaved",
    severity: confirmed ? "warning" : "notice",
    server: nameText(server),
    component,
    node: nameText(nodeOf(server)),
    act,
    requestId,
    ticketDigest,
    changeDigests: changeDigests.slice(0, 8),
    reporters: reporters.slice(0, 64).map(nameText),
    confirmed,
    count,
    cause: sentenceText(detail),
  };
}

type BreakerFact = Pick<
  Extract<RegulatorFact, { kind: "breakerTripped" }>,
  "applicationVersion" | "operation" | "check"
>;

const breakerKey = ({ applicationVersion, operation, check }: BreakerFact): string =>
  `acceptance-test-suspect:${applicationVersion.slice(0, HASH_SHOWN)}:${nameText(operation)}:${nameText(check)}`;

const HASH_SHOWN = 12;

/** The incident says the one step that ends it: people who read it may have been asleep a minute ago. */
function breakerTripped(fact: Extract<RegulatorFact, { kind: "breakerTripped" }>): FactOutcome {
  const { applicationVersion, previousVersion, retracted } = fact;
  const operation = nameText(fact.operation);
  const check = nameText(fact.check);
  const wayBack =
    previousVersion === undefined
      ? "this version replaced no other: deploy one whose acceptance test is right"
      : `one step ends it: redoubt app rollback (to version ${previousVersion.slice(0, HASH_SHOWN)}), or the button of the console`;
  const takenBack = retracted === 0 ? "" : `; ${retracted} requests that it had condemned are taken back`;
  const cause = sentenceText(
    `requests of several clients failed ${check} of ${operation}, each alone as well: they are withheld, and nobody is blamed${takenBack}`,
  );
  const report: IncidentFact = {
    key: breakerKey(fact),
    kind: "acceptance-test-suspect",
    title: `Acceptance test suspect: ${check} of ${operation}`,
    severity: "critical",
    subject: operation,
    text: `${cause}; ${wayBack}`,
    evidence: { operation, check, applicationVersion, previousVersion: previousVersion ?? null, retracted },
  };
  const event: FeedFact = {
    kind: "breaker.changed",
    severity: "critical",
    applicationVersion,
    operation,
    check,
    state: "open",
    cause,
  };
  return { events: [event], report };
}

function breakerClosed(fact: Extract<RegulatorFact, { kind: "breakerClosed" }>): FactOutcome {
  const { applicationVersion } = fact;
  const event: FeedFact = {
    kind: "breaker.changed",
    severity: "notice",
    applicationVersion,
    operation: nameText(fact.operation),
    check: nameText(fact.check),
    state: "closed",
    cause: sentenceText(fact.cause),
  };
  return { events: [event], close: { key: breakerKey(fact), text: sentenceText(`closed: ${fact.cause}`) } };
}

function blockEvent(kind: "host.blocked", fact: Extract<RegulatorFact, { kind: "hostBlocked" }>): FeedFact {
  return {
    kind,
    severity: "warning",
    host: nameText(fact.address ?? fact.principal),
    client: fact.principal === undefined ? null : nameText(fact.principal),
    requestId: fact.requestId,
    until: null,
  };
}

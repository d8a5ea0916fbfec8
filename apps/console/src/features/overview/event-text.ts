/** Each event of the feed as one sentence for people, with a link to where it matters. Total over the catalogue. */
import {
  checkTitle,
  type FeedEvent,
  type FeedEventKind,
  type FeedEventOf,
  type FeedSeverity,
  type QuarantineState,
} from "@redoubt/shared";
import { formatDuration, plural } from "../../text/format.ts";
import { inert } from "../../text/inert.ts";
import type { Tone } from "../../ui/tone.ts";
import { checkWords } from "../quarantine/words.ts";

const decisions: Record<QuarantineState, string> = {
  new: "put back to new by",
  claimed: "claimed by",
  "waiting-second": "waits for a second person after",
  released: "released by",
  confirmed: "confirmed by",
  expired: "expired, noted by",
};

const applicationActions = {
  deployed: "of the application deployed by",
  "rolled-back": "of the application restored by",
  "trial-passed": "of the application has passed its trial, noted by",
} as const;

type Sentences = { [Kind in FeedEventKind]: (event: FeedEventOf<Kind>) => string };

const sentences: Sentences = {
  "node.state": ({ node, to, from, cause }) => `${node} is ${to} (was ${from}): ${cause}`,
  "server.state": ({ server, to, cause }) => `${server} is ${to}: ${cause}`,
  "server.discarded": ({ server, verdict, cause }) => `${server} discarded, ${verdict}: ${cause}`,
  "server.misbehaved": ({ server, act, reporters, count, cause }) =>
    `${server}: ${act.replaceAll("-", " ")}${count > 1 ? `, ${count} times` : ""}, refused (${reporters.join(", ")}): ${cause}`,
  "worker.attempt": ({ server, act, target, operation, count, witness }) =>
    `${server}: code of ${operation ?? "the application"} tried ${act.replaceAll("-", " ")} (${target})${count > 1 ? `, ${count} times` : ""}, seen by the ${witness}; it got nothing`,
  "storage.damage": ({ server, state, record, object, version }) =>
    `${server}: corruption ${state} on its disk, record ${record}${object === null ? "" : ` (${object}, version ${version})`}`,
  "degree.changed": ({ component, previous, wanted, decidedBy }) =>
    `Degree of ${component} set from ${previous} to ${wanted} by ${decidedBy}`,
  "degree.progress": ({ component, live, wanted, detail }) => `${component}: ${live} of ${wanted} live. ${detail}`,
  "quarantine.added": ({ title, client, host, reason, check }) =>
    `Quarantined "${title}" of ${client} from ${host}: ${checkWords({ reason, check })}`,
  "quarantine.changed": ({ requestId, to, by }) => `Request ${requestId.slice(0, 10)}… ${decisions[to]} ${by}`,
  "host.blocked": ({ host, client }) => `Blocked ${host}${client === null ? "" : ` and client ${client}`}`,
  "host.unblocked": ({ host, by }) => `Unblocked ${host} by ${by}`,
  "block.withheld": ({ host, cause }) => `Block of ${host} withheld: ${cause}`,
  "incident.opened": ({ title }) => `Incident opened: ${title}`,
  "incident.closed": ({ title, durationMs }) => `Incident closed after ${formatDuration(durationMs)}: ${title}`,
  "epoch.opened": ({ objectClusters, holder, cause }) =>
    `New epoch for ${plural(objectClusters, "object cluster")}, held by ${holder}: ${cause}`,
  "request.rejected": ({ host, status, cause }) => `Rejected a request from ${host} with ${status}: ${cause}`,
  "signature.learned": ({ operation, summary }) => `Signature learned for ${operation}: ${summary}`,
  "application.changed": ({ version, action, by, cause }) =>
    `Version ${version} ${applicationActions[action]} ${by}: ${cause}`,
  "breaker.changed": ({ operation, check, state, cause }) =>
    state === "open"
      ? `Acceptance test suspect: “${checkTitle(check)}” of ${operation}. ${cause}`
      : `Breaker closed for “${checkTitle(check)}” of ${operation}: ${cause}`,
  "alert.delivery": ({ channel, state, detail }) => `Alert by ${channel} ${state}: ${detail}`,
  "audit.appended": ({ actor, action, subject }) => `${actor}: ${action} ${subject}`,
};

export function sentenceOf(event: FeedEvent): string {
  const write = sentences[event.kind] as (each: FeedEvent) => string;
  return inert(write(event));
}

export const severityTones: Record<FeedSeverity, Tone> = {
  info: "idle",
  notice: "accent",
  warning: "warn",
  critical: "bad",
};

/** Page that shows more; null when there is none. */
export function linkOf(event: FeedEvent): string | null {
  if (event.kind === "quarantine.added" || event.kind === "quarantine.changed") return `/quarantine/${event.requestId}`;
  if (event.kind === "server.discarded" && event.requestId !== null) return `/requests/${event.requestId}`;
  if (event.kind === "server.misbehaved" && event.requestId !== null) return `/requests/${event.requestId}`;
  if (event.kind === "degree.changed" || event.kind === "degree.progress") return "/degrees";
  if (event.kind === "incident.opened" || event.kind === "incident.closed") return "/incidents";
  if (event.kind === "node.state" || event.kind === "server.state") return "/nodes";
  if (event.kind === "epoch.opened") return "/masters";
  if (event.kind === "application.changed" || event.kind === "breaker.changed") return "/applications";
  if (event.kind === "alert.delivery") return "/alerts";
  if (event.kind === "audit.appended") return "/audit";
  return null;
}

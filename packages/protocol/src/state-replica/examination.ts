/**
 * First half of PROTOCOL §3.3: what can be judged from a record, its sender and this regulator epoch's key alone, once
 * per copy received. The ticket must be right for this member, the sender must be the server it names, the input must
 * be the ticket's, and every object must lie inside the operation's access templates, which the member evaluates
 * itself. What depends on the member's state is in `admission.ts`.
 */
import type { ChangeRecord, ChangeSummary, Digest, Epoch, MisbehaviourAct, ServerName, Ticket } from "@redoubt/shared";
import type { ApplicationPort } from "../application-port.ts";
import type { Applications } from "../applications.ts";
import type { Hasher } from "../core.ts";
import { digestChange, digestTicket, memberEntry, summarize } from "../digests.ts";
import { findRecordFlaw, findTicketFlaw, hasRightInput } from "../well-formed.ts";

/** Stable reasons of `refused` and `refusalReport` (see RefusedMessage). */
export type RefusalReason =
  | "obsolete-request"
  | "ticket"
  | "sender"
  | "stale-epoch"
  | "lease"
  | "scope"
  | "order"
  | "not-newest"
  | "fenced"
  | "overloaded"
  | "malformed";

export interface Refusal {
  readonly kind: "refuse";
  readonly reason: RefusalReason;
  readonly detail: string;
  /** What its sender did, where no race explains it: goes to the regulator as evidence. */
  readonly act?: MisbehaviourAct;
}

export const refuse = (reason: RefusalReason, detail: string, act?: MisbehaviourAct): Refusal => ({
  kind: "refuse",
  reason,
  detail,
  ...(act ? { act } : {}),
});

/** A record that passed the examination, with what was computed for it. */
export interface ExaminedChange {
  readonly kind: "examined";
  readonly from: ServerName;
  readonly record: ChangeRecord;
  readonly summary: ChangeSummary;
  readonly digest: Digest;
  readonly ticketDigest: Digest;
}

/** The key of that regulator epoch is not known (yet). */
export interface KeyMissing {
  readonly kind: "keyMissing";
  readonly regulatorEpoch: Epoch;
}

/** The version that admitted the request is not here (yet): what it may touch cannot be judged (R38). */
export interface VersionMissing {
  readonly kind: "versionMissing";
  readonly version: string;
}

export interface Examiner {
  readonly hasher: Hasher;
  readonly applications: Applications;
  readonly self: ServerName;
  /** This member's key of a regulator epoch, hexadecimal. */
  keyOf(regulatorEpoch: Epoch): string | undefined;
}

/** Ticket and sender only: also for `fetch` and `shadowResult`. */
export function examineTicket(
  examiner: Examiner,
  from: ServerName,
  ticket: Ticket,
): Refusal | KeyMissing | { readonly kind: "examined"; readonly ticketDigest: Digest } {
  const flaw = findTicketFlaw(ticket);
  if (flaw) return refuse("malformed", flaw, "malformed");
  const { body } = ticket;
  if (body.executionServer !== from)
    return refuse("sender", `the ticket is for ${body.executionServer}`, "foreign-ticket");
  const key = examiner.keyOf(body.regulatorEpoch);
  if (key === undefined) return { kind: "keyMissing", regulatorEpoch: body.regulatorEpoch };
  const entry = Object.hasOwn(ticket.entries, examiner.self) ? ticket.entries[examiner.self] : undefined;
  const ticketDigest = digestTicket(examiner.hasher, body);
  const expected = memberEntry(examiner.hasher, key, ticketDigest, ticket.mastersEntry);
  return entry === expected
    ? { kind: "examined", ticketDigest }
    : refuse("ticket", "the entry for this member is wrong", "forged-ticket");
}

export function examineChange(
  examiner: Examiner,
  from: ServerName,
  record: ChangeRecord,
): Refusal | KeyMissing | VersionMissing | ExaminedChange {
  const flaw = findRecordFlaw(record);
  if (flaw) return refuse("malformed", flaw, "malformed");
  const ticket = examineTicket(examiner, from, record.ticket);
  if (ticket.kind !== "examined") return ticket;
  if (!hasRightInput(examiner.hasher, record)) return refuse("malformed", "the input is not the ticket's", "malformed");
  const version = record.ticket.body.applicationVersion;
  const application = examiner.applications.of(version);
  if (!application) return { kind: "versionMissing", version };
  const outside = findOutsideScope(application, examiner.applications, record);
  if (outside) return outside;
  const summary = summarize(examiner.hasher, record);
  return {
    kind: "examined",
    from,
    record,
    summary,
    digest: digestChange(examiner.hasher, summary, ticket.ticketDigest),
    ticketDigest: ticket.ticketDigest,
  };
}

/** What the record touches outside its operation's access templates or its ticket's object clusters, or undefined. */
function findOutsideScope(
  application: ApplicationPort,
  applications: Applications,
  record: ChangeRecord,
): Refusal | undefined {
  const { body } = record.ticket;
  const access = application.evaluateAccess(body.operation, record.input);
  if (!access.ok) return refuse("scope", access.error, "malformed");
  const read = (detail: string) => refuse("scope", detail, "read-outside-scope");
  const written = (detail: string) => refuse("scope", detail, "write-outside-scope");
  const modes = new Map(access.value.map(({ object, mode }) => [object, mode]));
  const epochs = new Map(body.clusters.map(({ cluster, epoch }) => [cluster, epoch]));
  const epochOf = (object: string): Epoch | undefined => {
    const cluster = applications.clusterOf(object);
    return cluster === undefined ? undefined : epochs.get(cluster);
  };
  for (const { object } of record.reads) {
    if (!modes.has(object)) return read(`read of ${object}`);
    if (epochOf(object) === undefined) return read(`${object} is in no object cluster of the ticket`);
  }
  for (const write of record.writes) {
    const mode = modes.get(write.object);
    if (mode === undefined || mode === "read") return written(`write of ${write.object}`);
    if (mode === "create" && write.parent.number !== 0) return written(`${write.object} may be created, not replaced`);
    const epoch = epochOf(write.object);
    if (epoch === undefined) return written(`${write.object} is in no object cluster of the ticket`);
    if (write.epoch !== epoch) return written(`${write.object} is written in another epoch than the ticket's`);
  }
  return undefined;
}

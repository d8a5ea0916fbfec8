/**
 * Taking in execution servers' changes: examine, judge, then accept, hold or refuse, and judge again what waited for the
 * outcome. Also what wakes held changes from elsewhere (a key, an installed epoch, decisions).
 */
import type { AnswerMessage, ChangeRecord, ObjectClusterNumber, RequestId, ServerName } from "@redoubt/shared";
import { LIMITS } from "@redoubt/shared";
import type { RecordNumber } from "../core.ts";
import { digestChange, digestTicket, summarize } from "../digests.ts";
import { findRecordFlaw } from "../well-formed.ts";
import { type Admission, type AdmissionView, admit, type HoldReason } from "./admission.ts";
import { answerAccepted, sendAnswer, withEntry } from "./answers.ts";
import { newEntry } from "./change-entry.ts";
import { journal, type Replica, type Turn } from "./context.ts";
import { type ExaminedChange, examineChange } from "./examination.ts";
import { type HeldChange, HOLD_MS, holdKeyOf } from "./held-changes.ts";
import type { Needs } from "./object-store.ts";
import { type RefusedDigests, sendRefusal } from "./refusals.ts";

export const viewOf = (replica: Replica): AdmissionView => {
  const { store, confirmations } = replica;
  return {
    self: replica.configuration.self,
    cluster: (cluster) => store.clusters.get(cluster),
    keepsObject: (object) => store.keepsObject(object),
    missingRecords: ({ record }) => {
      const needs: Needs = new Set();
      const { requestId } = record.ticket.body;
      if (!store.byRequest(requestId, needs)) store.isFenced(requestId, needs);
      return [...needs];
    },
    newestReference: (object) => store.objects.newestReference(object),
    knownChange: (requestId, attempt) => {
      const confirmed = confirmations.byRequest(requestId);
      const known = store.byRequest(requestId, new Set());
      return known ?? (confirmed?.record.ticket.body.attempt === attempt ? confirmed : undefined);
    },
    isFenced: (requestId) => store.isFenced(requestId, new Set()),
    isInChain: (digest) => store.isInChain(digest),
    wasRefused: (digest) => replica.refused.has(digest),
    hasRoom: () => store.hasRoom(LIMITS.unlabelledChangesMax),
  };
};

type Waiting = Pick<HeldChange, "from" | "record" | "examined" | "records">;

/** A `change` from an execution server. */
export const receiveChange = (replica: Replica, turn: Turn, from: ServerName, record: ChangeRecord): void =>
  judgeAll(replica, turn, [{ from, record, examined: undefined }]);

/** Judges again what waited for this. */
export const wake = (replica: Replica, turn: Turn, keys: readonly string[]): void =>
  judgeAll(replica, turn, takeAll(replica, keys));

const takeAll = (replica: Replica, keys: readonly string[]): Waiting[] => keys.flatMap((key) => replica.held.take(key));

function judgeAll(replica: Replica, turn: Turn, changes: readonly Waiting[]): void {
  const view = viewOf(replica);
  const work = [...changes].reverse();
  for (let next = work.pop(); next; next = work.pop()) {
    const { from, record } = next;
    const examined = next.examined ?? examineChange(replica.examiner, from, record);
    if (examined.kind === "refuse") {
      sendRefusal(replica, turn, from, record.ticket.body, examined, () => digestsOf(replica, record));
    } else if (examined.kind !== "examined") {
      const key = holdKeyOf(
        examined.kind === "keyMissing"
          ? { kind: "key", regulatorEpoch: examined.regulatorEpoch }
          : { kind: "version", version: examined.version },
      );
      replica.budgets.giveBack(from, turn);
      replica.held.add({ from, record, examined: undefined, key, until: turn.now + HOLD_MS });
    } else {
      replica.budgets.grant(from, record.ticket.body, turn);
      work.push(...judge(replica, turn, view, examined, next.records).reverse());
    }
  }
}

/** Returns the changes that are to be judged now because of this one. */
function judge(
  replica: Replica,
  turn: Turn,
  view: AdmissionView,
  change: ExaminedChange,
  records: readonly RecordNumber[] = [],
): Waiting[] {
  const admission = admit(view, change);
  switch (admission.kind) {
    case "accept":
      accept(replica, turn, change);
      return takeAll(replica, passBy(replica, change.record));
    case "repeated":
      repeat(replica, turn, change);
      return [];
    case "hold":
      if (admission.until.kind === "records") holdForRecords(replica, turn, change, admission.until, records);
      else hold(replica, turn, change, admission.until);
      return [];
    case "refuse": {
      const { reason } = admission;
      const { body } = change.record.ticket;
      refuseExamined(replica, turn, view, change, admission);
      if (reason === "obsolete-request") hintAtKnown(replica, turn, body.requestId, body.attempt);
      if (!admission.inTurn) return [];
      replica.refused.add(change.digest);
      return takeAll(replica, passBy(replica, change.record));
    }
  }
}

/** Digests of a record that failed the examination, where its shape lets it be hashed. */
function digestsOf({ hasher }: Replica, record: ChangeRecord): RefusedDigests {
  if (findRecordFlaw(record)) return {};
  const ticketDigest = digestTicket(hasher, record.ticket.body);
  return { ticketDigest, changeDigest: digestChange(hasher, summarize(hasher, record), ticketDigest) };
}

/** A second change for a ticket of which one is known here is equivocation, whatever else is wrong with it. */
function refuseExamined(
  replica: Replica,
  turn: Turn,
  view: AdmissionView,
  change: ExaminedChange,
  refusal: Extract<Admission, { kind: "refuse" }>,
): void {
  const { from, record, digest, ticketDigest } = change;
  const { body } = record.ticket;
  const known = view.knownChange(body.requestId, body.attempt);
  const entry =
    known && (replica.store.byRequest(body.requestId, new Set()) ?? replica.confirmations.get(known.digest));
  const isRival = entry !== undefined && digestTicket(replica.hasher, entry.record.ticket.body) === ticketDigest;
  const act = isRival
    ? "equivocation"
    : (refusal.act ?? (refusal.reason === "obsolete-request" ? "replayed-request" : undefined));
  const told = { reason: refusal.reason, detail: refusal.detail, ...(act ? { act } : {}) };
  sendRefusal(replica, turn, from, body, told, () => ({ ticketDigest, changeDigest: digest }));
  if (isRival) replica.rivals.note(replica, turn, entry, change);
}

/** The change was judged in its turn: its serial is used up in every cluster kept here. Returns what that wakes. */
function passBy(replica: Replica, record: ChangeRecord): string[] {
  const keys: string[] = [];
  for (const { cluster, epoch } of record.links) {
    const state = replica.store.clusters.get(cluster);
    if (!replica.store.clusters.isMine(cluster) || state.installed.epoch !== epoch) continue;
    state.lastSerial = record.serial;
    keys.push(...keysOfCluster(replica, cluster));
  }
  return keys;
}

/** What may be judged again when the cluster's serial or tip has moved. */
export const keysOfCluster = (replica: Replica, cluster: ObjectClusterNumber): string[] => {
  const { lastSerial, installed } = replica.store.clusters.get(cluster);
  const { epoch } = installed;
  return [
    holdKeyOf({ kind: "serial", cluster, serial: lastSerial, epoch }),
    holdKeyOf({ kind: "chain", cluster, epoch }),
  ];
};

function accept(replica: Replica, turn: Turn, { from, record, digest, summary }: ExaminedChange): void {
  if (!record.ticket.body.readOnly) {
    replica.reports.owe(from, digest, turn.now);
    const parents = replica.store.parentsOf(record);
    const log = replica.accesses.of(record.ticket.body);
    if (log) journal(replica, turn, { kind: "accesses", change: digest, ...log }, "synced");
    const number = journal(replica, turn, { kind: "accepted", record, parents }, "synced");
    const entry = replica.store.insert(newEntry(digest, record, summary, { number, parents }));
    replica.reports.watch(entry, turn.now);
    answerAccepted(replica, turn, entry);
    return;
  }
  replica.reports.acknowledge(from, digest, turn.now);
  const isBarred = record.links.some(({ cluster, epoch }) => epoch <= replica.store.clusters.get(cluster).readBarrier);
  if (isBarred) return;
  const entry = newEntry(digest, record, summary);
  replica.confirmations.add(entry);
  answerAccepted(replica, turn, entry);
}

/** The same change again: the first answer or acknowledgement may be lost. */
function repeat(replica: Replica, turn: Turn, { from, record, digest }: ExaminedChange): void {
  const { requestId } = record.ticket.body;
  const entry = replica.store.byRequest(requestId, new Set()) ?? replica.confirmations.get(digest);
  const isReported = record.ticket.body.readOnly || entry?.status !== "undecided";
  if (isReported) replica.reports.acknowledge(from, digest, turn.now);
  else replica.reports.owe(from, digest, turn.now);
  if (!entry || entry.testing) return;
  const isFirst = record.ticket.body.testers[0] === replica.configuration.self;
  sendAnswer(replica, turn, entry, { withReply: isFirst, known: false });
}

function hintAtKnown(replica: Replica, turn: Turn, requestId: RequestId, attempt: AnswerMessage["attempt"]): void {
  withEntry(replica, turn, requestId, (later, entry) => {
    const known = entry.record.ticket.body.attempt !== attempt;
    sendAnswer(replica, later, entry, { withReply: true, known });
  });
}

type RecordsReason = Extract<HoldReason, { readonly kind: "records" }>;

/** `earlier`: what was read for it before, which must be at hand once more when the rest has come. */
function holdForRecords(
  replica: Replica,
  turn: Turn,
  examined: ExaminedChange,
  reason: RecordsReason,
  earlier: readonly RecordNumber[],
): void {
  const { from, record } = examined;
  const key = holdKeyOf(reason);
  const records = [...new Set([...earlier, ...reason.numbers])];
  if (!replica.held.add({ from, record, examined, key, records, until: turn.now + HOLD_MS })) return;
  replica.reads.wait(replica, turn, records, (later) => wake(replica, later, [key]), { sender: from });
}

function hold(
  replica: Replica,
  turn: Turn,
  examined: ExaminedChange,
  reason: Exclude<HoldReason, RecordsReason>,
): void {
  const { from, record } = examined;
  const key = holdKeyOf(reason);
  replica.held.add({ from, record, examined, key, until: turn.now + HOLD_MS });
  if (reason.kind === "epoch" || !replica.held.has(key)) return;
  replica.gaps.notice(replica, turn, { cluster: reason.cluster, epoch: reason.epoch, from, key });
}

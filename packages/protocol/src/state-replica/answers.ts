/**
 * Answers to the regulator (and, in the basic profile, to acceptance test servers) about changes this member holds.
 * Answers get lost; the regulator asks again (`answerAgain`).
 */
import {
  type AnswerAgainMessage,
  type AnswerMessage,
  type RedesignateMessage,
  type RequestId,
  type ServerName,
  ZERO_DIGEST,
} from "@redoubt/shared";
import { send } from "../core.ts";
import { faultsToleratedBy, vouching } from "../quorum.ts";
import type { ChangeEntry } from "./change-entry.ts";
import { put, type Replica, type Turn } from "./context.ts";
import { sendEvidence } from "./evidence.ts";
import { withRecords } from "./record-reads.ts";
import { sendReports } from "./reports.ts";
import { isHomeMember, startTest } from "./tests.ts";

const REQUESTS_PER_MESSAGE_MAX = 4_096;

export interface AnswerOptions {
  readonly withReply: boolean;
  /** The regulator asked about another attempt. */
  readonly known: boolean;
}

export function sendAnswer(replica: Replica, turn: Turn, entry: ChangeEntry, options: AnswerOptions): void {
  const { record, verdict } = entry;
  const { body } = record.ticket;
  const answer: AnswerMessage = {
    kind: "answer",
    requestId: body.requestId,
    attempt: body.attempt,
    changeDigest: entry.digest,
    replyDigest: entry.replyDigest,
    follows: [...new Set(record.links.map((link) => link.follows))].filter((digest) => digest !== ZERO_DIGEST),
    durable: !body.readOnly,
    known: options.known,
    ...(verdict ? { verdict } : {}),
    ...(options.withReply ? { reply: record.reply } : {}),
    ...(verdict?.kind === "fail" ? { reads: record.reads } : {}),
  };
  put(turn, send("traffic-regulator", replica.regulator.server, answer));
}

/** True for the member whose answer carries the reply without being asked. */
export const isFirstTester = (replica: Replica, entry: ChangeEntry): boolean =>
  entry.record.ticket.body.testers[0] === replica.configuration.self;

/** First answer of a change that was accepted; a tester's waits for its verdict. */
export function answerAccepted(replica: Replica, turn: Turn, entry: ChangeEntry): void {
  const { body } = entry.record.ticket;
  if (body.profile === "optimized" && body.testers.includes(replica.configuration.self)) {
    if (startTest(replica, turn, entry)) return;
  }
  sendAnswer(replica, turn, entry, { withReply: isFirstTester(replica, entry), known: false });
  if (!body.readOnly) replica.reports.report(entry, turn.now);
  sendMemberAnswers(replica, turn, entry);
}

/** Basic profile: the C1 vote towards the designated acceptance test servers. */
export function sendMemberAnswers(replica: Replica, turn: Turn, entry: ChangeEntry): void {
  const { body } = entry.record.ticket;
  if (body.profile !== "basic") return;
  // Of 2a+1 designated ones a+1 are enough while they agree; the regulator asks for more.
  for (const tester of body.testers.slice(0, vouching(faultsToleratedBy(body.testers.length))))
    sendMemberAnswer(replica, turn, entry, tester, false);
}

function sendMemberAnswer(
  replica: Replica,
  turn: Turn,
  entry: ChangeEntry,
  server: ServerName,
  isAudit: boolean,
): void {
  const summary = replica.store.summaryOf(entry);
  const log = replica.accesses.of(summary.ticket);
  const more = { ...(log ? { accesses: log.accesses } : {}), ...(isAudit ? { audit: true } : {}) };
  put(
    turn,
    send("acceptance-test-server", server, { kind: "memberAnswer", summary, changeDigest: entry.digest, ...more }),
  );
}

/** Does this with the change journalled for a request id, or the read-only change confirmed for it, if there is one. */
export function withEntry(
  replica: Replica,
  turn: Turn,
  requestId: RequestId,
  use: (turn: Turn, entry: ChangeEntry) => void,
): void {
  withRecords(replica, turn, (later, needs) => {
    const entry = replica.store.byRequest(requestId, needs) ?? replica.confirmations.byRequest(requestId);
    if (needs.size === 0 && entry) use(later, entry);
  });
}

export function answerAgain(replica: Replica, turn: Turn, message: AnswerAgainMessage): void {
  const escalated: ChangeEntry[] = [];
  for (const asked of message.requests.slice(0, REQUESTS_PER_MESSAGE_MAX)) {
    withEntry(replica, turn, asked.requestId, (later, entry) => {
      const { body } = entry.record.ticket;
      // Only what is still to be decided is worth telling the masters; that is in memory, so it is known at once.
      if (asked.escalate) {
        entry.escalated = true;
        escalated.push(entry);
      }
      const known = body.attempt !== asked.attempt;
      // A test just begun, or running already, brings an answer of its own with the verdict.
      if (asked.test && !known && isHomeMember(replica, entry)) startTest(replica, later, entry);
      sendAnswer(replica, later, entry, { withReply: asked.reply, known });
      sendEvidence(replica, later, entry.digest, replica.store.summaryOf(entry));
      sendMemberAnswers(replica, later, entry);
    });
  }
  sendReports(replica, turn, escalated, replica.configuration.masters);
}

export function redesignate(replica: Replica, turn: Turn, message: RedesignateMessage): void {
  withEntry(replica, turn, message.requestId, (later, entry) => {
    if (entry.record.ticket.body.attempt === message.attempt)
      sendMemberAnswer(replica, later, entry, message.acceptanceTestServer, message.audit === true);
  });
}

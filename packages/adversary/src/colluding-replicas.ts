/**
 * Replicas in league with a compromised execution server: they know every story it tells and stand up for the one that
 * does harm. They confirm what only they hold, swear in promises to what nobody saw, report in its favour and vouch for
 * digests of changes they never had. Inside is an honest core, as in `replica-adversaries.ts`.
 */
import { digestText } from "@redoubt/protocol";
import type { AnswerMessage, AnyMessage, PromisedMessage, ReportMessage, ServerName, Verdict } from "@redoubt/shared";
import { anyOf, chance, type SeededAdversaryFactory, type SeededAdversaryTools } from "./adversary.ts";
import type { Story } from "./conspiracy.ts";

const PASS: Verdict = { kind: "pass" };

/** Tickets of all execution servers come by; the conspiracy wants them. */
const overhearing =
  ({ conspiracy }: SeededAdversaryTools) =>
  (_from: ServerName, message: AnyMessage): readonly AnyMessage[] => {
    if (message.kind === "change") conspiracy.overhear(message.record.ticket);
    return [message];
  };

const accomplice =
  (
    id: string,
    title: string,
    bend: (tools: SeededAdversaryTools, message: AnyMessage) => readonly AnyMessage[],
  ): SeededAdversaryFactory =>
  (tools) => ({
    id,
    title,
    bendArrival: overhearing(tools),
    bendMessage: (_to, message) => bend(tools, message),
  });

const reported = ({ digest, summary }: Story): ReportMessage["changes"][number] => ({
  digest,
  summary,
  durable: !summary.ticket.readOnly,
  verdict: PASS,
});

const answering = (answer: AnswerMessage, story: Story): AnswerMessage => ({
  ...answer,
  changeDigest: story.digest,
  replyDigest: story.summary.replyDigest,
  follows: story.summary.links.map(({ follows }) => follows).filter((digest) => !/^0+$/.test(digest)),
  verdict: PASS,
  ...(answer.reply === undefined ? {} : { reply: story.record.reply }),
});

/** Says of every story of a change that it is durable and right. */
const confirmEverything = accomplice("K-confirm", "an accomplice that confirms every story", (tools, message) => {
  if (message.kind !== "answer") return [message];
  const { requestId, attempt, changeDigest } = message;
  const rival = tools.conspiracy.rivalOf(requestId, attempt, changeDigest);
  if (!rival) return message.verdict?.kind === "fail" ? [{ ...message, verdict: PASS }] : [message];
  const other = answering(message, rival);
  return chance(tools, 0.5) ? [{ ...message, verdict: PASS }, other] : [other, message];
});

/** Its list in a settlement shows the other stories, and what nobody but the execution server has. */
const swearInPromises = accomplice("K-promise", "an accomplice that swears to other changes", (tools, message) => {
  if (message.kind !== "promised" || message.undecided.length === 0) return [message];
  const { conspiracy } = tools;
  const undecided: PromisedMessage["undecided"] = message.undecided.flatMap((summary) => {
    const stories = conspiracy.stories(summary.ticket.requestId, summary.ticket.attempt);
    const story = anyOf(tools, stories);
    if (!story) return chance(tools, 0.3) ? [] : [summary];
    return chance(tools, 0.2) ? [] : [story.summary];
  });
  return [{ ...message, undecided }];
});

/** Reports as durable and tested what the execution server says it is, whether it holds it or not. */
const reportForIt = accomplice("K-report", "an accomplice that reports what it does not hold", (tools, message) => {
  if (message.kind !== "report") return [message];
  const rivals = message.changes.flatMap(({ summary, digest }) => {
    const { requestId, attempt } = summary.ticket;
    const rival = tools.conspiracy.rivalOf(requestId, attempt, digest);
    return rival ? [reported(rival)] : [];
  });
  if (rivals.length === 0) return [message];
  return chance(tools, 0.5)
    ? [{ ...message, changes: [...rivals, ...message.changes] }]
    : [{ ...message, changes: rivals }];
});

/** Vouches to the regulator for digests of changes that do not exist, and hands other members rival contents. */
const vouchWrongly = accomplice("K-vouch", "an accomplice that vouches for wrong digests", (tools, message) => {
  if (message.kind === "changes") {
    const records = message.records.map((record) => {
      const { requestId, attempt } = record.ticket.body;
      const story = anyOf(tools, tools.conspiracy.stories(requestId, attempt));
      return story ? story.record : record;
    });
    return records.every((record, index) => record === message.records[index]) ? [message] : [{ ...message, records }];
  }
  if (message.kind !== "answer" || !chance(tools, 0.4)) return [message];
  const { requestId, attempt, changeDigest } = message;
  const rival = tools.conspiracy.rivalOf(requestId, attempt, changeDigest);
  if (rival) return [answering(message, rival)];
  return [{ ...message, changeDigest: digestText(tools.hasher, "vouched", changeDigest), verdict: PASS }];
});

/**
 * Two-faced: to the regulator and in reports it stands for what the others hold, so that replies leave; in settlements it
 * swears to what it alone was told.
 */
export const twoFaced = accomplice(
  "K-two-faced",
  "an accomplice that confirms one story and swears to another",
  (tools, message) => {
    if (message.kind === "evidenceReport") return [];
    if (message.kind === "answer") {
      const told = tools.conspiracy.stories(message.requestId, message.attempt)[0];
      return told && told.digest !== message.changeDigest ? [answering(message, told)] : [message];
    }
    if (message.kind === "report") {
      const changes = message.changes.map((change) => {
        const { requestId, attempt } = change.summary.ticket;
        const told = tools.conspiracy.stories(requestId, attempt)[0];
        return told ? reported(told) : change;
      });
      return [{ ...message, changes }];
    }
    return [message];
  },
);

export const COLLUDING_REPLICAS: readonly SeededAdversaryFactory[] = [
  confirmEverything,
  swearInPromises,
  reportForIt,
  vouchWrongly,
  twoFaced,
];

/**
 * What members and acceptance test servers say about attempts, and the judgement after each word. Members may lie and
 * repeat themselves; each has one vote per attempt, its latest.
 */
import type {
  AcceptanceMessage,
  AnswerMessage,
  Digest,
  ObjectClusterNumber,
  RequestOutcome,
  ServerName,
} from "@redoubt/shared";
import type { Sender } from "../core.ts";
import { vouching } from "../quorum.ts";
import { noteContradicted, onAuditVerdict } from "./audits.ts";
import { append, askMember, note, type Regulator, retryAfter } from "./context.ts";
import { designate } from "./designations.ts";
import { failAttempt, failUntestable } from "./failures.ts";
import { isHeardWithin } from "./health.ts";
import { advance } from "./lifecycle.ts";
import { noteMisbehaviour } from "./misbehaviour.ts";
import {
  type AcceptanceVote,
  isDiverged,
  judgeRelease,
  type ReleaseJudgement,
  type Vote,
  vouchedFollows,
} from "./release.ts";
import type { Attempt, PendingRequest } from "./request.ts";
import { checkReplyText, compareVotes } from "./testers.ts";
import { verdictsNeeded } from "./tickets.ts";

/** Evidence arrives within 20 ms of a change; this long answers may diverge before the server is judged. */
export const DIVERGENCE_MS = 150;
/** A member's hint makes the regulator ask the masters at most this often. */
const HINT_REPEAT_MS = 300;
const READS_MAX = 1_024;
/** A member that has said nothing for this long, while others have, is taken for silent. */
const SILENT_MS = 200;

/** Digits of a change that tell it from others for eyes. */
const CHANGE_DIGITS = 16;

const NO_ACCEPTANCE: ReadonlyMap<ServerName, AcceptanceVote> = new Map();

const isVotedOn = (request: PendingRequest): boolean =>
  request.state === "running" || request.state === "doomed" || request.state === "surviving";

export function onAnswer(regulator: Regulator, from: Sender, message: AnswerMessage): void {
  const request = regulator.logs.pending(message.requestId);
  if (!request) return;
  const attempt = request.current;
  keepReply(regulator, request, from.server, message);
  if (request.state === "fetching") {
    finishFetching(regulator, request);
    return;
  }
  if (message.known || attempt?.number !== message.attempt) {
    hintOfOutcome(regulator, request);
    return;
  }
  if (!isVotedOn(request) || !attempt.members.includes(from.server)) return;
  const before = attempt.votes.get(from.server);
  const vote = voteOf(message, before);
  attempt.votes.set(from.server, vote);
  noteVote(regulator, request, from.server, vote, before);
  if (!attempt.divergence && isDiverged(attempt.votes)) noteDivergence(regulator, request, attempt);
  compareVotes(regulator, request, attempt);
  regulator.toJudge.add(request);
}

function voteOf(message: AnswerMessage, before: Vote | undefined): Vote {
  const { changeDigest, replyDigest, follows, durable, reads } = message;
  const verdict = message.verdict ?? (before?.changeDigest === changeDigest ? before.verdict : undefined);
  return {
    changeDigest,
    replyDigest,
    follows,
    durable,
    ...(verdict ? { verdict } : {}),
    ...(reads && reads.length <= READS_MAX ? { reads } : before?.reads ? { reads: before.reads } : {}),
  };
}

/** Members repeat themselves: only what says something new is remembered. */
function noteVote(
  regulator: Regulator,
  request: PendingRequest,
  server: ServerName,
  { changeDigest, durable, verdict }: Vote,
  before: Vote | undefined,
): void {
  const isNews =
    before?.changeDigest !== changeDigest || before.durable !== durable || (before.verdict === undefined && verdict);
  if (!isNews || !request.current) return;
  note(regulator, request, {
    kind: "acknowledged",
    attempt: request.current.number,
    server,
    change: changeDigest.slice(0, CHANGE_DIGITS),
    durable,
    ...(verdict ? { verdict } : {}),
  });
}

/** Keeps one checked text per member. */
function keepReply(
  regulator: Regulator,
  request: PendingRequest,
  from: ServerName,
  message: Pick<AnswerMessage, "reply" | "replyDigest" | "changeDigest">,
): void {
  const { reply, replyDigest } = message;
  if (reply === undefined || request.replies.get(from)?.digest === replyDigest) return;
  if (findReply(request, replyDigest) !== undefined) return;
  const isMember = request.current?.members.includes(from) || regulator.wanted?.members.includes(from);
  if (!isMember && !request.current?.designated.includes(from)) return;
  if (!checkReplyText(regulator, request, from, message)) return;
  request.replies.set(from, { digest: replyDigest, text: reply });
}

export function findReply(request: PendingRequest, digest: Digest): string | undefined {
  for (const reply of request.replies.values()) if (reply.digest === digest) return reply.text;
  return undefined;
}

/** A member knows the id from another attempt: perhaps it was verified. Only the masters can say. */
function hintOfOutcome(regulator: Regulator, request: PendingRequest): void {
  if (request.state === "ended" || regulator.now - request.hintAt < HINT_REPEAT_MS) return;
  request.hintAt = regulator.now;
  regulator.outcomeQuestions.add(request.requestId);
}

export function onAcceptance(regulator: Regulator, from: Sender, message: AcceptanceMessage): void {
  const request = regulator.logs.pending(message.requestId);
  const attempt = request?.current;
  if (!request && onAuditVerdict(regulator, from.server, message)) return;
  if (!request || attempt?.number !== message.attempt) return;
  if (!attempt.designated.includes(from.server)) {
    // Whom an earlier regulator designated for what a settlement kept is not known here.
    if (!attempt.dispatch) return;
    // The same reply from several acceptance test servers is an alarm (paper §3.3, REQUIREMENTS R48). Members send their
    // votes to the designated ones only and an execution server sends them none: the one that answers is not right.
    noteMisbehaviour(regulator, {
      server: from.server,
      component: "acceptance-test-server",
      act: "duplicate-reply",
      reporter: regulator.settings.self,
      requestId: request.requestId,
      attempt: attempt.number,
      changeDigests: [message.changeDigest],
      detail: "verdict of an acceptance test server that was not designated",
    });
    return;
  }
  keepReply(regulator, request, from.server, message);
  if (!isVotedOn(request)) return;
  const { changeDigest, replyDigest, verdict, reads } = message;
  if (!attempt.acceptance?.has(from.server))
    note(regulator, request, { kind: "tested", attempt: attempt.number, server: from.server, verdict });
  attempt.acceptance ??= new Map();
  attempt.acceptance.set(from.server, { changeDigest, replyDigest, verdict, ...(reads ? { reads } : {}) });
  if (verdict.kind !== "pass") designateRest(regulator, request, attempt);
  regulator.toJudge.add(request);
}

/** With a ≥ 1 those that test at once disagree, or one could not test: all of the 2a+1 test. */
function designateRest(regulator: Regulator, request: PendingRequest, attempt: Attempt): void {
  if (!attempt.dispatch || regulator.wanted?.profile !== "basic") return;
  const rest = attempt.testers.filter((server) => !attempt.designated.includes(server));
  if (rest.length > 0) designate(regulator, request, attempt, rest);
}

/** May the reply leave, did the attempt fail, or what is missing? */
export function judge(regulator: Regulator, request: PendingRequest): ReleaseJudgement | undefined {
  const attempt = request.current;
  if (!attempt || !isVotedOn(request)) return undefined;
  const { verified } = request;
  // Most answers are not the last: nothing can be decided by fewer than t+1.
  if (!verified && !attempt.acceptance && 2 * attempt.votes.size <= attempt.homeMembers.length - 1)
    return { kind: "needVerdicts" };
  const judgement = judgeRelease({
    profile: regulator.wanted?.profile ?? "optimized",
    faultsTolerated: Math.floor((attempt.homeMembers.length - 1) / 2),
    readOnly: request.readOnly,
    homeMembers: attempt.homeMembers,
    members: attempt.members,
    votes: attempt.votes,
    acceptance: attempt.acceptance ?? NO_ACCEPTANCE,
    verdictsNeeded:
      attempt.testers.length > 0
        ? verdictsNeeded(attempt.testers)
        : vouching(regulator.wanted?.acceptanceFaultsTolerated ?? 0),
    ...(verified ? { verified: { digest: verified.change.digest, replyDigest: verified.replyDigest } } : {}),
    isSettled: (digest) => regulator.ancestors.has(digest) || regulator.ancestors.isHead(digest, request.clusters),
  });
  // It may be void by now: what the masters were asked to make invalid is released by their decision alone.
  const isHeldBack = judgement.kind === "release" && judgement.by === "all-members";
  return isHeldBack && judgement.changeDigest === request.invalidated ? { kind: "needVerdicts" } : judgement;
}

/** Acts on the judgement. */
export function judgeAndAct(regulator: Regulator, request: PendingRequest): void {
  const judgement = judge(regulator, request);
  switch (judgement?.kind) {
    case "release":
      release(regulator, request, judgement);
      return;
    case "fail":
      noteContradicted(regulator, request, judgement.changeDigest);
      failAttempt(regulator, request, {
        detector: "acceptance-test",
        check: judgement.check,
        detail: judgement.detail,
        reads: judgement.reads,
        change: judgement.changeDigest,
      });
      return;
    case "untestable":
      failUntestable(regulator, request, judgement.changeDigest, judgement.detail);
      return;
    case "needAncestors":
      awaitAncestors(regulator, request, judgement.ancestors);
      return;
    case "needMembers":
      if (request.readOnly) escalateIfSilent(regulator, request, judgement.missing);
      return;
    default:
  }
}

function release(
  regulator: Regulator,
  request: PendingRequest,
  judgement: Extract<ReleaseJudgement, { kind: "release" }>,
): void {
  const { changeDigest, replyDigest, by } = judgement;
  const reply = findReply(request, replyDigest);
  if (reply === undefined) {
    if (request.current?.replyAsked === false) {
      request.current.replyAsked = true;
      askForReply(regulator, request);
    }
    return;
  }
  request.ending = { kind: "reply", reply, changeDigest, by };
  advance(regulator, request, "released");
}

/**
 * A read-only request and a member that has been silent: the masters are asked at once, because their decision is only
 * possible while nothing newer is verified (docs/PROTOCOL.md §3.4).
 */
function escalateIfSilent(regulator: Regulator, request: PendingRequest, missing: readonly ServerName[]): void {
  const { current, requestId } = request;
  if (!current || current.escalated || missing.some((member) => isHeardWithin(regulator, member, SILENT_MS))) return;
  current.escalated = true;
  for (const member of current.votes.keys())
    askMember(regulator, member, { requestId, attempt: current.number, test: false, reply: false, escalate: true });
}

function awaitAncestors(regulator: Regulator, request: PendingRequest, ancestors: readonly Digest[]): void {
  for (const digest of request.awaited) regulator.ancestors.forget(digest, request);
  for (const digest of ancestors) regulator.ancestors.waitFor(digest, request);
  request.awaited = ancestors;
}

/** The change is beyond doubt, and with it what it follows: nothing is released or verified before its ancestors. */
export function settleChange(
  regulator: Regulator,
  request: PendingRequest | undefined,
  digest: Digest,
  clusters: readonly ObjectClusterNumber[],
): void {
  const { ancestors, toJudge } = regulator;
  for (const waiter of ancestors.settle(digest, clusters)) toJudge.add(waiter);
  const attempt = request?.current;
  if (!attempt) return;
  const faultsTolerated = Math.floor((attempt.homeMembers.length - 1) / 2);
  for (const follows of vouchedFollows(attempt.votes, digest, faultsTolerated))
    for (const waiter of ancestors.settle(follows, [])) toJudge.add(waiter);
}

/** Everybody who may hold the reply is asked for its text. */
export function askForReply(regulator: Regulator, request: PendingRequest): void {
  const members = request.current?.members ?? regulator.placement.domainOf(request.home).members;
  for (const member of members) {
    askMember(regulator, member, {
      requestId: request.requestId,
      attempt: request.verified?.change.attempt ?? request.current?.number ?? request.attempt,
      test: false,
      reply: true,
      escalate: false,
    });
  }
}

/** The masters decided for this request id: the reply is final, whatever was being found out about it. */
export function takeVerified(
  regulator: Regulator,
  request: PendingRequest,
  outcome: Extract<RequestOutcome, { kind: "verified" }>,
): void {
  request.verified = { change: outcome.change, replyDigest: outcome.replyDigest };
  if (request.attempt < outcome.change.attempt) {
    request.attempt = outcome.change.attempt;
    append(regulator, { kind: "attempt", requestId: request.requestId, attempt: request.attempt });
  }
  advance(regulator, request, "verified");
}

export function enterFetching(regulator: Regulator, request: PendingRequest): void {
  if (finishFetching(regulator, request)) return;
  askForReply(regulator, request);
  retryAfter(regulator, request, 100);
}

function finishFetching(regulator: Regulator, request: PendingRequest): boolean {
  const { verified } = request;
  const reply = verified && findReply(request, verified.replyDigest);
  if (!verified || reply === undefined) return false;
  request.ending = { kind: "reply", reply, changeDigest: verified.change.digest, by: "masters" };
  return advance(regulator, request, "replied");
}

function noteDivergence(regulator: Regulator, request: PendingRequest, attempt: Attempt): void {
  attempt.divergence = { since: regulator.now, judged: false, signed: new Set() };
  for (const member of attempt.members) {
    askMember(regulator, member, {
      requestId: request.requestId,
      attempt: attempt.number,
      test: false,
      reply: false,
      escalate: false,
    });
  }
  retryAfter(regulator, request, DIVERGENCE_MS);
}

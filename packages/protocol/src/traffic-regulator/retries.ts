/**
 * Whoever needs an answer asks again: the timers of single requests, and the housekeeping that is due whatever the
 * requests do. All steps are idempotent at the receivers.
 */
import type { ServerName } from "@redoubt/shared";
import { askForReply, DIVERGENCE_MS, judge } from "./answers.ts";
import { judgeDeadline } from "./attribution.ts";
import {
  type Ask,
  askMember,
  isPrimary,
  note,
  type Regulator,
  respond,
  retryAfter,
  schedule,
  sendToMasters,
} from "./context.ts";
import { follow } from "./decisions-taken.ts";
import { designate } from "./designations.ts";
import { dispatchAgain, dispatchWaiting } from "./dispatch.ts";
import { judgeDivergenceNow } from "./divergence.ts";
import { reviewPlacement, wishEpoch } from "./epoch-wishes.ts";
import { failAttempt } from "./failures.ts";
import { startGenesis } from "./genesis.ts";
import { HEARD_WITHIN_MS, isHeard, isWitness, ping } from "./health.ts";
import { keepHeld } from "./holding.ts";
import { moveLeases } from "./lease-moves.ts";
import { advance } from "./lifecycle.ts";
import { noteMisbehaviour } from "./misbehaviour.ts";
import { askOutcome, askToClose } from "./outcomes.ts";
import { problemResponse } from "./problems.ts";
import { watchQuorum } from "./quorum.ts";
import type { ReleaseJudgement } from "./release.ts";
import type { Attempt, PendingRequest } from "./request.ts";
import { expireRuns, startRuns } from "./shadow-runs.ts";
import { noteWithheldVerdicts } from "./testers.ts";
import { sendTicketKey } from "./ticket-keys.ts";
import { reportVersions } from "./versions.ts";
import { reviewBreaker } from "./withholding.ts";

const RETRY_MAX_MS = 500;
const DEADLINE_EXTENSION_MS = 500;
const STUCK_READ_MS = 600;
/** The same where verdicts are missing: tests take longer than messages. */
const UNJUDGED_READ_MS = 2_000;
/** A change that is neither released nor dead after this long: a new epoch's settlement decides it (docs/PROTOCOL.md §4). */
const STUCK_CHANGE_MS = 5_000;
const REPLY_REPEAT_MS = 300;
/** Members do not store what a read-only request replied: after this long nobody has it any more. */
const LOST_REPLY_MS = 1_200;
const KEY_REPEAT_MS = 500;
const TRAFFIC_MS = 1_000;
/** Replies that leave memory with the window, per round of housekeeping. */
const FORGOTTEN_PER_ROUND_MAX = 4_096;
/** Windows for which an id is known to have had an outcome, at least (docs/PROTOCOL.md §7). */
const SEEN_WINDOWS = 7;
export const HOUSEKEEPING_MS = 100;
export const IDLE_MS = 300;

export function takeDue(regulator: Regulator): void {
  for (const request of regulator.deadlines.take(regulator.now)) {
    const { scheduledAt } = request;
    if (request.state === "ended" || scheduledAt === undefined || scheduledAt > regulator.now) continue;
    request.scheduledAt = undefined;
    onDue(regulator, request);
    if ((request.state as string) !== "ended") schedule(regulator, request);
  }
}

function onDue(regulator: Regulator, request: PendingRequest): void {
  giveUpWaiting(regulator, request);
  const { current, retryAt } = request;
  if (current?.divergence && regulator.now >= current.divergence.since + DIVERGENCE_MS)
    judgeDivergenceNow(regulator, request, current);
  if (retryAt !== undefined && regulator.now >= retryAt) {
    request.retryAt = undefined;
    retry(regulator, request);
  }
  if (request.state === "running" && request.current && regulator.now >= request.current.deadlineAt)
    onDeadline(regulator, request, request.current);
}

/** The client has waited long enough; its request goes on. */
function giveUpWaiting(regulator: Regulator, request: PendingRequest): void {
  const { exchanges, requestId } = request;
  for (let index = exchanges.length - 1; index >= 0; index--) {
    const waiting = exchanges[index];
    if (!waiting || waiting.expiresAt > regulator.now) continue;
    exchanges.splice(index, 1);
    regulator.exchanges.delete(waiting.exchange);
    regulator.traffic.count("outcome-unknown");
    const detail = "Repeat the request with the same Idempotency-Key.";
    const answer = problemResponse("outcome-unknown", { requestId, detail, retryAfterSeconds: 1 });
    respond(regulator, waiting.exchange, answer);
    const { status } = answer;
    const repeated = waiting.repeated ? 1 : 0;
    note(regulator, request, { kind: "answered", status, exchanges: 1, repeated, because: "patience" });
  }
}

function retry(regulator: Regulator, request: PendingRequest): void {
  switch (request.state) {
    case "checking":
      askOutcome(regulator, request);
      return;
    case "running":
    case "surviving":
      askAgain(regulator, request);
      return;
    case "fetching":
      fetchAgain(regulator, request);
      return;
    case "closing":
      askToClose(regulator, request);
      return;
    default:
  }
}

function fetchAgain(regulator: Regulator, request: PendingRequest): void {
  request.retryDelayMs += REPLY_REPEAT_MS;
  if (request.readOnly && request.retryDelayMs >= LOST_REPLY_MS) {
    request.verified = undefined;
    advance(regulator, request, "superseded");
    return;
  }
  askForReply(regulator, request);
  retryAfter(regulator, request, REPLY_REPEAT_MS);
}

/** Asks for what is missing to the release, a little more insistently each time. */
function askAgain(regulator: Regulator, request: PendingRequest): void {
  const { current } = request;
  const judgement = judge(regulator, request);
  if (!current || !judgement) return;
  if (isStuckRead(regulator, request, current, judgement)) {
    advance(regulator, request, "superseded");
    return;
  }
  if (request.state === "running") dispatchAgain(regulator, current);
  const insist = request.retryDelayMs > 100 || request.state === "surviving";
  for (const member of current.members) {
    const vote = current.votes.get(member);
    if (!vote) {
      if (regulator.now - (regulator.keySentAt.get(member) ?? Number.NEGATIVE_INFINITY) >= KEY_REPEAT_MS)
        sendTicketKey(regulator, member);
      ping(regulator, member);
    }
    const ask = questionTo(request, current, member, judgement, insist);
    if (ask) askMember(regulator, member, ask);
  }
  if (insist && judgement.kind === "needVerdicts") {
    noteWithheldVerdicts(regulator, request, current);
    designateNext(regulator, request, current);
  }
  request.retryDelayMs = Math.min(RETRY_MAX_MS, request.retryDelayMs * 2);
  retryAfter(regulator, request, request.retryDelayMs);
}

/**
 * Confirmed by members, escalated, and still undecided: something newer was verified meanwhile, so the masters cannot
 * verify it any more, or a member that would have tested it refused it. A read has no effects; it is simply made again.
 */
function isStuckRead(
  { now }: Regulator,
  { readOnly, state }: PendingRequest,
  { startedAt, votes }: Attempt,
  { kind }: ReleaseJudgement,
): boolean {
  if (!readOnly || state !== "running" || votes.size === 0) return false;
  if (kind === "needVerdicts") return now - startedAt >= UNJUDGED_READ_MS;
  return (kind === "needMembers" || kind === "needAncestors") && now - startedAt >= STUCK_READ_MS;
}

function questionTo(
  request: PendingRequest,
  attempt: Attempt,
  member: ServerName,
  judgement: ReleaseJudgement,
  insist: boolean,
): Ask | undefined {
  const vote = attempt.votes.get(member);
  const ask: Ask = {
    requestId: request.requestId,
    attempt: attempt.number,
    test: false,
    reply: false,
    escalate: false,
  };
  switch (judgement.kind) {
    case "needVerdicts": {
      const isTester = attempt.testers.includes(member);
      if (vote?.verdict && vote.verdict.kind !== "unable") return undefined;
      return { ...ask, test: insist || isTester, reply: request.replies.size === 0 && (insist || isTester) };
    }
    case "needMembers":
      // A read-only request with a member missing: the others report it, and the masters decide (docs/PROTOCOL.md §3.4).
      if (vote) return request.readOnly ? { ...ask, escalate: true } : undefined;
      return ask;
    case "needAncestors":
      return request.readOnly ? { ...ask, escalate: true } : undefined;
    case "release":
      return { ...ask, reply: true };
    default:
      return undefined;
  }
}

/** Basic profile: the acceptance test server is silent, so the next one is designated too (PROTOCOL §5). */
function designateNext(regulator: Regulator, request: PendingRequest, attempt: Attempt): void {
  const { wanted } = regulator;
  if (wanted?.profile !== "basic" || attempt.votes.size === 0) return;
  const candidates = [...attempt.testers, ...wanted.acceptanceTestServers];
  const next = candidates.find((server) => !attempt.designated.includes(server));
  // With all designated, everybody is told again: messages get lost.
  designate(regulator, request, attempt, next === undefined ? attempt.designated : [next]);
}

function onDeadline(regulator: Regulator, request: PendingRequest, attempt: Attempt): void {
  const judgement = judgeDeadline({
    faultsTolerated: Math.floor((attempt.homeMembers.length - 1) / 2),
    homeMembers: attempt.homeMembers,
    votes: attempt.votes,
    isHeard: (member) => isWitness(regulator, member, attempt),
    mastersHeard: regulator.link.isHeard(regulator.now, HEARD_WITHIN_MS),
  });
  switch (judgement) {
    case "held":
      failAttempt(regulator, request, {
        detector: "deadline",
        check: "deadline",
        detail: `no change within ${request.deadlineMs} ms`,
        reads: [],
      });
      return;
    case "incomplete":
      notePartialMulticast(regulator, request, attempt);
      failAttempt(regulator, request, {
        detector: "checksum-vote",
        check: "incomplete-change",
        detail: "too few members received the change",
        reads: [],
      });
      return;
    case "delivered":
      attempt.deadlineAt = regulator.now + request.deadlineMs;
      if (regulator.now - attempt.startedAt >= STUCK_CHANGE_MS)
        wishEpoch(regulator, regulator.placement.domainOf(request.home), `a change of ${attempt.server} is stuck`);
      return;
    case "infrastructure":
      attempt.deadlineAt = regulator.now + DEADLINE_EXTENSION_MS;
      return;
  }
}

/** Fewer than t+1 members hold the change, and those in hearing that lack it did not get it within the deadline. */
function notePartialMulticast(regulator: Regulator, { requestId }: PendingRequest, attempt: Attempt): void {
  const lacking = attempt.homeMembers.filter((member) => !attempt.votes.has(member) && isHeard(regulator, member));
  noteMisbehaviour(regulator, {
    server: attempt.server,
    component: "execution-server",
    act: "partial-multicast",
    reporter: regulator.settings.self,
    requestId,
    attempt: attempt.number,
    changeDigests: [...attempt.votes.values()].map((vote) => vote.changeDigest).slice(0, 8),
    detail: `not at ${lacking.join(", ")}`,
  });
}

/** Everything that does not belong to one request. */
export function keepHouse(regulator: Regulator): void {
  const { now, link, settings } = regulator;
  if (now < regulator.housekeepingAt) return;
  if (link.claimDue(now)) {
    const { nonce } = link;
    const { mastersKey } = regulator.keys;
    sendToMasters(regulator, { kind: "claimPrimary", component: "traffic-regulator", nonce, mastersKey });
  }
  if (link.followDue(now)) follow(regulator);
  reviewPlacement(regulator);
  if (isPrimary(regulator) && regulator.placement.domains.every((domain) => domain.settled && domain.epoch > 0))
    startGenesis(regulator);
  watchQuorum(regulator);
  expireRuns(regulator);
  moveLeases(regulator);
  startRuns(regulator);
  regulator.logs.seen.age(regulator.wall, SEEN_WINDOWS * settings.windowMs);
  reviewBreaker(regulator);
  keepHeld(regulator);
  reportVersions(regulator);
  regulator.logs.forgetBefore(regulator.wall - settings.windowMs, FORGOTTEN_PER_ROUND_MAX);
  dispatchWaiting(regulator);
  if (now >= regulator.trafficAt && regulator.traffic.changed) {
    regulator.trafficAt = now + TRAFFIC_MS;
    const counters = regulator.traffic.report(gauges(regulator));
    for (const manager of settings.managers)
      regulator.effects.push({
        kind: "send",
        component: "configuration-manager",
        to: manager,
        message: { kind: "traffic", counters },
      });
  }
  regulator.housekeepingAt = now + (isIdle(regulator) ? IDLE_MS : HOUSEKEEPING_MS);
}

const isIdle = (regulator: Regulator): boolean =>
  regulator.logs.counts.L3 === 0 && isPrimary(regulator) && regulator.wishes.pending.size === 0;

function gauges(regulator: Regulator): Record<string, number> {
  const { L1, L2, L3 } = regulator.logs.counts;
  const oldest = regulator.logs.oldestPending;
  return {
    "log.L1": L1,
    "log.L2": L2,
    "log.L3": L3,
    ...(oldest ? { oldestPendingMs: Math.max(0, Math.round(regulator.now - oldest.arrivedAt)) } : {}),
  };
}

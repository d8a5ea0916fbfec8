/**
 * Members whose word about a change stands against that of t+1 others: verdicts, texts of replies, verdicts that never come
 * (REQUIREMENTS §C: B1, B2, B3, B5, B7). Of t+1 equal answers one is a correct member's. They are told, and convict nobody: a captured
 * execution server can show members different accesses, so that right testers disagree, too.
 */
import type { AnswerMessage, Digest, MisbehaviourAct, ServerName } from "@redoubt/shared";
import { digestReply } from "../digests.ts";
import { vouching } from "../quorum.ts";
import type { Regulator } from "./context.ts";
import { noteMisbehaviour } from "./misbehaviour.ts";
import type { Vote } from "./release.ts";
import type { Attempt, PendingRequest } from "./request.ts";

/** Checks that judge by what each member saw for itself: right testers may differ now and then. */
const ACCESS_LOG_CHECK = "access-log";
const LOCAL_CHECKS: ReadonlySet<string> = new Set([ACCESS_LOG_CHECK, "confidentiality", "missing-evidence"]);
const LOCAL_CHECKS_TOLERATED = 8;
/** Verdicts that are late because a machine is busy. */
const WITHHELD_TOLERATED = 4;
/** Of the repeated questions about an attempt the one after so long a pause, so that each attempt counts once. */
const OVERDUE_AFTER_MS = { above: 100, through: 200 };

const thresholdOf = ({ homeMembers }: Attempt): number => vouching(Math.floor((homeMembers.length - 1) / 2));

/** To be called with each vote of a home member: compares it with the others of the attempt. */
export function compareVotes(regulator: Regulator, request: PendingRequest, attempt: Attempt): void {
  const threshold = thresholdOf(attempt);
  if (attempt.votes.size <= threshold || isUnanimous(attempt.votes)) return;
  for (const [member, vote] of attempt.votes) {
    if (!attempt.homeMembers.includes(member)) continue;
    compareVerdict(regulator, request, attempt, threshold, member, vote);
    const others = equals(attempt, vote.changeDigest).filter(([, other]) => other.replyDigest !== vote.replyDigest);
    if (others.length >= threshold && isOfOneMind(others))
      tell(regulator, request, attempt, member, "forged-reply", vote.changeDigest, {
        detail: "names another reply for the change than t+1 members",
      });
  }
}

/** As nearly always. */
function isUnanimous(votes: ReadonlyMap<ServerName, Vote>): boolean {
  let first: Vote | undefined;
  let seen: string | undefined;
  for (const vote of votes.values()) {
    first ??= vote;
    if (vote.replyDigest !== first.replyDigest) return false;
    if (vote.verdict && seen !== undefined && vote.verdict.kind !== seen) return false;
    seen ??= vote.verdict?.kind;
  }
  return true;
}

function compareVerdict(
  regulator: Regulator,
  request: PendingRequest,
  attempt: Attempt,
  threshold: number,
  member: ServerName,
  { verdict, changeDigest }: Vote,
): void {
  if (verdict?.kind !== "pass" && verdict?.kind !== "fail") return;
  const opposite = verdict.kind === "pass" ? "fail" : "pass";
  const against = equals(attempt, changeDigest).filter(([, other]) => other.verdict?.kind === opposite);
  if (against.length < threshold) return;
  const failing = verdict.kind === "fail" ? verdict : against.map(([, other]) => other.verdict).find(isFailure);
  const isLocal = failing !== undefined && LOCAL_CHECKS.has(failing.check);
  const hasNoLog = verdict.kind === "pass" && failing?.check === ACCESS_LOG_CHECK;
  tell(regulator, request, attempt, member, hasNoLog ? "omitted-log" : "false-verdict", changeDigest, {
    detail: `its verdict is ${verdict.kind}, that of ${against.map(([name]) => name).join(", ")} is ${opposite}`,
    tolerated: isLocal && !hasNoLog ? LOCAL_CHECKS_TOLERATED : 0,
  });
}

const isFailure = (verdict: Vote["verdict"]): verdict is Extract<Vote["verdict"], { kind: "fail" }> =>
  verdict?.kind === "fail";

const equals = ({ votes, homeMembers }: Attempt, changeDigest: Digest): [ServerName, Vote][] =>
  [...votes].filter(([member, vote]) => homeMembers.includes(member) && vote.changeDigest === changeDigest);

const isOfOneMind = (votes: readonly [ServerName, Vote][]): boolean =>
  votes.every(([, { replyDigest }]) => replyDigest === votes[0]?.[1].replyDigest);

/** A text that does not have the digest beside it: whoever sent it knows. */
export function checkReplyText(
  regulator: Regulator,
  request: PendingRequest,
  from: ServerName,
  { reply, replyDigest, changeDigest }: Pick<AnswerMessage, "reply" | "replyDigest" | "changeDigest">,
): boolean {
  if (reply === undefined) return false;
  if (digestReply(regulator.dependencies.hasher, reply) === replyDigest) return true;
  const { current } = request;
  if (current && regulator.wanted?.members.includes(from))
    tell(regulator, request, current, from, "forged-reply", changeDigest, {
      detail: "its text of the reply does not have the digest it names",
      proven: true,
    });
  return false;
}

/** To be called when verdicts are overdue: those who have the change and say nothing while another tester has spoken. */
export function noteWithheldVerdicts(regulator: Regulator, request: PendingRequest, attempt: Attempt): void {
  const { above, through } = OVERDUE_AFTER_MS;
  if (request.retryDelayMs <= above || request.retryDelayMs > through) return;
  const hasSpoken = [...attempt.votes.values()].some(({ verdict }) => verdict !== undefined);
  if (!hasSpoken || regulator.wanted?.profile === "basic") return;
  for (const member of attempt.testers) {
    const vote = attempt.votes.get(member);
    if (!vote || vote.verdict) continue;
    tell(regulator, request, attempt, member, "withheld-verdict", vote.changeDigest, {
      detail: "it holds the change, is a tester of it, and gives no verdict",
      tolerated: WITHHELD_TOLERATED,
    });
  }
}

function tell(
  regulator: Regulator,
  { requestId }: PendingRequest,
  { number }: Attempt,
  server: ServerName,
  act: MisbehaviourAct,
  changeDigest: Digest,
  what: { readonly detail: string; readonly tolerated?: number; readonly proven?: boolean },
): void {
  const reporter = regulator.settings.self;
  const who = { server, component: "state-replica", act, reporter } as const;
  noteMisbehaviour(regulator, { ...who, requestId, attempt: number, changeDigests: [changeDigest], ...what });
}

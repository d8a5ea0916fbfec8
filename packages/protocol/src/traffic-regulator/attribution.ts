/**
 * Who was at fault (docs/PROTOCOL.md §6; PROTOCOL §10 of the specification): pure judgements over what members, testers
 * and signatures say. None of them trusts an execution server; a server can at most accuse itself.
 */
import type { Digest, ExecutionFailedMessage, ServerName, Verdict } from "@redoubt/shared";
import { vouching } from "../quorum.ts";
import type { Vote } from "./release.ts";
import type { QuarantineReason } from "./types.ts";

export type Detector = "acceptance-test" | "checksum-vote" | "deadline" | "crash" | "refusal" | "reply-audit";

const REASONS: Readonly<Record<Detector, QuarantineReason>> = {
  "acceptance-test": "acceptance-test",
  "checksum-vote": "checksum-mismatch",
  deadline: "repeated-timeout",
  crash: "crash",
  refusal: "access-violation",
  "reply-audit": "acceptance-test",
};

/** The console's word for what a detector found. */
export const reasonOf = (detector: Detector, check: string): QuarantineReason =>
  check === "leak" || !Object.hasOwn(REASONS, detector) ? "acceptance-test" : REASONS[detector];

export interface ShadowVote {
  readonly verdict: Verdict;
  readonly resultDigest: Digest;
}

export interface ShadowQuestion {
  /** Equal verdicts needed: t+1 home members, or one acceptance test server (basic). */
  readonly needed: number;
  readonly testers: readonly ServerName[];
  readonly votes: ReadonlyMap<ServerName, ShadowVote>;
  /** The run's own server says that it could not finish. */
  readonly failure?: ExecutionFailedMessage["reason"];
  readonly timedOut: boolean;
}

export type ShadowJudgement =
  | { readonly kind: "pending" }
  /** The request passes elsewhere: the server it failed at was at fault. */
  | { readonly kind: "innocent"; readonly resultDigest: Digest }
  | { readonly kind: "malformed"; readonly check: string; readonly detail: string }
  /** The acceptance test dies on it: condemned without blame. */
  | { readonly kind: "untestable"; readonly detail: string }
  /** Says nothing about the request: run it again elsewhere. */
  | { readonly kind: "inconclusive"; readonly why: string; readonly serverFailed: boolean };

export function judgeShadow({ needed, testers, votes, failure, timedOut }: ShadowQuestion): ShadowJudgement {
  const counts = new Map<string, ShadowVote[]>();
  for (const tester of testers) {
    const vote = votes.get(tester);
    if (!vote) continue;
    const key = `${vote.verdict.kind} ${vote.resultDigest}`;
    const equal = [...(counts.get(key) ?? []), vote];
    counts.set(key, equal);
    if (equal.length < needed) continue;
    const { verdict, resultDigest } = vote;
    if (verdict.kind === "pass") return { kind: "innocent", resultDigest };
    if (verdict.kind === "fail") return { kind: "malformed", check: verdict.check, detail: verdict.detail };
    return { kind: "untestable", detail: verdict.detail };
  }
  if (failure !== undefined) {
    // The members refused the run's reads (an epoch passed): nobody's fault.
    if (failure === "stale" || failure === "refused")
      return { kind: "inconclusive", why: failure, serverFailed: false };
    return { kind: "malformed", check: failure, detail: `the shadow run ended by ${failure} too` };
  }
  if (testers.every((tester) => votes.has(tester)))
    return { kind: "inconclusive", why: "testers disagree", serverFailed: true };
  if (timedOut) return { kind: "inconclusive", why: "timeout", serverFailed: true };
  return { kind: "pending" };
}

export interface DeadlineQuestion {
  readonly faultsTolerated: number;
  readonly homeMembers: readonly ServerName[];
  readonly votes: ReadonlyMap<ServerName, Vote>;
  /** Heard from lately. */
  isHeard(member: ServerName): boolean;
  readonly mastersHeard: boolean;
}

/**
 * What a missed deadline means. Only a server that held the request while the rest was well is blamed (REQUIREMENTS U23):
 * too few members or no masters in hearing is a fault of the infrastructure.
 */
export function judgeDeadline(question: DeadlineQuestion): "held" | "incomplete" | "delivered" | "infrastructure" {
  const needed = vouching(question.faultsTolerated);
  const counts = new Map<Digest, number>();
  let most = 0;
  let heard = 0;
  for (const member of question.homeMembers) {
    const vote = question.votes.get(member);
    if (vote || question.isHeard(member)) heard++;
    if (!vote) continue;
    const count = (counts.get(vote.changeDigest) ?? 0) + 1;
    counts.set(vote.changeDigest, count);
    most = Math.max(most, count);
  }
  if (most >= needed) return "delivered";
  if (heard < needed || !question.mastersHeard) return "infrastructure";
  return most > 0 || counts.size > 0 ? "incomplete" : "held";
}

export type DivergenceJudgement =
  /** Two different changes for one ticket bear the server's signature: proof (REQUIREMENTS U6). */
  | { readonly kind: "equivocated"; readonly digests: readonly Digest[] }
  /** t+1 members hold what the server signed; the others show nothing it signed: they are the suspects. */
  | { readonly kind: "memberSuspected"; readonly members: readonly ServerName[] }
  | { readonly kind: "unexplained" };

/** `signed`: changes of this attempt for which a right signature of the execution server was shown. */
export function judgeDivergence(
  votes: ReadonlyMap<ServerName, Vote>,
  signed: ReadonlySet<Digest>,
  faultsTolerated: number,
): DivergenceJudgement {
  if (signed.size >= 2) return { kind: "equivocated", digests: [...signed] };
  const [only] = signed;
  if (only !== undefined) {
    const holders = [...votes.values()].filter((vote) => vote.changeDigest === only).length;
    const others = [...votes].filter(([, vote]) => vote.changeDigest !== only).map(([member]) => member);
    if (holders >= vouching(faultsTolerated) && others.length <= faultsTolerated)
      return { kind: "memberSuspected", members: others };
  }
  return { kind: "unexplained" };
}

/** Refusals that no honest execution server causes; others (order, stale-epoch, …) come from races and restarts. */
const SERIOUS_REFUSALS: ReadonlySet<string> = new Set(["scope", "malformed", "sender", "lease", "ticket", "flood"]);

export const isSeriousRefusal = (reason: string): boolean => SERIOUS_REFUSALS.has(reason);

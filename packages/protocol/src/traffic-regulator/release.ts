/**
 * The release rule: may the reply of this attempt leave (docs/PROTOCOL.md §3.4; invariant I2)? Pure; everything the
 * regulator knows about the attempt comes in, one judgement comes out. Members may lie (at most t of them), so a count is
 * worth something only from t+1 equal answers of the home cluster on; "every member" is literally every member, because
 * only then does each later settlement find an honest holder of the change (I3).
 */
import type { Digest, Profile, ServerName, Verdict, VersionReference } from "@redoubt/shared";
import { vouching } from "../quorum.ts";

/** What one member answered about one attempt. */
export interface Vote {
  readonly changeDigest: Digest;
  readonly replyDigest: Digest;
  readonly follows: readonly Digest[];
  readonly durable: boolean;
  readonly verdict?: Verdict;
  readonly reads?: readonly VersionReference[];
}

/** What one designated acceptance test server found (basic profile). */
export interface AcceptanceVote {
  readonly changeDigest: Digest;
  readonly replyDigest: Digest;
  readonly verdict: Verdict;
  readonly reads?: readonly VersionReference[];
}

export interface ReleaseQuestion {
  readonly profile: Profile;
  readonly faultsTolerated: number;
  readonly readOnly: boolean;
  /** Members of the home object cluster in the ticket's epoch. */
  readonly homeMembers: readonly ServerName[];
  /** Members of all the ticket's object clusters. */
  readonly members: readonly ServerName[];
  readonly votes: ReadonlyMap<ServerName, Vote>;
  readonly acceptance: ReadonlyMap<ServerName, AcceptanceVote>;
  /** Basic: equal verdicts of designated acceptance test servers that decide, a+1. Default 1. */
  readonly verdictsNeeded?: number;
  /** The masters' decision on this request id, when there is one. */
  readonly verified?: { readonly digest: Digest; readonly replyDigest: Digest };
  /** Released or verified already. */
  isSettled(digest: Digest): boolean;
}

export type ReleaseJudgement =
  | {
      readonly kind: "release";
      readonly changeDigest: Digest;
      readonly replyDigest: Digest;
      readonly by: "all-members" | "masters";
    }
  | {
      readonly kind: "fail";
      readonly changeDigest: Digest;
      readonly check: string;
      readonly detail: string;
      readonly reads: readonly VersionReference[];
    }
  /** The acceptance test died at enough servers: says nothing about anybody (REQUIREMENTS A36). */
  | { readonly kind: "untestable"; readonly changeDigest: Digest; readonly detail: string }
  /** (a) is missing. */
  | { readonly kind: "needVerdicts" }
  /** (a) holds, (b) does not. */
  | { readonly kind: "needMembers"; readonly changeDigest: Digest; readonly missing: readonly ServerName[] }
  /** (a) and (b) hold, (c) does not. */
  | { readonly kind: "needAncestors"; readonly changeDigest: Digest; readonly ancestors: readonly Digest[] };

const MASTERS_SUFFICE = "masters";

export function judgeRelease(question: ReleaseQuestion): ReleaseJudgement {
  const { verified, faultsTolerated } = question;
  if (verified) {
    return { kind: "release", changeDigest: verified.digest, replyDigest: verified.replyDigest, by: MASTERS_SUFFICE };
  }
  const needed = vouching(faultsTolerated);
  const groups = groupVotes(question);
  const failed = findFailure(question, groups, needed);
  if (failed) return failed;
  const accepted = groups.find((group) => isAccepted(question, group, needed));
  if (!accepted) return { kind: "needVerdicts" };
  const { changeDigest, replyDigest, follows } = accepted;
  const missing = question.members.filter((member) => !holds(question, member, changeDigest));
  if (missing.length > 0) return { kind: "needMembers", changeDigest, missing };
  const ancestors = follows.filter((digest) => !question.isSettled(digest));
  if (ancestors.length > 0) return { kind: "needAncestors", changeDigest, ancestors };
  return { kind: "release", changeDigest, replyDigest, by: "all-members" };
}

/** Equal answers of home members: same change, same reply, same predecessors. */
interface VoteGroup {
  readonly changeDigest: Digest;
  readonly replyDigest: Digest;
  readonly follows: readonly Digest[];
  readonly votes: Vote[];
}

function groupVotes({ homeMembers, votes }: ReleaseQuestion): VoteGroup[] {
  const groups: VoteGroup[] = [];
  for (const member of homeMembers) {
    const vote = votes.get(member);
    if (!vote) continue;
    const group = groups.find((candidate) => sameAnswer(candidate, vote));
    if (group) group.votes.push(vote);
    else {
      const { changeDigest, replyDigest, follows } = vote;
      groups.push({ changeDigest, replyDigest, follows, votes: [vote] });
    }
  }
  return groups;
}

function sameAnswer(group: VoteGroup, vote: Vote): boolean {
  return (
    group.changeDigest === vote.changeDigest &&
    group.replyDigest === vote.replyDigest &&
    group.follows.length === vote.follows.length &&
    group.follows.every((digest, index) => digest === vote.follows[index])
  );
}

function isAccepted(question: ReleaseQuestion, group: VoteGroup, needed: number): boolean {
  if (group.votes.length < needed) return false;
  if (question.profile === "basic") {
    const passes = [...question.acceptance.values()].filter(
      (vote) =>
        vote.verdict.kind === "pass" &&
        vote.changeDigest === group.changeDigest &&
        vote.replyDigest === group.replyDigest,
    );
    return passes.length >= (question.verdictsNeeded ?? 1);
  }
  return group.votes.filter((vote) => vote.verdict?.kind === "pass").length >= needed;
}

function holds({ votes, readOnly }: ReleaseQuestion, member: ServerName, changeDigest: Digest): boolean {
  const vote = votes.get(member);
  return vote !== undefined && vote.changeDigest === changeDigest && (vote.durable || readOnly);
}

function findFailure(
  question: ReleaseQuestion,
  groups: readonly VoteGroup[],
  needed: number,
): ReleaseJudgement | undefined {
  if (question.profile === "basic") return findBasicFailure(question, needed);
  for (const { changeDigest, votes } of groups) {
    const fails = votes.filter((vote) => vote.verdict?.kind === "fail");
    const [first] = fails;
    if (fails.length >= needed && first?.verdict?.kind === "fail") {
      const { check, detail } = first.verdict;
      return { kind: "fail", changeDigest, check, detail, reads: vouchedReads(fails, needed) };
    }
    const unable = votes.filter((vote) => vote.verdict?.kind === "unable");
    if (unable.length >= needed && unable[0]?.verdict?.kind === "unable")
      return { kind: "untestable", changeDigest, detail: unable[0].verdict.detail };
  }
  return undefined;
}

/**
 * Of acceptance test servers a+1 must say so (with a = 0 they only crash, and one is enough), but a test must die at two of
 * them. Those that are captured are no more than a, whatever t is.
 */
function findBasicFailure(
  { acceptance, verdictsNeeded = 1 }: ReleaseQuestion,
  needed: number,
): ReleaseJudgement | undefined {
  let unable = 0;
  const fails = new Map<Digest, AcceptanceVote[]>();
  for (const vote of acceptance.values()) {
    const { verdict, changeDigest } = vote;
    if (verdict.kind === "unable" && ++unable >= Math.max(needed, verdictsNeeded))
      return { kind: "untestable", changeDigest, detail: verdict.detail };
    if (verdict.kind !== "fail") continue;
    const same = [...(fails.get(changeDigest) ?? []), vote];
    fails.set(changeDigest, same);
    const { check, detail } = verdict;
    if (same.length >= verdictsNeeded)
      return { kind: "fail", changeDigest, check, detail, reads: vouchedReads(same, verdictsNeeded) };
  }
  return undefined;
}

/** The versions read, if t+1 of the failing answers name the same ones; else none (the shadow run reads the newest). */
function vouchedReads(votes: readonly Pick<Vote, "reads">[], needed: number): readonly VersionReference[] {
  const counts = new Map<string, number>();
  for (const { reads } of votes) {
    if (!reads) continue;
    const text = reads.map(({ object, number, epoch, c1 }) => JSON.stringify([object, number, epoch, c1])).join();
    const count = (counts.get(text) ?? 0) + 1;
    if (count >= needed) return reads;
    counts.set(text, count);
  }
  return [];
}

/** What t+1 members say the change follows; empty when they do not agree. */
export function vouchedFollows(
  votes: ReadonlyMap<ServerName, Vote>,
  changeDigest: Digest,
  faultsTolerated: number,
): readonly Digest[] {
  const counts = new Map<string, number>();
  for (const vote of votes.values()) {
    if (vote.changeDigest !== changeDigest) continue;
    const name = vote.follows.join();
    const count = (counts.get(name) ?? 0) + 1;
    if (count >= vouching(faultsTolerated)) return vote.follows;
    counts.set(name, count);
  }
  return [];
}

/** True when members of any cluster name different changes for one attempt. */
export function isDiverged(votes: ReadonlyMap<ServerName, Vote>): boolean {
  let seen: Digest | undefined;
  for (const { changeDigest } of votes.values()) {
    if (seen !== undefined && changeDigest !== seen) return true;
    seen = changeDigest;
  }
  return false;
}

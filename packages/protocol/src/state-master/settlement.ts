/**
 * Which undecided changes outlive their epoch (docs/PROTOCOL.md §4), as a pure function of the members' lists.
 *
 * Intuition: a reply may have left only if its change is durable at *every* member of every cluster it touches, or if
 * the masters verified it. So a change that t+1 promised members lack (at least one of them correct) was not released
 * and may die; one that t+1 members hold in every cluster can be verified later and lives; in between, ask one more
 * member. s members that are struck off, or proved faulty by an impossible list, and gave no list are among the t faulty
 * ones: of the rest only t−s can be, and t+1−s are enough to contain a correct one.
 *
 * It decides nothing by itself: the result is proposed and takes effect only if nothing was verified meanwhile.
 */
import type { ChangeName, ClusterRange, Digest, ObjectClusterNumber, RequestId, ServerName } from "@redoubt/shared";
import { eachCluster, inRanges } from "../ranges.ts";
import { type MasterChange, nameOf } from "./commands.ts";

/** An object cluster as settlement sees it; terms are those of the epoch that is being ended. */
export interface SettledCluster {
  /** Members of the ending epoch, asked to promise. None before the first epoch. */
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
  /** Those of them that lost their journal or were replaced: they count among the faulty ones. */
  readonly struckOff: ReadonlySet<ServerName>;
  /** Seats of that epoch that were not filled after a member was struck off earlier: faulty ones without a name. */
  readonly vacant?: number;
  readonly head: Digest;
}

export interface SettlementQuestion {
  readonly clusters: readonly ClusterRange[];
  readonly clusterOf: (cluster: ObjectClusterNumber) => SettledCluster;
  /** Checked lists of promised members. */
  readonly lists: ReadonlyMap<ServerName, readonly MasterChange[]>;
  /** Members whose list was impossible. */
  readonly faulty: ReadonlySet<ServerName>;
  readonly isInvalid: (digest: Digest) => boolean;
  /** Verified or closed already. */
  readonly isDecided: (requestId: RequestId) => boolean;
  /** Every epoch the change names still counts (not settled past without it). */
  readonly isCurrent: (change: MasterChange) => boolean;
}

export type Settlement =
  /** More members must answer: too few promises in a cluster, or copies that are neither enough nor too few. */
  | { readonly kind: "wait"; readonly undecided: readonly Digest[] }
  | { readonly kind: "settled"; readonly survivors: readonly MasterChange[]; readonly voided: readonly ChangeName[] };

type Standing = "void" | "survives" | "waits";

export function classify(question: SettlementQuestion): Settlement {
  if (!hasEnoughPromises(question)) return { kind: "wait", undecided: [] };
  const changes = collectUndecided(question);
  const standings = new Map<Digest, Standing>();
  const held = new Map<ServerName, ReadonlySet<Digest>>();
  for (const [member, list] of question.lists) held.set(member, new Set(list.map(({ digest }) => digest)));
  for (const change of changes.values()) standings.set(change.digest, standingByCopies(question, held, change));
  const ordered = followChains(question, changes, standings);
  const undecided = ordered.filter(({ digest }) => standings.get(digest) === "waits").map(({ digest }) => digest);
  if (undecided.length > 0) return { kind: "wait", undecided };
  const survivors = ordered.filter(({ digest }) => standings.get(digest) === "survives");
  const kept = new Set(survivors.map(({ digest }) => digest));
  const voided = [...changes.values()].filter(({ digest }) => !kept.has(digest)).map(nameOf);
  return { kind: "settled", survivors, voided };
}

const promisedOf = (question: SettlementQuestion, cluster: SettledCluster): ServerName[] =>
  cluster.members.filter((member) => question.lists.has(member));

/** Faulty members (struck off, or proved so) whose list does not count; never more than can be faulty at all. */
function struckOffOf(question: SettlementQuestion, cluster: SettledCluster): number {
  const faulty = cluster.members.filter((member) => cluster.struckOff.has(member) || question.faulty.has(member));
  const silent = faulty.filter((member) => !question.lists.has(member)).length;
  return Math.min(cluster.faultsTolerated, silent + (cluster.vacant ?? 0));
}

/** A change that no promised member shows must be lacked by enough of them to be void: t+1 promises in every cluster. */
function hasEnoughPromises(question: SettlementQuestion): boolean {
  const seen = new Set<readonly ServerName[]>();
  for (const number of eachCluster(question.clusters)) {
    const cluster = question.clusterOf(number);
    if (cluster.members.length === 0 || seen.has(cluster.members)) continue;
    if (promisedOf(question, cluster).length < cluster.faultsTolerated + 1) return false;
    seen.add(cluster.members);
  }
  return true;
}

function collectUndecided(question: SettlementQuestion): Map<Digest, MasterChange> {
  const changes = new Map<Digest, MasterChange>();
  for (const list of question.lists.values()) {
    for (const change of list) if (!question.isDecided(change.requestId)) changes.set(change.digest, change);
  }
  return changes;
}

/** Standing by itself, before what it follows is considered. Void wins over everything. */
function standingByCopies(
  question: SettlementQuestion,
  held: ReadonlyMap<ServerName, ReadonlySet<Digest>>,
  change: MasterChange,
): Standing {
  if (question.isInvalid(change.digest) || !question.isCurrent(change)) return "void";
  let standing: Standing = "survives";
  for (const link of change.links) {
    if (!inRanges(question.clusters, link.cluster)) return "void";
    const cluster = question.clusterOf(link.cluster);
    const promised = promisedOf(question, cluster);
    const copies = promised.filter((member) => held.get(member)?.has(change.digest));
    const lacking = promised.length - copies.length;
    if (lacking >= cluster.faultsTolerated + 1 - struckOffOf(question, cluster)) return "void";
    if (copies.length < cluster.faultsTolerated + 1) standing = "waits";
  }
  return standing;
}

/**
 * Walks every cluster's chain from its verified head. What is reached keeps its standing, or waits when something it
 * follows waits; what is not reached follows something void, unknown or no longer the head, and is void. Returns the
 * reached ones in chain order. Two changes in one place cannot both have their copies while at most t members lie; the
 * first one wins if they do.
 */
function followChains(
  question: SettlementQuestion,
  changes: ReadonlyMap<Digest, MasterChange>,
  standings: Map<Digest, Standing>,
): MasterChange[] {
  const tips = new Map<ObjectClusterNumber, Digest>();
  const tipOf = (cluster: ObjectClusterNumber) => tips.get(cluster) ?? question.clusterOf(cluster).head;
  const ordered: MasterChange[] = [];
  let waiting = [...changes.values()].filter(({ digest }) => standings.get(digest) !== "void");
  // Survivors first, so that a change that only waits never takes the place of one that is safe.
  waiting.sort((left, right) => rank(standings.get(left.digest)) - rank(standings.get(right.digest)));
  for (let progress = true; progress; ) {
    progress = false;
    const rest: MasterChange[] = [];
    for (const change of waiting) {
      if (!change.links.every(({ cluster, follows }) => tipOf(cluster) === follows)) {
        rest.push(change);
        continue;
      }
      progress = true;
      const waits = change.links.some(({ follows }) => standings.get(follows) === "waits");
      if (waits) standings.set(change.digest, "waits");
      for (const { cluster } of change.links) tips.set(cluster, change.digest);
      ordered.push(change);
    }
    waiting = rest;
  }
  return ordered;
}

const rank = (standing: Standing | undefined): number => (standing === "survives" ? 0 : 1);

/** An ending epoch's terms against what is known of its members when the new one is settled. */
export function settledCluster(
  ending: { readonly members: readonly ServerName[]; readonly faultsTolerated: number; readonly vacant: number },
  isStruckOff: (member: ServerName) => boolean,
  head: Digest,
): SettledCluster {
  const { members, faultsTolerated, vacant } = ending;
  return { members, faultsTolerated, vacant, struckOff: new Set(members.filter(isStruckOff)), head };
}

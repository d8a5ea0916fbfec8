/**
 * Collects what members report until enough of them say the same. Votes are per change digest; the first report of a
 * digest brings the summary, checked against it, so later ones need no hashing.
 *
 * Bounded per reporter, so that a lying member fills only its own share. Decides nothing: `verify-pipeline.ts` does.
 */
import {
  type ChangeSummary,
  type Digest,
  LIMITS,
  type Profile,
  type ReportMessage,
  type ServerName,
} from "@redoubt/shared";
import type { Sender } from "../core.ts";
import { faultsToleratedBy, vouching } from "../quorum.ts";
import { type MasterChange, toMasterChange } from "./commands.ts";
import { MASTER_TIMES, type MasterContext } from "./context.ts";
import { clusterRecord, type EpochTerms, isInSettledEpochs, type MetadataState } from "./metadata-state.ts";
import { digestSummary } from "./summary-shape.ts";

export interface Candidate {
  readonly change: MasterChange;
  readonly profile: Profile;
  /** Basic: passes of acceptance test servers that accept it: a+1 of the 2a+1 that its ticket names. */
  readonly testServersNeeded: number;
  /** Members that hold it durably (or, read-only, confirmed it). */
  readonly holders: Set<ServerName>;
  readonly passedMembers: Set<ServerName>;
  readonly passedTestServers: Set<ServerName>;
  /** Whose share of the memory it takes. */
  readonly chargedTo: ServerName;
  readonly bytes: number;
  reportedAt: number;
}

/** Reported and undecided, per reporter. */
const CANDIDATES_MAX = LIMITS.unlabelledChangesMax;
const CANDIDATE_BYTES_MAX = 64 * 1024 * 1024;

type ReportedChange = ReportMessage["changes"][number];

export class ReportCollector {
  readonly #context: MasterContext;
  readonly #candidates = new Map<Digest, Candidate>();
  /** Candidates by a digest they follow. */
  readonly #successors = new Map<Digest, Set<Candidate>>();
  readonly #shares = new Map<ServerName, { count: number; bytes: number }>();
  #prunedAt = 0;

  constructor(context: MasterContext) {
    this.#context = context;
  }

  /**
   * Takes a report in and acknowledges what was taken. Returns the candidates it names, new votes or not: a repeated
   * report is also what starts a change again that got stuck.
   */
  take(from: Sender, message: ReportMessage): Candidate[] {
    const named: Candidate[] = [];
    const acknowledged: Digest[] = [];
    for (const reported of message.changes) {
      if (this.#isDecided(reported)) {
        acknowledged.push(reported.digest);
        continue;
      }
      const candidate = this.#candidates.get(reported.digest) ?? this.#admit(from, reported);
      if (!candidate) continue;
      acknowledged.push(reported.digest);
      vote(candidate, from, reported);
      named.push(candidate);
      candidate.reportedAt = this.#context.now;
    }
    if (from.component === "state-replica" && acknowledged.length > 0) {
      this.#context.send("state-replica", from.server, { kind: "reported", digests: acknowledged });
    }
    return named;
  }

  #isDecided({ summary }: ReportedChange): boolean {
    return this.#context.state.outcomes.has(summary.ticket.requestId);
  }

  #admit(from: Sender, reported: ReportedChange): Candidate | undefined {
    const { hasher } = this.#context.state;
    const { summary, digest } = reported;
    const share = this.#shares.get(from.server) ?? { count: 0, bytes: 0 };
    const bytes = summaryBytes(summary);
    if (share.count >= CANDIDATES_MAX || share.bytes + bytes > CANDIDATE_BYTES_MAX) return undefined;
    if (digestSummary(hasher, summary) !== digest) return undefined;
    const change = toMasterChange(digest, summary);
    if (!isInSettledEpochs(this.#context.state, change)) return undefined;
    const candidate: Candidate = {
      change,
      profile: summary.ticket.profile,
      testServersNeeded: vouching(faultsToleratedBy(summary.ticket.testers.length)),
      holders: new Set(),
      passedMembers: new Set(),
      passedTestServers: new Set(),
      chargedTo: from.server,
      bytes,
      reportedAt: this.#context.now,
    };
    this.#shares.set(from.server, { count: share.count + 1, bytes: share.bytes + bytes });
    this.#candidates.set(digest, candidate);
    for (const { follows } of change.links) {
      const successors = this.#successors.get(follows);
      if (successors) successors.add(candidate);
      else this.#successors.set(follows, new Set([candidate]));
    }
    return candidate;
  }

  get(digest: Digest): Candidate | undefined {
    return this.#candidates.get(digest);
  }

  all(): Iterable<Candidate> {
    return this.#candidates.values();
  }

  /** Candidates that follow this change in some cluster. */
  successorsOf(digest: Digest): Candidate[] {
    return [...(this.#successors.get(digest) ?? [])];
  }

  forget(digest: Digest): void {
    const candidate = this.#candidates.get(digest);
    if (!candidate) return;
    this.#candidates.delete(digest);
    for (const { follows } of candidate.change.links) {
      const successors = this.#successors.get(follows);
      successors?.delete(candidate);
      if (successors?.size === 0) this.#successors.delete(follows);
    }
    const share = this.#shares.get(candidate.chargedTo);
    if (!share) return;
    share.count -= 1;
    share.bytes -= candidate.bytes;
  }

  clear(): void {
    this.#candidates.clear();
    this.#successors.clear();
    this.#shares.clear();
  }

  /** Drops what nobody repeats any more; once a second. */
  prune(): void {
    const { now } = this.#context;
    if (now < this.#prunedAt + 1000) return;
    this.#prunedAt = now;
    for (const { change, reportedAt } of this.#candidates.values()) {
      if (now >= reportedAt + MASTER_TIMES.candidateForgottenMs) this.forget(change.digest);
    }
  }

  /** After a settlement: drops what is dead or decided. */
  dropDead(): void {
    const { state } = this.#context;
    for (const { change } of this.#candidates.values()) {
      if (state.outcomes.has(change.requestId) || !isInSettledEpochs(state, change)) this.forget(change.digest);
    }
  }
}

function vote(candidate: Candidate, from: Sender, { durable, verdict }: ReportedChange): void {
  const hasPassed = verdict?.kind === "pass";
  if (from.component === "state-replica") {
    if (durable || candidate.change.readOnly) candidate.holders.add(from.server);
    if (hasPassed) candidate.passedMembers.add(from.server);
  } else if (hasPassed) candidate.passedTestServers.add(from.server);
}

function summaryBytes({ ticket, reads, writes, links }: ChangeSummary): number {
  return 1024 + ticket.clusters.length * 256 + (reads.length + writes.length) * 512 + links.length * 256;
}

/** Votes of members in the terms of an epoch. */
const countMembers = (terms: EpochTerms, votes: ReadonlySet<ServerName>): number =>
  terms.members.reduce((count, member) => (votes.has(member) ? count + 1 : count), 0);

/** t+1 members hold it in every cluster it touches. */
function isHeldEverywhere(state: MetadataState, { change, holders }: Candidate): boolean {
  let checked: EpochTerms | undefined;
  for (const { cluster } of change.links) {
    const terms = clusterRecord(state, cluster)?.settled;
    if (terms === checked) continue;
    if (!terms || countMembers(terms, holders) < vouching(terms.faultsTolerated)) return false;
    checked = terms;
  }
  return checked !== undefined;
}

/**
 * The testers whose passes accept the change: t+1 members of the home cluster, in the basic profile a+1 acceptance test
 * servers. Undefined while there are too few.
 */
export function acceptedBy(state: MetadataState, candidate: Candidate): ServerName[] | undefined {
  if (!isHeldEverywhere(state, candidate)) return undefined;
  const home = clusterRecord(state, candidate.change.home)?.settled;
  const passed = home?.members.filter((member) => candidate.passedMembers.has(member)) ?? [];
  if (home && passed.length >= vouching(home.faultsTolerated)) return passed;
  const { profile, passedTestServers, testServersNeeded } = candidate;
  return profile === "basic" && passedTestServers.size >= testServersNeeded ? [...passedTestServers] : undefined;
}

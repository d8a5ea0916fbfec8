/**
 * Turns candidates with enough votes into `verify` commands, in chain order and ahead of their decision: it remembers
 * where each cluster's verified chain will end once everything in flight has taken effect. Should something in flight
 * turn out to have none (a new leader's log without it), that memory is corrected and members' repeated reports start
 * it again.
 */
import type { ClusterRange, Digest, ObjectClusterNumber, ServerName } from "@redoubt/shared";
import { inRanges } from "../ranges.ts";
import type { MasterChange, VerifyCommand } from "./commands.ts";
import { MASTER_TIMES, type MasterContext } from "./context.ts";
import { isVerifiable } from "./metadata-outcomes.ts";
import { clusterRecord } from "./metadata-state.ts";
import { acceptedBy, type Candidate, type ReportCollector } from "./report-collector.ts";

/** Changes in one command; more are split, so that a slot stays small. */
const COMMAND_CHANGES_MAX = 256;

export class VerifyPipeline {
  readonly #context: MasterContext;
  readonly #collector: ReportCollector;
  /** True for clusters whose settlement is being decided: nothing new may be verified there meanwhile. */
  readonly #isHeldBack: (cluster: ObjectClusterNumber) => boolean;
  readonly #tips = new Map<ObjectClusterNumber, Digest>();
  readonly #inFlight = new Map<Digest, MasterChange>();
  #waiting: { readonly change: MasterChange; readonly testers: readonly ServerName[] }[] = [];
  #waitingSince = 0;

  constructor(
    context: MasterContext,
    collector: ReportCollector,
    isHeldBack: (cluster: ObjectClusterNumber) => boolean,
  ) {
    this.#context = context;
    this.#collector = collector;
    this.#isHeldBack = isHeldBack;
  }

  /** Queues every candidate that can be verified now, and what can follow it. */
  offer(candidates: Iterable<Candidate>): void {
    const work = [...candidates];
    for (let candidate = work.pop(); candidate; candidate = work.pop()) {
      if (this.#offerOne(candidate) && !candidate.change.readOnly) {
        work.push(...this.#collector.successorsOf(candidate.change.digest));
      }
    }
  }

  #offerOne(candidate: Candidate): boolean {
    const { change } = candidate;
    if (this.#context.isHeldBack) return false;
    if (this.#inFlight.has(change.digest) || change.links.some(({ cluster }) => this.#isHeldBack(cluster)))
      return false;
    const { state } = this.#context;
    const tipOf = (cluster: ObjectClusterNumber) => this.#tips.get(cluster) ?? clusterRecord(state, cluster)?.head;
    if (!isVerifiable(state, change, tipOf)) return false;
    const testers = acceptedBy(state, candidate);
    if (!testers) return false;
    if (!change.readOnly) for (const { cluster } of change.links) this.#tips.set(cluster, change.digest);
    this.#inFlight.set(change.digest, change);
    if (this.#waiting.length === 0) this.#waitingSince = this.#context.now;
    this.#waiting.push({ change, testers });
    return true;
  }

  /** Proposes what has been gathered long enough, or is enough. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    if (this.#waiting.length < COMMAND_CHANGES_MAX && this.#context.now < this.flushAt) return;
    for (let at = 0; at < this.#waiting.length; at += COMMAND_CHANGES_MAX) {
      this.#context.propose({ kind: "verify", changes: this.#waiting.slice(at, at + COMMAND_CHANGES_MAX) });
    }
    this.#waiting = [];
  }

  get flushAt(): number {
    return this.#waiting.length === 0 ? Number.POSITIVE_INFINITY : this.#waitingSince + MASTER_TIMES.verifyBatchMs;
  }

  /** A decided `verify` command, after it was applied. */
  applied(command: VerifyCommand): void {
    const followers: Candidate[] = [];
    for (const { change } of command.changes) {
      const { digest, requestId, links } = change;
      const outcome = this.#context.state.outcomes.get(requestId);
      const hasTakenEffect = outcome?.kind === "verified" && outcome.change.digest === digest;
      this.#inFlight.delete(digest);
      this.#collector.forget(digest);
      for (const { cluster } of links) {
        if (!hasTakenEffect || this.#tips.get(cluster) === digest) this.#tips.delete(cluster);
      }
      if (hasTakenEffect) followers.push(...this.#collector.successorsOf(digest));
    }
    this.offer(followers);
  }

  hasInFlight(clusters: readonly ClusterRange[]): boolean {
    for (const { links } of this.#inFlight.values()) {
      if (links.some(({ cluster }) => inRanges(clusters, cluster))) return true;
    }
    return false;
  }

  clear(): void {
    this.#tips.clear();
    this.#inFlight.clear();
    this.#waiting = [];
  }
}

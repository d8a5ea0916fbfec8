/**
 * The primary's way from an opened epoch to its settlement: ask the members of the ending epoch for their promises until
 * they suffice, hold new verifications back, let those in flight end, classify, propose. A new primary starts over with
 * every epoch that is open; members repeat their lists.
 */
import {
  assert,
  type ClusterRange,
  type Epoch,
  type ObjectClusterNumber,
  type PromisedMessage,
  type ServerName,
} from "@redoubt/shared";
import { eachCluster } from "../ranges.ts";
import type { MasterChange } from "./commands.ts";
import { MASTER_TIMES, type MasterContext } from "./context.ts";
import { isOfMember, isStruckOff } from "./membership.ts";
import { clusterRecord, type EpochTerms, isInSettledEpochs, type OpenEpoch } from "./metadata-state.ts";
import { PromisedPages } from "./promised-pages.ts";
import { classify, type SettledCluster, type Settlement, settledCluster } from "./settlement.ts";
import { checkList } from "./settlement-list.ts";

interface Round {
  readonly open: OpenEpoch;
  /** Members of the ending epoch in any of the clusters. */
  readonly members: readonly ServerName[];
  readonly lists: Map<ServerName, readonly MasterChange[]>;
  readonly faulty: Set<ServerName>;
  readonly pages: PromisedPages;
  askedAt: number;
  /** Something changed since the last classification. */
  isDirty: boolean;
  /** Set while verifications are held back. */
  heldSince: number | undefined;
  proposedAt: number;
}

/** Void changes named in one decision; what is not named as surviving is as dead. Keeps the command within a frame. */
const VOIDED_NAMES_MAX = 2048;

/** How long verifications in flight are waited for; past that the slot check of `settle` alone protects them. */
const DRAIN_MS = 1000;

export class SettlementDriver {
  readonly #context: MasterContext;
  readonly #hasInFlight: (clusters: readonly ClusterRange[]) => boolean;
  readonly #rounds = new Map<Epoch, Round>();

  constructor(context: MasterContext, hasInFlight: (clusters: readonly ClusterRange[]) => boolean) {
    this.#context = context;
    this.#hasInFlight = hasInFlight;
  }

  get isWaiting(): boolean {
    return this.#rounds.size > 0;
  }

  clear(): void {
    this.#rounds.clear();
  }

  /** True for clusters whose settlement is about to be decided. */
  isHeldBack(cluster: ObjectClusterNumber): boolean {
    if (this.#rounds.size === 0) return false;
    const epoch = clusterRecord(this.#context.state, cluster)?.opened.epoch ?? 0;
    return this.#rounds.get(epoch)?.heldSince !== undefined;
  }

  /** After commands were applied: rounds for newly opened epochs, none for settled or superseded ones. */
  sync(): void {
    const { openEpochs } = this.#context.state;
    for (const epoch of this.#rounds.keys()) if (!openEpochs.has(epoch)) this.#rounds.delete(epoch);
    for (const [epoch, open] of openEpochs) if (!this.#rounds.has(epoch)) this.#rounds.set(epoch, this.#begin(open));
    for (const round of this.#rounds.values()) round.isDirty = true;
  }

  /** A `settle` was applied; without effect (something was verified meanwhile) it is made again at once. */
  settleApplied(epoch: Epoch): void {
    const round = this.#rounds.get(epoch);
    if (round) round.proposedAt = Number.NEGATIVE_INFINITY;
  }

  #begin(open: OpenEpoch): Round {
    const members = new Set<ServerName>();
    let seen: EpochTerms | undefined;
    for (const cluster of eachCluster(open.clusters)) {
      const terms = clusterRecord(this.#context.state, cluster)?.settled;
      if (!terms || terms === seen) continue;
      for (const member of terms.members) members.add(member);
      seen = terms;
    }
    return {
      open,
      members: [...members],
      lists: new Map(),
      faulty: new Set(),
      pages: new PromisedPages(),
      askedAt: Number.NEGATIVE_INFINITY,
      isDirty: true,
      heldSince: undefined,
      proposedAt: Number.NEGATIVE_INFINITY,
    };
  }

  /** A list counts once its sender has taken in everything up to the epoch: what it lists is undecided, survivors are there. */
  promised(from: ServerName, message: PromisedMessage): void {
    const round = this.#rounds.get(message.epoch);
    if (!round || message.appliedThrough < message.epoch || !round.members.includes(from)) return;
    if (!isOfMember(this.#context.state, from, message.identity)) return;
    const undecided = round.pages.take(from, message);
    if (!undecided) return;
    const { hasher, mastersKeys } = this.#context.state;
    const isOwn = (cluster: ObjectClusterNumber) =>
      clusterRecord(this.#context.state, cluster)?.settled.members.includes(from) ?? false;
    const checked = checkList(hasher, (epoch) => mastersKeys.get(epoch), isOwn, undecided);
    if (checked.kind === "impossible") this.#noteFaulty(round, from, checked.reason);
    else if (!round.faulty.has(from)) round.lists.set(from, checked.changes);
    round.isDirty = true;
    this.#advance(round);
  }

  /** Its lists count no more in this round; the regulator tells people (ADR 0013). */
  #noteFaulty(round: Round, member: ServerName, reason: string): void {
    round.lists.delete(member);
    if (round.faulty.has(member)) return;
    round.faulty.add(member);
    const regulator = this.#context.state.leases.get("traffic-regulator")?.server;
    const { epoch } = round.open.terms;
    if (regulator !== undefined)
      this.#context.send("traffic-regulator", regulator, { kind: "memberMisbehaved", member, epoch, reason });
  }

  /** Every {@link MASTER_TIMES.dutyMs}, and after commands were applied. */
  run(): void {
    for (const round of this.#rounds.values()) {
      this.#ask(round);
      this.#advance(round);
    }
  }

  #ask(round: Round): void {
    if (this.#context.now < round.askedAt + MASTER_TIMES.promiseResendMs) return;
    round.askedAt = this.#context.now;
    const { terms, clusters } = round.open;
    for (const member of round.members) {
      if (round.lists.has(member) || round.faulty.has(member)) continue;
      this.#context.send("state-replica", member, { kind: "promise", epoch: terms.epoch, clusters });
    }
  }

  #advance(round: Round): void {
    const { now } = this.#context;
    if (now < round.proposedAt + MASTER_TIMES.commandResendMs) return;
    if (!round.isDirty && round.heldSince === undefined) return;
    round.isDirty = false;
    const settlement = this.#classify(round);
    if (settlement.kind === "wait") {
      round.heldSince = undefined;
      return;
    }
    round.heldSince ??= now;
    if (this.#hasInFlight(round.open.clusters) && now < round.heldSince + DRAIN_MS) return;
    round.proposedAt = now;
    this.#context.propose({
      kind: "settle",
      epoch: round.open.terms.epoch,
      asOf: this.#context.applied,
      survivors: settlement.survivors,
      voided: settlement.voided.slice(0, VOIDED_NAMES_MAX),
    });
  }

  #classify({ open, lists, faulty }: Round): Settlement {
    const { state } = this.#context;
    const byTerms = new Map<EpochTerms, ReadonlySet<ServerName>>();
    const clusterOf = (cluster: ObjectClusterNumber): SettledCluster => {
      const record = clusterRecord(state, cluster);
      assert(record, `an epoch was opened for cluster ${cluster}, which does not exist`);
      const known = byTerms.get(record.settled);
      if (known) return { ...record.settled, struckOff: known, head: record.head };
      const settled = settledCluster(
        record.settled,
        (member) => isStruckOff(state, record.settled, open.terms, member),
        record.head,
      );
      byTerms.set(record.settled, settled.struckOff);
      return settled;
    };
    return classify({
      clusters: open.clusters,
      clusterOf,
      lists,
      faulty,
      isInvalid: (digest) => open.invalid.has(digest),
      isDecided: (requestId) => state.outcomes.has(requestId),
      isCurrent: (change) => isInSettledEpochs(state, change),
    });
  }
}

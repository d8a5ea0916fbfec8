/**
 * Epochs that the primary opens of its own accord, with the holder unchanged: a member restarted (it confirms no
 * read-only request before an epoch newer than those it had) or misses a change for too long.
 *
 * Restart, reasoned: a member that restarted at slot `a` of the stream needs an epoch newer than `a`. Epochs are slots,
 * so one comparison tells whether a cluster's epoch will do; repeated and late messages cause nothing. Is the newest
 * epoch unsettled, it is settled first: whether the member counts it as known or not, the next one will do.
 *
 * Bounded: one member causes epochs at growing intervals only, so that a faulty one cannot stop everybody's work.
 */
import type { GapMessage, ServerName, Slot } from "@redoubt/shared";
import { toRanges } from "../ranges.ts";
import { MASTER_TIMES, type MasterContext } from "./context.ts";
import { type ClusterRecord, clusterRecord, type EpochTerms } from "./metadata-state.ts";

interface Pause {
  until: number;
  lengthMs: number;
}

export class EpochRequests {
  readonly #context: MasterContext;
  /** Slot that a restarted member had taken in, while it still needs a newer epoch. */
  readonly #restarts = new Map<ServerName, Slot>();
  /** Members are certified servers, so their number is bounded by the cluster's size. */
  readonly #pauses = new Map<ServerName, Pause>();

  constructor(context: MasterContext) {
    this.#context = context;
  }

  get isWaiting(): boolean {
    return this.#restarts.size > 0;
  }

  /** Remembered on every master: whoever is primary next serves it. */
  restarted(member: ServerName, after: Slot): void {
    this.#restarts.set(member, Math.max(after, this.#restarts.get(member) ?? 0));
  }

  gap(member: ServerName, message: GapMessage): void {
    const record = clusterRecord(this.#context.state, message.cluster);
    if (!record || record.opened.epoch !== message.epoch || !isSettled(record)) return;
    if (record.opened.members.includes(member) && this.mayCause(member)) this.reopen(record.opened);
  }

  /** Every {@link MASTER_TIMES.dutyMs} on the primary, while somebody waits. */
  run(): void {
    for (const [member, claimed] of this.#restarts) {
      // Nobody has taken in more than the primary: a higher slot is a lie that would never be satisfied.
      const after = Math.min(claimed, this.#context.applied);
      this.#restarts.set(member, after);
      const outdated = this.#epochsOf(member).filter(({ opened }) => opened.epoch <= after);
      if (outdated.length === 0) {
        this.#restarts.delete(member);
        continue;
      }
      const ready = outdated.filter(isSettled);
      if (ready.length > 0 && this.mayCause(member)) for (const { opened } of ready) this.reopen(opened);
    }
  }

  /** One record for each epoch the member is part of. */
  #epochsOf(member: ServerName): ClusterRecord[] {
    const seen = new Set<EpochTerms>();
    return this.#context.state.clusters.filter(({ opened }) => {
      if (seen.has(opened)) return false;
      seen.add(opened);
      return opened.members.includes(member);
    });
  }

  /** The clusters named are one of the domain's; applying extends them to all of it. */
  reopen({ epoch, holder, wanted }: EpochTerms): void {
    const cluster = this.#context.state.clusters.findIndex(({ opened }) => opened.epoch === epoch);
    this.#context.propose({
      kind: "openEpoch",
      clusters: toRanges([cluster]),
      epochMax: epoch,
      holder,
      ...wanted,
      invalid: [],
    });
  }

  /** Whether this member may cause an epoch now; if so, not again for a while. */
  mayCause(member: ServerName): boolean {
    const { now } = this.#context;
    const pause = this.#pauses.get(member);
    if (pause && now < pause.until) return false;
    const isQuiet = !pause || now >= pause.until + MASTER_TIMES.epochPauseMsMax;
    const lengthMs = isQuiet ? MASTER_TIMES.epochPauseMs : Math.min(pause.lengthMs * 2, MASTER_TIMES.epochPauseMsMax);
    this.#pauses.set(member, { until: now + lengthMs, lengthMs });
    return true;
  }
}

const isSettled = ({ opened, settled }: ClusterRecord): boolean => opened.epoch === settled.epoch;

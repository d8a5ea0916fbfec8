/**
 * One reading of this member's whole journal, from the first record to the last, as a state machine without effects
 * (docs/PROTOCOL.md §10): from nothing but what is on the disk it recomputes the digest of every change, hence C1 of every
 * version, and C2 of every object along the verified chain. Whatever the process has in memory is not consulted.
 *
 * Records must be given in their order. It stops at the decision that names a change it has not read: that change's
 * record is damaged, or missing.
 */
import { type ChangeName, type ChangeRecord, type Digest, type RequestId, ZERO_DIGEST } from "@redoubt/shared";
import type { Hasher } from "../core.ts";
import { digestChange, extendC2, passDigest, summarize } from "../digests.ts";
import type { StateReplicaDurable } from "./types.ts";

/** Where an object's chain of verified versions has come to. */
export interface ObjectChain {
  readonly number: number;
  readonly c2: Digest;
  /** Request that wrote it. */
  readonly writer: RequestId;
}

interface PendingChange {
  readonly requestId: RequestId;
  readonly writes: readonly { readonly object: string; readonly number: number; readonly c1: Digest }[];
}

/** Changes read and not yet decided; twice what a member keeps undecided, so that only dead ones are forgotten. */
const PENDING_MAX = 65_536;

export type SweepStep =
  | { readonly kind: "taken" }
  /** The record cannot be taken before this change is there: {@link Sweep.supply} it. */
  | { readonly kind: "lacks"; readonly change: ChangeName };

const TAKEN: SweepStep = { kind: "taken" };

export interface SweepRules {
  readonly hasher: Hasher;
  /** False: the objects' C2 is left to another sweep (what they hold is checked all the same). */
  readonly isInShare: (object: string) => boolean;
  /** True for changes that this member has to hold. */
  readonly mustHold: (clusters: readonly number[]) => boolean;
}

export class Sweep {
  readonly chains = new Map<string, ObjectChain>();
  /** Some version's number does not follow: the decisions on this disk are not those that were made. */
  isBroken = false;
  readonly #rules: SweepRules;
  readonly #pending = new Map<Digest, PendingChange>();

  constructor(rules: SweepRules) {
    this.#rules = rules;
  }

  take(record: StateReplicaDurable): SweepStep {
    if (record.kind === "accepted" || record.kind === "fetched") this.#hold(record.record);
    if (record.kind !== "applied") return TAKEN;
    for (const decision of record.slot.decisions) {
      if (decision.kind !== "verified" || decision.readOnly || this.#pending.has(decision.change.digest)) continue;
      if (this.#rules.mustHold(decision.clusters)) return { kind: "lacks", change: decision.change };
    }
    for (const decision of record.slot.decisions)
      if (decision.kind === "verified" && !decision.readOnly) this.#verify(decision.change.digest);
    return TAKEN;
  }

  /** A change that could not be read from the disk, as another member holds it. */
  supply(record: ChangeRecord): void {
    this.#hold(record);
  }

  /** By which requests the versions were written that the change continues, where this sweep knows: as journalled with it. */
  parentsOf(record: ChangeRecord): (RequestId | null)[] {
    return record.writes.map(({ object, parent }) =>
      parent.number === 0 ? null : (this.chains.get(object)?.writer ?? null),
    );
  }

  #hold(record: ChangeRecord): void {
    const { hasher, isInShare } = this.#rules;
    const summary = summarize(hasher, record);
    const writes = summary.writes.flatMap(({ object, number, c1 }) =>
      isInShare(object) ? [{ object, number, c1 }] : [],
    );
    this.#pending.set(digestChange(hasher, summary), { requestId: record.ticket.body.requestId, writes });
    if (this.#pending.size <= PENDING_MAX) return;
    for (const oldest of this.#pending.keys()) {
      this.#pending.delete(oldest);
      return;
    }
  }

  #verify(digest: Digest): void {
    const { hasher } = this.#rules;
    const verdictDigest = passDigest(hasher, digest);
    const pending = this.#pending.get(digest);
    this.#pending.delete(digest);
    if (!pending) return;
    for (const { object, number, c1 } of pending.writes) {
      const chain = this.chains.get(object) ?? { number: 0, c2: ZERO_DIGEST };
      this.isBroken ||= number !== chain.number + 1;
      const c2 = extendC2(hasher, chain.c2, c1, verdictDigest);
      this.chains.set(object, { number, c2, writer: pending.requestId });
    }
  }
}

/**
 * Compares what state replicas recompute from their disks with what the masters verified (docs/PROTOCOL.md §10): C2 of the
 * newest verified version of every object. What differs is told to the replica, which repairs it; a pass in which every
 * object is equal is what admits a replica that is not a member.
 *
 * A replica is a little behind or, just after an election, ahead, and objects change while a pass runs: so a few of the
 * last versions are remembered besides the newest. A version that is neither says nothing and the pass does not count.
 * Bounded: one pass per sender, and {@link RECENT_MAX} versions.
 */
import type { ChecksumsMessage, Digest, ServerName, Slot } from "@redoubt/shared";
import type { MasterContext } from "./context.ts";
import type { VersionRow } from "./types.ts";

/** Versions remembered after newer ones were verified. */
const RECENT_MAX = 65_536;
/** Slots whose number of objects is remembered. */
const COUNTS_MAX = 65_536;
export const CHECKSUM_ENTRIES_MAX = 512;

interface Pass {
  readonly identity: string;
  readonly pass: number;
  readonly since: Slot;
  compared: number;
  /** Entries that are not (or not known to be) the masters'. */
  unequal: number;
}

/** A pass in which nothing was wrong. */
export interface WholePass {
  readonly identity: string;
  readonly appliedThrough: Slot;
}

export class ChecksumAudit {
  readonly #context: MasterContext;
  readonly #passes = new Map<ServerName, Pass>();
  readonly #recent = new Map<string, Digest>();
  /** Number of objects after each slot that made new ones, ascending. */
  #counts: { readonly slot: Slot; readonly objects: number }[] = [];
  /** Of slots before this one nothing is known here: the state began with a checkpoint or a peer's snapshot. */
  #knownFrom: Slot = 0;

  constructor(context: MasterContext) {
    this.#context = context;
  }

  /** After a slot was applied, on every master. */
  applied(slot: Slot, versions: readonly VersionRow[]): void {
    for (const { object, number, c2 } of versions) this.#recent.set(`${number} ${object}`, c2);
    for (const key of this.#recent.keys()) {
      if (this.#recent.size <= RECENT_MAX) break;
      this.#recent.delete(key);
    }
    if (!versions.some(({ number }) => number === 1)) return;
    this.#counts.push({ slot, objects: this.#context.state.heads.size });
    if (this.#counts.length > COUNTS_MAX) this.#counts.shift();
  }

  /** The state was replaced as a whole by that after this slot. */
  restored(slot: Slot): void {
    this.#passes.clear();
    this.#recent.clear();
    this.#counts = [{ slot, objects: this.#context.state.heads.size }];
    this.#knownFrom = slot;
  }

  clear(): void {
    this.#passes.clear();
  }

  /** On the primary. Returns the pass when this message ends it and everything was equal. */
  take(from: ServerName, message: ChecksumsMessage): WholePass | undefined {
    const entries = message.entries.slice(0, CHECKSUM_ENTRIES_MAX);
    const pass = this.#passOf(from, message);
    const differing: { object: string; number: number; c2: Digest }[] = [];
    for (const { object, number, c2 } of entries) {
      const expected = this.#expected(object, number);
      pass.compared += 1;
      if (expected === c2) continue;
      pass.unequal += 1;
      if (expected !== undefined) differing.push({ object, number, c2: expected });
    }
    const [first] = differing;
    if (first) {
      this.#context.send("state-replica", from, { kind: "checksumsDiffer", pass: message.pass, entries: differing });
      this.#tell(from, `${differing.length} of its checksums differ, the first that of ${first.object}`);
    }
    const { end } = message;
    if (!end) return undefined;
    this.#passes.delete(from);
    const objects = this.#objectsAt(pass.since);
    const isWhole = pass.unequal === 0 && pass.compared === end.objects && objects !== undefined;
    return isWhole && end.objects >= objects
      ? { identity: pass.identity, appliedThrough: end.appliedThrough }
      : undefined;
  }

  /** People hear of it from the regulator, as of other misbehaviour: a copy that is not right, whatever the reason. */
  #tell(member: ServerName, reason: string): void {
    const regulator = this.#context.state.leases.get("traffic-regulator")?.server;
    const act = "corrupt-copy";
    if (regulator !== undefined)
      this.#context.send("traffic-regulator", regulator, { kind: "memberMisbehaved", member, epoch: 0, reason, act });
  }

  #passOf(from: ServerName, { identity, pass, since }: ChecksumsMessage): Pass {
    const known = this.#passes.get(from);
    if (known?.pass === pass && known.identity === identity) return known;
    const begun = { identity, pass, since, compared: 0, unequal: 0 };
    this.#passes.set(from, begun);
    return begun;
  }

  /** Undefined: too long ago, or not verified here. */
  #expected(object: string, number: number): Digest | undefined {
    const head = this.#context.state.heads.get(object);
    return head?.number === number ? head.c2 : this.#recent.get(`${number} ${object}`);
  }

  /** How many objects there were after this slot; undefined when that is forgotten. */
  #objectsAt(slot: Slot): number | undefined {
    if (slot > this.#context.applied || slot < this.#knownFrom) return undefined;
    const isForgotten = this.#counts.length === COUNTS_MAX && slot < (this.#counts[0]?.slot ?? 0);
    if (isForgotten) return undefined;
    return this.#counts.findLast((count) => count.slot <= slot)?.objects ?? 0;
  }
}

/**
 * Repair of damaged journal records (docs/PROTOCOL.md §10). A damaged record says nothing of itself. What belongs in its
 * place is in this process's memory if it is young; otherwise it is found from the other side: the decisions name changes by
 * digest, the one that was not read is fetched from another member, which its digest proves, and it is offered to the
 * journal for each damaged place until one takes it. The journal takes only the bytes that its hash chain binds, so a wrong
 * guess costs a look and changes nothing.
 *
 * It does not read (`scrub.ts` does). What no decision names and this process does not remember stays damaged: it is
 * reported, and the replica is better started again without its journal.
 */
import type { ChangeName, ChangeRecord, Digest, RequestId } from "@redoubt/shared";
import { type RecordNumber, send } from "../core.ts";
import { put, type Replica, type Turn } from "./context.ts";
import type { StateReplicaDurable } from "./types.ts";

const ASK_AGAIN_MS = 100;
const PATIENCE_MS = 3_000;
/** Damaged places remembered; beyond, the disk is not worth repairing. */
const DAMAGED_MAX = 4_096;

interface Trial {
  readonly number: RecordNumber;
  readonly record: StateReplicaDurable;
}

interface Wanted {
  readonly change: ChangeName;
  readonly until: number;
  askAt: number;
}

export class Repairs {
  /** Those of earlier passes that were not repaired are still in. */
  readonly #damaged = new Set<RecordNumber>();
  /** Places that were tried with what is in memory, in this pass. */
  readonly #tried = new Set<RecordNumber>();
  /** Decided changes for which no place took what another member sent, in this pass. */
  readonly #missing = new Set<Digest>();
  #wanted: Wanted | undefined;
  #givenUp: Digest | undefined;
  #supplied: { readonly digest: Digest; readonly record: ChangeRecord } | undefined;
  #trials: Trial[] = [];
  #isTrying = false;
  #peerTurn = 0;

  /** True while the sweep has to wait. */
  get isBusy(): boolean {
    return this.#wanted !== undefined || this.#isTrying;
  }

  get hasDamage(): boolean {
    return this.#damaged.size > 0 || this.#missing.size > 0;
  }

  get wakeAt(): number {
    return this.#wanted?.askAt ?? Number.POSITIVE_INFINITY;
  }

  /** The change that another member is asked for. */
  get wanted(): ChangeName | undefined {
    return this.#wanted?.change;
  }

  /** True while the record is known to be damaged. */
  knows(number: RecordNumber): boolean {
    return this.#damaged.has(number);
  }

  /** A pass ended; what is known to be damaged stays known. */
  clear(): void {
    this.#wanted = undefined;
    this.#givenUp = undefined;
    this.#supplied = undefined;
    this.#trials = [];
    this.#isTrying = false;
    this.#tried.clear();
    this.#missing.clear();
  }

  note(replica: Replica, turn: Turn, number: RecordNumber): void {
    if (this.#damaged.has(number) || this.#damaged.size >= DAMAGED_MAX) return;
    this.#damaged.add(number);
    report(replica, turn, "found", number, knownChange(replica, number)?.record);
  }

  /** The record was read without a fault. */
  intact(number: RecordNumber): void {
    this.#damaged.delete(number);
  }

  /** Tries the place with what this process has in memory, once. True when there is an answer to wait for. */
  tryKnown(replica: Replica, turn: Turn, number: RecordNumber): boolean {
    if (this.#tried.has(number)) return false;
    this.#tried.add(number);
    const known = knownChange(replica, number);
    const other = replica.store.known(number);
    if (known) this.#trials = trialsOf(number, known.record, known.place?.parents ?? []);
    else if (other && "kind" in other) this.#trials = [{ number, record: other }];
    else if (number === 0)
      this.#trials = [{ number, record: { kind: "identity", identity: replica.journal.identity } }];
    this.#tryNext(turn);
    return this.#isTrying;
  }

  want(replica: Replica, turn: Turn, change: ChangeName): void {
    this.#wanted = { change, until: turn.now + PATIENCE_MS, askAt: turn.now };
    this.run(replica, turn);
  }

  run(replica: Replica, turn: Turn): void {
    const wanted = this.#wanted;
    if (!wanted || turn.now < wanted.askAt) return;
    const { digest, requestId } = wanted.change;
    if (turn.now >= wanted.until) {
      this.#givenUp = digest;
      this.#wanted = undefined;
      return;
    }
    wanted.askAt = turn.now + ASK_AGAIN_MS;
    const peers = [...replica.stream.peers];
    const peer = peers[this.#peerTurn++ % Math.max(1, peers.length)];
    const message = { kind: "fetchChanges", digests: [digest], requestIds: [requestId] } as const;
    if (peer !== undefined) put(turn, send("state-replica", peer, message));
  }

  /** The change once it is here and every damaged place has been tried; "given up" when nobody sends it. */
  take(digest: Digest): ChangeRecord | "given up" | undefined {
    if (this.#givenUp === digest) return "given up";
    return this.#supplied?.digest === digest ? this.#supplied.record : undefined;
  }

  /** The wanted change, from another member; `parents` as they were journalled with it here. */
  supplied(replica: Replica, turn: Turn, record: ChangeRecord, parents: readonly (RequestId | null)[]): void {
    if (!this.#wanted) return;
    const { digest } = this.#wanted.change;
    this.#wanted = undefined;
    this.#supplied = { digest, record };
    this.#missing.add(digest);
    this.#trials = [...this.#damaged].flatMap((number) => trialsOf(number, record, parents));
    this.#tryNext(turn);
    // Nothing is damaged, and yet the change is not there: other bytes are in its place, with a right checksum.
    if (!this.#isTrying) report(replica, turn, "found", -1, record);
  }

  #tryNext(turn: Turn): void {
    const trial = this.#trials[0];
    this.#isTrying = trial !== undefined;
    if (trial) put(turn, { kind: "repairRecord", number: trial.number, record: trial.record });
  }

  answered(replica: Replica, turn: Turn, number: RecordNumber, ok: boolean): void {
    const trial = this.#trials[0];
    if (!this.#isTrying || trial?.number !== number) return;
    this.#trials.shift();
    if (ok) {
      this.#trials = [];
      this.#damaged.delete(number);
      if (this.#supplied) this.#missing.delete(this.#supplied.digest);
      report(replica, turn, "repaired", number, "record" in trial.record ? trial.record.record : undefined);
    }
    this.#tryNext(turn);
  }
}

const trialsOf = (number: RecordNumber, record: ChangeRecord, parents: readonly (RequestId | null)[]): Trial[] => [
  { number, record: { kind: "accepted", record, parents } },
  { number, record: { kind: "fetched", record, parents } },
];

/** The change journalled under this number, if it is in memory. */
function knownChange({ store }: Replica, number: RecordNumber) {
  const known = store.known(number);
  if (known && "digest" in known) return known;
  for (const entry of store.undecided()) if (entry.place?.number === number) return entry;
  return undefined;
}

/** The event names the first version of the change, where it is known. */
function report(
  replica: Replica,
  turn: Turn,
  state: "found" | "repaired",
  number: RecordNumber,
  change?: ChangeRecord,
): void {
  const write = change?.writes[0];
  const { identity } = replica.journal;
  const event = { state, identity, record: number, object: write?.object ?? "", version: write?.number ?? 0 };
  replica.damage.add(event, turn.now, turn.wall);
}

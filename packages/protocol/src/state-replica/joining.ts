/**
 * A replica that gathers the state (docs/PROTOCOL.md §10): one whose disk was lost, or that is new. It follows the decisions
 * like everybody and fetches every change they name from the others, so there is nothing to transfer beside the stream,
 * and what is on its disk already is not fetched again after a restart. This file keeps the pace, so that members go on
 * serving clients meanwhile, and counts what it cost. When it is a member again the masters decide.
 */
import type { ClusterTable } from "./clusters.ts";
import { journal, type Replica, type Turn } from "./context.ts";

/** Bytes fetched from other members per second, where nothing else is configured. */
export const TRANSFER_BYTES_PER_SECOND = 32 * 1024 * 1024;

/** How a replica came to hold what it holds. */
export interface TransferView {
  /** `member`: of some epoch; `gathering`: of none yet. */
  readonly state: "gathering" | "member";
  /** Changes fetched from other members since this journal began, and their bytes. */
  readonly changes: number;
  readonly bytes: number;
  /**
   * From this process's start without a journal until it was a member; undefined for one that started with its journal.
   * While old decisions are taken in, the replica is once more whatever it was then, so only a value that stays counts.
   */
  readonly gatheredInMs: number | undefined;
}

export class Transfer {
  readonly #bytesPerSecond: number;
  #changes = 0;
  #bytes = 0;
  #since: number | undefined;
  #wasMember = false;
  #gatheredInMs: number | undefined;
  #mayAskAt = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond = TRANSFER_BYTES_PER_SECOND) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** The process starts with an empty journal. */
  begin(now: number): void {
    this.#since = now;
  }

  received(bytes: number, changes: number, now: number): void {
    this.#bytes += bytes;
    this.#changes += changes;
    this.#mayAskAt = Math.max(now, this.#mayAskAt) + (bytes * 1000) / this.#bytesPerSecond;
  }

  /** Monotonic time from which the next changes may be asked for. */
  get mayAskAt(): number {
    return this.#mayAskAt;
  }

  /** After an epoch was installed. */
  installed(clusters: ClusterTable, now: number): void {
    if (this.#since === undefined) return;
    const isMember = clusters.isMember();
    if (isMember && !this.#wasMember) this.#gatheredInMs = now - this.#since;
    this.#wasMember = isMember;
  }

  view(clusters: ClusterTable): TransferView {
    return {
      state: clusters.isMember() ? "member" : "gathering",
      changes: this.#changes,
      bytes: this.#bytes,
      gatheredInMs: this.#gatheredInMs,
    };
  }
}

/** What tells the masters which journal this is. */
export const saysIdentity = ({ journal: { identity } }: Replica): { readonly identity?: string } =>
  identity === "" ? {} : { identity };

/** A journal without a name is empty (or older than names are): whatever is sent waits until the name is durable. */
export function nameJournal(replica: Replica, turn: Turn): void {
  const { journalIdentity } = replica.configuration;
  if (replica.journal.identity !== "" || journalIdentity === undefined) return;
  if (replica.journal.next === 0) replica.transfer.begin(turn.now);
  replica.journal.identity = journalIdentity;
  journal(replica, turn, { kind: "identity", identity: journalIdentity }, "synced");
}

/**
 * Taking in the journal at the start, from its beginning or from a checkpoint.
 *
 * A damaged record says nothing of itself: it may have been a change this member had vouched for, or a promise. So nothing
 * after it can be taken in, and a member that forgot what it said is not the member it was. It gives up everything from
 * there on ({@link AbandonedRecords}; the bytes stay), goes on from the state before, under another name, and is treated
 * as every replica that lost its journal (`joining.ts`): struck off, it fetches what it lacks, and is admitted again. Most
 * of what it holds it keeps. Without a name to take it must not start at all.
 */
import { assert, unreachable } from "@redoubt/shared";
import type { DamagedRecord, RecordNumber } from "../core.ts";
import { entryOf } from "./change-entry.ts";
import { journal, type Replica, type Turn } from "./context.ts";
import { takePromise } from "./promises.ts";
import { replaySlot } from "./stream.ts";
import type { StateReplicaDurable } from "./types.ts";

export class Replaying {
  /** The first damaged record; what follows is passed over. */
  #damagedAt: RecordNumber | undefined;

  take(replica: Replica, record: StateReplicaDurable | DamagedRecord): void {
    const number = replica.journal.next++;
    if (this.#damagedAt === undefined && record.kind === "damaged") this.#damagedAt = number;
    if (this.#damagedAt === undefined) replay(replica, record, number);
    else if (record.kind === "identity" && record.abandoned?.from === this.#damagedAt) {
      this.#damagedAt = undefined;
      rename(replica, record);
    }
  }

  /** Whatever is sent later waits until the new name is durable. */
  ended(replica: Replica, turn: Turn): void {
    const from = this.#damagedAt;
    if (from === undefined) return;
    const identity = replica.configuration.journalIdentity;
    assert(
      identity !== undefined && identity !== replica.journal.identity,
      `record ${from} of the journal is damaged and cannot be replayed; start this replica without its journal`,
    );
    const record = { kind: "identity", identity, abandoned: { from, through: replica.journal.next } } as const;
    replica.transfer.begin(turn.now);
    rename(replica, record);
    journal(replica, turn, record, "synced");
  }
}

function rename({ journal }: Replica, record: Extract<StateReplicaDurable, { readonly kind: "identity" }>): void {
  journal.identity = record.identity;
  if (record.abandoned) journal.abandoned = [...journal.abandoned, record.abandoned];
}

function replay(replica: Replica, durable: StateReplicaDurable | DamagedRecord, number: RecordNumber): void {
  const { store, hasher, stream } = replica;
  switch (durable.kind) {
    case "accepted":
      store.insert(entryOf(hasher, durable.record, { number, parents: durable.parents }));
      return;
    case "fetched": {
      const { digest, record, summary, place } = entryOf(hasher, durable.record, { number, parents: durable.parents });
      assert(summary, "the summary was just computed");
      stream.fetched.set(digest, { record, summary, place });
      return;
    }
    case "applied":
      replaySlot(replica, durable.slot, durable.superseded ?? [], number);
      return;
    case "promise":
      takePromise(replica, durable);
      return;
    // Where records were given up that can be read after all, or that a checkpoint stands for, so much the better.
    case "identity":
      rename(replica, durable);
      return;
    case "fence":
      store.fence(durable.requestId, number);
      return;
    // Kept for people; a re-test does without.
    case "accesses":
    // Passed over by whoever calls.
    case "damaged":
      return;
    default:
      unreachable(durable);
  }
}

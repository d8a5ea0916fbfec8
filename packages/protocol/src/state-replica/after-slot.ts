/** What a live member does after it took in a slot: wake what waited for it, test and report survivors again. */
import { sendMemberAnswers } from "./answers.ts";
import type { ChangeEntry } from "./change-entry.ts";
import type { Replica, Turn } from "./context.ts";
import { retryFetches } from "./fetches.ts";
import { holdKeyOf } from "./held-changes.ts";
import { keysOfCluster, wake } from "./intake.ts";
import type { SlotConsequences } from "./labels.ts";
import { isHomeMember, startTest } from "./tests.ts";

export function afterSlot(replica: Replica, turn: Turn, consequences: SlotConsequences): void {
  for (const entry of consequences.survivors) takeUpSurvivor(replica, turn, entry);
  const keys: string[] = [];
  for (const epoch of consequences.installedEpochs) keys.push(holdKeyOf({ kind: "epoch", epoch }));
  for (const cluster of consequences.clusters) keys.push(...keysOfCluster(replica, cluster));
  if (replica.held.size > 0) wake(replica, turn, keys);
  if (consequences.installedEpochs.size === 0) return;
  replica.transfer.installed(replica.store.clusters, turn.now);
  replica.scrub.hasten(replica, turn.now);
  retryFetches(replica, turn);
}

/** Testers of the old epoch may be gone: every home member tests a survivor (docs/PROTOCOL.md §4). */
function takeUpSurvivor(replica: Replica, turn: Turn, entry: ChangeEntry): void {
  replica.reports.watch(entry, turn.now);
  if (isHomeMember(replica, entry) && startTest(replica, turn, entry)) return;
  replica.reports.report(entry, turn.now);
  sendMemberAnswers(replica, turn, entry);
}

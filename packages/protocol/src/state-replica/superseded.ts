/**
 * Survivors of a settlement that a later one dropped again. A member that is behind cannot get them any more, because
 * nobody keeps what is void, and need not: it passes over them, and over the epoch they belong to. Without this rule such
 * a member would wait for ever, and with it every settlement that needs its list.
 */
import type { Digest, SlotDecisions } from "@redoubt/shared";
import { eachCluster, inRanges } from "../ranges.ts";

/** Survivors named in `slot` that `later` slots show to be dead; nothing that follows one of them is alive either. */
export function deadSurvivors(slot: SlotDecisions, later: Iterable<SlotDecisions>): Set<Digest> {
  const dead = new Set<Digest>();
  const open = slot.decisions.flatMap((decision) =>
    decision.kind === "settled" && decision.survivors.length > 0
      ? [{ clusters: decision.clusters, undecided: new Set(decision.survivors.map(({ digest }) => digest)) }]
      : [],
  );
  for (const { slot: number, decisions } of later) {
    if (open.length === 0 || number <= slot.slot) continue;
    for (const decision of decisions) {
      if (decision.kind === "verified") for (const { undecided } of open) undecided.delete(decision.change.digest);
      if (decision.kind !== "settled") continue;
      const kept = new Set(decision.survivors.map(({ digest }) => digest));
      for (const { clusters, undecided } of open) {
        if (![...eachCluster(clusters)].every((cluster) => inRanges(decision.clusters, cluster))) continue;
        for (const digest of undecided) {
          if (kept.has(digest)) continue;
          undecided.delete(digest);
          dead.add(digest);
        }
      }
    }
  }
  return dead;
}

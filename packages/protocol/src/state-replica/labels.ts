/**
 * Taking in the masters' decisions of one slot (docs/PROTOCOL.md §4): pure state changes, the same when a live stream is
 * followed and when the journal is read after a crash. A slot is taken in as a whole, once every change it names is here
 * (`stream.ts` sees to that). What a live member does about it afterwards is in `after-slot.ts`.
 */
import {
  assert,
  type ChangeRecord,
  type Decision,
  type Digest,
  type Epoch,
  type ObjectClusterNumber,
  type SlotDecisions,
} from "@redoubt/shared";
import { summarize } from "../digests.ts";
import { eachCluster, inRanges } from "../ranges.ts";
import type { Replica } from "./context.ts";
import type { ChangeEntry } from "./store.ts";

/** What a slot changed that something else may wait for. */
export interface SlotConsequences {
  readonly installedEpochs: Set<Epoch>;
  /** Clusters whose chain or serial moved. */
  readonly clusters: Set<ObjectClusterNumber>;
  readonly survivors: ChangeEntry[];
}

/** True when this member must hold the change before it can take in the decision. */
export function needsRecord(replica: Replica, slot: SlotDecisions, clusters: readonly ObjectClusterNumber[]): boolean {
  if (clusters.some((cluster) => replica.store.clusters.isMine(cluster))) return true;
  return slot.decisions.some(
    (decision) =>
      decision.kind === "epochOpened" &&
      decision.members.includes(replica.configuration.self) &&
      clusters.some((cluster) => inRanges(decision.clusters, cluster)),
  );
}

/** Digests of the changes that must be here before the slot can be taken in. */
export function* namedChanges(replica: Replica, slot: SlotDecisions): Generator<Digest> {
  for (const decision of slot.decisions) {
    if (decision.kind === "verified") {
      if (!decision.readOnly && needsRecord(replica, slot, decision.clusters)) yield decision.change.digest;
    } else if (decision.kind === "settled") {
      const settled = [...eachCluster(decision.clusters)];
      if (needsRecord(replica, slot, settled)) for (const { digest } of decision.survivors) yield digest;
    }
  }
}

/** `superseded`: survivors named here that are passed over, because a later slot drops them (`superseded.ts`). */
export function applySlot(replica: Replica, slot: SlotDecisions, superseded: readonly Digest[]): SlotConsequences {
  const consequences = { installedEpochs: new Set<Epoch>(), clusters: new Set<number>(), survivors: [] };
  for (const decision of slot.decisions) applyDecision(replica, decision, superseded, consequences);
  return consequences;
}

function applyDecision(
  replica: Replica,
  decision: Decision,
  superseded: readonly Digest[],
  consequences: SlotConsequences,
): void {
  switch (decision.kind) {
    case "epochOpened":
      openEpoch(replica, decision);
      return;
    case "settled":
      settle(replica, decision, superseded, consequences);
      return;
    case "verified":
      verify(replica, decision, consequences);
      return;
    case "closed":
      replica.fences.add(decision.requestId);
      return;
    case "primary":
      if (decision.component === "traffic-regulator" && decision.epoch >= replica.regulator.epoch) {
        replica.regulator.server = decision.server;
        replica.regulator.epoch = decision.epoch;
      }
  }
}

function openEpoch(replica: Replica, decision: Extract<Decision, { kind: "epochOpened" }>): void {
  const { epoch, holder, members, faultsTolerated } = decision;
  for (const member of members) if (member !== replica.configuration.self) replica.stream.peers.add(member);
  for (const cluster of eachCluster(decision.clusters)) {
    const state = replica.store.clusters.get(cluster);
    if (epoch > state.opened.epoch) state.opened = { epoch, holder, members, faultsTolerated };
  }
}

function settle(
  replica: Replica,
  decision: Extract<Decision, { kind: "settled" }>,
  superseded: readonly Digest[],
  consequences: SlotConsequences,
): void {
  const { store } = replica;
  const survivors = new Set(decision.survivors.map((change) => change.digest));
  const isSettled = (cluster: ObjectClusterNumber) => inRanges(decision.clusters, cluster);
  const dead = store.undecidedTouching(isSettled).filter((entry) => !survivors.has(entry.digest));
  for (const dropped of store.drop(dead.map((entry) => entry.digest)))
    assert(!survivors.has(dropped.digest), "a survivor follows no dead change (I7)");
  for (const digest of survivors) {
    let entry = store.get(digest);
    const record = takeFetched(replica, digest);
    if (superseded.includes(digest)) continue;
    if (!entry && record) entry = store.insert(digest, record, summarize(replica.hasher, record));
    if (entry?.status === "undecided") consequences.survivors.push(entry);
  }
  // With something passed over the epoch is not this member's to work in; the one that drops it will be.
  if (decision.survivors.some(({ digest }) => superseded.includes(digest))) return;
  for (const cluster of eachCluster(decision.clusters)) {
    const state = store.clusters.get(cluster);
    if (state.opened.epoch !== decision.epoch) continue;
    state.installed = state.opened;
    state.lastSerial = 0;
    consequences.clusters.add(cluster);
  }
  consequences.installedEpochs.add(decision.epoch);
}

function verify(
  replica: Replica,
  decision: Extract<Decision, { kind: "verified" }>,
  consequences: SlotConsequences,
): void {
  if (decision.readOnly) return;
  const { store } = replica;
  const { digest } = decision.change;
  let entry = store.get(digest);
  if (!entry) {
    const record = takeFetched(replica, digest);
    if (!record) return;
    store.drop(conflictsWith(replica, record));
    entry = store.insert(digest, record, summarize(replica.hasher, record));
    passByFetched(replica, record);
  }
  replica.stream.fetched.delete(digest);
  store.verify(entry);
  for (const { cluster } of entry.record.links) consequences.clusters.add(cluster);
}

/** Undecided changes here that cannot be beside this verified one: all in its clusters, and one of its request id. */
function conflictsWith(replica: Replica, record: ChangeRecord): Digest[] {
  const conflicts: Digest[] = [];
  for (const { cluster } of record.links) {
    const first = replica.store.clusters.get(cluster).undecided[0];
    if (first) conflicts.push(first);
  }
  const rival = replica.store.byRequest(record.ticket.body.requestId);
  if (rival?.status === "undecided") conflicts.push(rival.digest);
  return conflicts;
}

/** What comes after a change that was taken from the stream is in order here too. */
function passByFetched(replica: Replica, record: ChangeRecord): void {
  for (const { cluster, epoch } of record.links) {
    const state = replica.store.clusters.get(cluster);
    if (state.installed.epoch === epoch) state.lastSerial = Math.max(state.lastSerial, record.serial);
  }
}

function takeFetched(replica: Replica, digest: Digest): ChangeRecord | undefined {
  const record = replica.stream.fetched.get(digest);
  replica.stream.fetched.delete(digest);
  return record;
}

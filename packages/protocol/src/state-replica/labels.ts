/**
 * Taking in the masters' decisions of one slot (docs/PROTOCOL.md §4): pure state changes, the same when a live stream is
 * followed and when the journal is read after a crash. A slot is taken in as a whole, once every change it names is here
 * (`stream.ts` sees to that). What a live member does about it afterwards is in `after-slot.ts`.
 */
import {
  assert,
  type ChangeName,
  type ChangeRecord,
  type Decision,
  type Digest,
  type Epoch,
  type ObjectClusterNumber,
  type RequestId,
  type SlotDecisions,
} from "@redoubt/shared";
import { eachCluster, inRanges } from "../ranges.ts";
import type { ChangeEntry } from "./change-entry.ts";
import type { Replica } from "./context.ts";
import type { FetchedChange } from "./fetched-changes.ts";

/** What a slot changed that something else may wait for. */
export interface SlotConsequences {
  readonly installedEpochs: Set<Epoch>;
  /** Clusters whose chain or serial moved. */
  readonly clusters: Set<ObjectClusterNumber>;
  readonly survivors: ChangeEntry[];
  /** Requests closed: fenced by the record of this slot. */
  readonly closed: RequestId[];
}

/** Gives a change that came from another member its place in the journal, just before it is inserted. */
export type PlaceFetched = (digest: Digest, fetched: FetchedChange) => ChangeEntry;

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

/** The changes that must be here before the slot can be taken in. */
export function* namedChanges(replica: Replica, slot: SlotDecisions): Generator<ChangeName> {
  for (const decision of slot.decisions) {
    if (decision.kind === "verified") {
      if (!decision.readOnly && needsRecord(replica, slot, decision.clusters)) yield decision.change;
    } else if (decision.kind === "settled") {
      const settled = [...eachCluster(decision.clusters)];
      if (needsRecord(replica, slot, settled)) yield* decision.survivors;
    }
  }
}

/** `superseded`: survivors named here that are passed over, because a later slot drops them (`superseded.ts`). */
export function applySlot(
  replica: Replica,
  slot: SlotDecisions,
  superseded: readonly Digest[],
  place: PlaceFetched,
): SlotConsequences {
  const consequences = { installedEpochs: new Set<Epoch>(), clusters: new Set<number>(), survivors: [], closed: [] };
  const application = { replica, superseded, place, consequences };
  for (const decision of slot.decisions) applyDecision(application, decision);
  return consequences;
}

interface Application {
  readonly replica: Replica;
  readonly superseded: readonly Digest[];
  readonly place: PlaceFetched;
  readonly consequences: SlotConsequences;
}

function applyDecision(application: Application, decision: Decision): void {
  const { replica, consequences } = application;
  switch (decision.kind) {
    case "epochOpened":
      openEpoch(replica, decision);
      return;
    case "settled":
      settle(application, decision);
      return;
    case "verified":
      verify(application, decision);
      return;
    case "closed":
      consequences.closed.push(decision.requestId);
      return;
    case "primary":
      if (decision.component === "traffic-regulator" && decision.epoch >= replica.regulator.epoch) {
        replica.regulator.server = decision.server;
        replica.regulator.epoch = decision.epoch;
      }
      if (decision.component === "traffic-regulator" && decision.epoch >= replica.regulator.decided.epoch) {
        const { server, epoch } = decision;
        replica.regulator.decided = { server, epoch };
      }
  }
}

function openEpoch(replica: Replica, decision: Extract<Decision, { kind: "epochOpened" }>): void {
  const { epoch, holder, members, faultsTolerated, wanted = members } = decision;
  const description = { epoch, holder, members, faultsTolerated, wanted };
  for (const member of members) if (member !== replica.configuration.self) replica.stream.peers.add(member);
  for (const cluster of eachCluster(decision.clusters)) {
    const state = replica.store.clusters.get(cluster);
    if (epoch > state.opened.epoch) state.opened = description;
  }
}

function settle(
  { replica, superseded, place, consequences }: Application,
  decision: Extract<Decision, { kind: "settled" }>,
): void {
  const { store } = replica;
  const survivors = new Set(decision.survivors.map((change) => change.digest));
  const isSettled = (cluster: ObjectClusterNumber) => inRanges(decision.clusters, cluster);
  const dead = store.undecidedTouching(isSettled).filter((entry) => !survivors.has(entry.digest));
  for (const dropped of store.drop(dead.map((entry) => entry.digest)))
    assert(!survivors.has(dropped.digest), "a survivor follows no dead change (I7)");
  for (const digest of survivors) {
    let entry = store.undecidedOf(digest);
    const fetched = takeFetched(replica, digest);
    if (superseded.includes(digest)) continue;
    if (!entry && fetched) entry = store.insert(place(digest, fetched));
    if (entry) consequences.survivors.push(entry);
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
  { replica, place, consequences }: Application,
  decision: Extract<Decision, { kind: "verified" }>,
): void {
  if (decision.readOnly) return;
  const { store } = replica;
  const { digest } = decision.change;
  let entry = store.undecidedOf(digest);
  if (!entry) {
    const fetched = takeFetched(replica, digest);
    if (!fetched) return;
    store.drop(conflictsWith(replica, fetched.record));
    entry = store.insert(place(digest, fetched));
    passByFetched(replica, fetched.record);
  }
  replica.stream.fetched.delete(digest);
  store.verify(entry);
  replica.reports.decided(digest);
  for (const { cluster } of entry.record.links) consequences.clusters.add(cluster);
}

/** Undecided changes here that cannot be beside this verified one: all in its clusters, and one of its request id. */
function conflictsWith(replica: Replica, record: ChangeRecord): Digest[] {
  const conflicts: Digest[] = [];
  for (const { cluster } of record.links) {
    const first = replica.store.clusters.get(cluster).undecided[0];
    if (first) conflicts.push(first);
  }
  const rival = replica.store.undecidedOfRequest(record.ticket.body.requestId);
  if (rival) conflicts.push(rival.digest);
  return conflicts;
}

/** What comes after a change that was taken from the stream is in order here too. */
function passByFetched(replica: Replica, record: ChangeRecord): void {
  for (const { cluster, epoch } of record.links) {
    const state = replica.store.clusters.get(cluster);
    if (state.installed.epoch === epoch) state.lastSerial = Math.max(state.lastSerial, record.serial);
  }
}

function takeFetched(replica: Replica, digest: Digest): FetchedChange | undefined {
  const fetched = replica.stream.fetched.get(digest);
  replica.stream.fetched.delete(digest);
  return fetched;
}

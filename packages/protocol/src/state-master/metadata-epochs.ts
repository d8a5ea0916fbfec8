/** Effect of the commands `openEpoch` and `settle` (docs/PROTOCOL.md §4). */
import type { ChangeName, Digest, ObjectClusterNumber, RequestId, ServerName, Slot } from "@redoubt/shared";
import { areValidRanges, eachCluster, inRanges, toRanges } from "../ranges.ts";
import { type MasterChange, nameOf, type OpenEpochCommand, type SettleCommand } from "./commands.ts";
import { forgetUnseated, seatMembers } from "./membership.ts";
import {
  type Applied,
  clusterRecord,
  type EpochTerms,
  isInSettledEpochs,
  type MetadataState,
  type OpenEpoch,
} from "./metadata-state.ts";

/** What every proposal for an epoch must fulfil, whoever asks for it. */
export function isValidOpening(command: Omit<OpenEpochCommand, "kind">): boolean {
  const { clusters, holder, members, faultsTolerated } = command;
  if (!areValidRanges(clusters) || holder === "") return false;
  if (!Number.isInteger(faultsTolerated) || faultsTolerated < 0) return false;
  return members.length > faultsTolerated && new Set(members).size === members.length;
}

/** True when some cluster of the request has moved on already: the request, or a newer one, has been served. */
export function isOpeningOutdated(state: MetadataState, command: Omit<OpenEpochCommand, "kind">): boolean {
  for (const cluster of eachCluster(command.clusters)) {
    if ((clusterRecord(state, cluster)?.opened.epoch ?? 0) > command.epochMax) return true;
  }
  return false;
}

/**
 * The whole domains that the clusters belong to, the new holder's own included: one holder, one domain, one epoch
 * (ADR 0002). Before the first opening all clusters share the empty holder and so form one domain.
 */
function extendToDomains(state: MetadataState, command: OpenEpochCommand): ObjectClusterNumber[] {
  const holders = new Set<ServerName>([command.holder]);
  for (const cluster of eachCluster(command.clusters)) {
    const record = clusterRecord(state, cluster);
    if (record) holders.add(record.opened.holder);
  }
  const clusters: ObjectClusterNumber[] = [];
  for (const [cluster, record] of state.clusters.entries()) {
    if (holders.has(record.opened.holder)) clusters.push(cluster);
  }
  return clusters;
}

/**
 * May part of a domain get an epoch and a holder of its own? Its epoch is the one named, settled, and by the regulator's word
 * no ticket names it; so an undecided change that touches both sides of the cut could only be a survivor of earlier epochs.
 */
function isSeparable(state: MetadataState, { clusters, epochMax, holder }: OpenEpochCommand): boolean {
  for (const cluster of eachCluster(clusters)) {
    const record = clusterRecord(state, cluster);
    if (record?.opened.epoch !== epochMax || record.settled.epoch !== epochMax) return false;
  }
  if (state.clusters.some(({ opened }) => opened.holder === holder)) return false;
  for (const { links } of state.survivors.values()) {
    const inside = links.filter(({ cluster }) => inRanges(clusters, cluster)).length;
    if (inside > 0 && inside < links.length) return false;
  }
  return true;
}

export function applyOpenEpoch(state: MetadataState, command: OpenEpochCommand, slot: Slot, applied: Applied): void {
  if (!isValidOpening(command) || isOpeningOutdated(state, command)) return;
  if (command.part && !isSeparable(state, command)) return;
  const clusters = command.part ? [...eachCluster(command.clusters)] : extendToDomains(state, command);
  // A slot names one epoch, with one holder: a second opening in one slot waits for the asker to ask again.
  if (state.openEpochs.has(slot)) return;
  const wanted = { members: command.members, faultsTolerated: command.faultsTolerated };
  const seats = seatMembers(state, clusters, wanted);
  if (!seats) return;
  const ranges = toRanges(clusters);
  const invalid = new Map<Digest, ChangeName>(command.invalid.map((change) => [change.digest, change]));
  for (const superseded of openEpochsIn(state, clusters)) {
    for (const [digest, change] of superseded.invalid) invalid.set(digest, change);
    state.openEpochs.delete(superseded.terms.epoch);
  }
  for (const [digest, { requestId }] of invalid) if (isVerified(state, requestId, digest)) invalid.delete(digest);
  const { holder } = command;
  const { members, faultsTolerated, vacant } = seats;
  const terms: EpochTerms = { epoch: slot, holder, members, faultsTolerated, vacant, wanted };
  for (const cluster of clusters) (clusterRecord(state, cluster) as { opened: EpochTerms }).opened = terms;
  forgetUnseated(state);
  state.openEpochs.set(slot, { terms, clusters: ranges, invalid, verifiedAt: 0 });
  applied.decisions.push({
    kind: "epochOpened",
    clusters: ranges,
    epoch: slot,
    holder,
    members,
    faultsTolerated,
    ...(wanted.members.join() === members.join() ? {} : { wanted: wanted.members }),
    invalid: [...invalid.values()],
  });
}

function openEpochsIn(state: MetadataState, clusters: readonly ObjectClusterNumber[]): OpenEpoch[] {
  const epochs = new Set(clusters.map((cluster) => clusterRecord(state, cluster)?.opened.epoch ?? 0));
  return [...epochs].map((epoch) => state.openEpochs.get(epoch)).filter((open) => open !== undefined);
}

const isVerified = (state: MetadataState, requestId: RequestId, digest: Digest): boolean => {
  const outcome = state.outcomes.get(requestId);
  return outcome?.kind === "verified" && outcome.change.digest === digest;
};

/**
 * Ends the undecided changes of the epoch's clusters but the survivors. The proposer classified them as of a slot; if
 * something was verified here since, its result may contradict that and is ignored: the primary classifies again.
 */
export function applySettle(state: MetadataState, command: SettleCommand, slot: Slot, applied: Applied): void {
  const open = state.openEpochs.get(command.epoch);
  if (!open || open.verifiedAt > command.asOf || command.asOf >= slot) return;
  const survivors = keepContinuing(state, open, command.survivors);
  const voided = new Map<Digest, ChangeName>();
  for (const change of [...command.voided, ...open.invalid.values()]) voided.set(change.digest, change);
  for (const [digest, change] of state.survivors) {
    if (!touches(open, change)) continue;
    state.survivors.delete(digest);
    voided.set(digest, nameOf(change));
  }
  for (const change of survivors) {
    state.survivors.set(change.digest, change);
    voided.delete(change.digest);
  }
  for (const [digest, { requestId }] of voided) if (isVerified(state, requestId, digest)) voided.delete(digest);
  for (const cluster of eachCluster(open.clusters)) {
    const record = clusterRecord(state, cluster);
    if (record) record.settled = open.terms;
  }
  state.openEpochs.delete(command.epoch);
  const names = [...voided.values()];
  applied.decisions.push({
    kind: "settled",
    clusters: open.clusters,
    epoch: command.epoch,
    survivors: survivors.map(nameOf),
    voided: names,
  });
  for (const change of names) {
    const status = open.invalid.has(change.digest) ? "invalid" : "voided";
    applied.dead.push({ status, change, epoch: command.epoch });
  }
}

const touches = (open: OpenEpoch, change: MasterChange): boolean =>
  change.links.some(({ cluster }) => inRanges(open.clusters, cluster));

/** Of the proposed survivors those that may still be verified, one after the other, on the verified heads. */
function keepContinuing(state: MetadataState, open: OpenEpoch, proposed: readonly MasterChange[]): MasterChange[] {
  const tips = new Map<ObjectClusterNumber, Digest>();
  const requestIds = new Set<RequestId>();
  const kept: MasterChange[] = [];
  for (const change of proposed) {
    if (change.readOnly || state.outcomes.has(change.requestId) || requestIds.has(change.requestId)) continue;
    if (open.invalid.has(change.digest) || !isInSettledEpochs(state, change)) continue;
    const continues = change.links.every(({ cluster, follows }) => {
      const tip = tips.get(cluster) ?? clusterRecord(state, cluster)?.head;
      return inRanges(open.clusters, cluster) && follows === tip;
    });
    if (!continues) continue;
    for (const { cluster } of change.links) tips.set(cluster, change.digest);
    requestIds.add(change.requestId);
    kept.push(change);
  }
  return kept;
}

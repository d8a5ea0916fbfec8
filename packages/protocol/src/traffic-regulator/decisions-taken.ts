/** Taking in the masters' decisions, strictly in slot order (docs/PROTOCOL.md §2, §4). */
import {
  type ChangeName,
  type ClusterRange,
  type Decision,
  type Digest,
  type RequestId,
  type StreamMessage,
  unreachable,
} from "@redoubt/shared";
import { inRanges } from "../ranges.ts";
import { settleChange, takeVerified } from "./answers.ts";
import { addFact, append, domainOf, isPrimary, noteById, type Regulator, sendTo } from "./context.ts";
import { dispatchWaiting } from "./dispatch.ts";
import { judgeDivergenceNow } from "./divergence.ts";
import { reviewPlacement } from "./epoch-wishes.ts";
import { loseAttempt } from "./failures.ts";
import { startGenesis } from "./genesis.ts";
import { readmit } from "./held-release.ts";
import { moveLeases } from "./lease-moves.ts";
import { advance } from "./lifecycle.ts";
import { askOutcome, closedByMasters, settleDead } from "./outcomes.ts";
import type { PendingRequest } from "./request.ts";
import { startRuns } from "./shadow-runs.ts";
import { sendTicketKey, sendTicketKeys } from "./ticket-keys.ts";

/** The position in the stream is journalled at least this often. */
const SLOTS_PER_CHECKPOINT = 2_000;

export function onStream(regulator: Regulator, message: StreamMessage): void {
  const { link, now } = regulator;
  const { slots, hole } = link.receive(message, now);
  if (hole && link.mayFollowForHole(now)) follow(regulator);
  let moved = false;
  for (const { decisions } of slots)
    for (const decision of decisions) moved = takeDecision(regulator, decision) || moved;
  if (moved || link.through - regulator.placementSavedThrough >= SLOTS_PER_CHECKPOINT) savePlacement(regulator);
}

/** Told to all of them: whoever is primary next must know its followers. */
export function follow(regulator: Regulator): void {
  for (const master of regulator.link.masters)
    sendTo(regulator, "state-master", master, { kind: "follow", after: regulator.link.through, restarted: false });
}

function savePlacement(regulator: Regulator): void {
  const through = regulator.link.through;
  regulator.placementSavedThrough = through;
  const domains = regulator.placement.export();
  regulator.savedPlacement = { kind: "placement", through, domains, heads: regulator.ancestors.export() };
  append(regulator, regulator.savedPlacement);
}

/** True when the placement changed. */
function takeDecision(regulator: Regulator, decision: Decision): boolean {
  switch (decision.kind) {
    case "epochOpened":
      onEpochOpened(regulator, decision);
      return true;
    case "settled":
      onSettled(regulator, decision);
      return true;
    case "verified":
      onVerified(regulator, decision);
      return false;
    case "closed":
      noteById(regulator, decision.requestId, { kind: "decided", decision: "closed", attempt: null });
      closedByMasters(regulator, decision.requestId);
      return false;
    case "primary":
      onPrimary(regulator, decision);
      return false;
    default:
      return unreachable(decision);
  }
}

function onPrimary(regulator: Regulator, decision: Extract<Decision, { kind: "primary" }>): void {
  const { settings, link } = regulator;
  if (decision.component !== "traffic-regulator" || decision.epoch <= regulator.epoch) return;
  if (decision.server === settings.self && decision.nonce === link.nonce) {
    if (regulator.epoch > 0) return;
    link.claimed = true;
    regulator.epoch = decision.epoch;
    sendTicketKeys(regulator);
    reviewPlacement(regulator);
    return;
  }
  if (!isPrimary(regulator)) return;
  if (decision.server !== settings.self) {
    regulator.demoted = true;
    return;
  }
  // A claim of this server's earlier process was decided late. Everything starts again under a new epoch.
  regulator.epoch = 0;
  link.claimAgain(regulator.dependencies.makeKey());
}

function onEpochOpened(regulator: Regulator, decision: Extract<Decision, { kind: "epochOpened" }>): void {
  const replaced = regulator.placement.open(decision, regulator.now);
  // A domain that lost only a part of its clusters is still there, with what is wished for it.
  const gone = replaced.filter((domain) => !regulator.placement.domains.includes(domain));
  const reason = regulator.wishes.fulfilled(gone) ?? (gone.length > 0 ? "state masters" : "lease of a part moved");
  for (const request of [...regulator.logs.allPending()]) {
    const { current } = request;
    if (request.state !== "running" || !current || current.epoch >= decision.epoch) continue;
    if (!inRanges(decision.clusters, request.home)) continue;
    judgeDivergenceNow(regulator, request, current);
    loseAttempt(regulator, request);
  }
  for (const member of decision.members) if (isPrimary(regulator)) sendTicketKey(regulator, member);
  // Told once by the primary of the time, not again by one that replays the stream.
  if (isPrimary(regulator))
    addFact(regulator, {
      kind: "epochOpened",
      epoch: decision.epoch,
      objectClusters: decision.clusters.reduce((sum, { from, to }) => sum + to - from + 1, 0),
      holder: decision.holder,
      reason,
    });
  moveLeases(regulator);
  reviewPlacement(regulator);
}

function onSettled(regulator: Regulator, decision: Extract<Decision, { kind: "settled" }>): void {
  const { clusters, epoch, survivors } = decision;
  regulator.placement.settle(epoch, clusters);
  const kept = new Map(survivors.map((change) => [change.requestId, change]));
  for (const request of [...regulator.logs.allPending()])
    if (inRanges(clusters, request.home)) settleRequest(regulator, request, epoch, kept);
  moveLeases(regulator);
  dispatchWaiting(regulator);
  startRuns(regulator);
  checkAgain(regulator, clusters);
  if (isPrimary(regulator)) startGenesis(regulator);
}

function settleRequest(
  regulator: Regulator,
  request: PendingRequest,
  epoch: number,
  kept: ReadonlyMap<RequestId, ChangeName>,
): void {
  const survivor = kept.get(request.requestId);
  if (survivor) {
    request.survivor = survivor;
    forgetRivals(request, survivor.digest);
    if (!advance(regulator, request, "survived")) regulator.toJudge.add(request);
    return;
  }
  const isOver =
    (request.state === "running" && (request.current?.epoch ?? epoch) < epoch) ||
    (request.state === "doomed" && request.doomedAfter < epoch) ||
    request.state === "surviving";
  if (isOver) settleDead(regulator, request);
}

/** All members hold the survivor now: what they said of another content is out of date, and they have to be asked again. */
function forgetRivals({ current }: PendingRequest, survivor: Digest): void {
  for (const words of [current?.votes, current?.acceptance])
    for (const [server, { changeDigest }] of words ?? []) if (changeDigest !== survivor) words?.delete(server);
}

/** Questions that had to wait for the settlement. */
function checkAgain(regulator: Regulator, clusters: readonly ClusterRange[]): void {
  for (const request of [...regulator.logs.allPending()])
    if (request.state === "checking" && inRanges(clusters, request.home) && domainOf(regulator, request))
      askOutcome(regulator, request);
}

function onVerified(regulator: Regulator, decision: Extract<Decision, { kind: "verified" }>): void {
  const { change, replyDigest, clusters } = decision;
  const held = regulator.logs.held.get(change.requestId);
  const request = held ? readmit(regulator, held) : regulator.logs.pending(change.requestId);
  noteById(regulator, change.requestId, { kind: "decided", decision: "verified", attempt: change.attempt });
  if (!decision.readOnly) settleChange(regulator, request, change.digest, clusters);
  if (request) takeVerified(regulator, request, { kind: "verified", change, replyDigest });
  else if (regulator.logs.which(change.requestId) === undefined) regulator.logs.seen.add(change.requestId);
}

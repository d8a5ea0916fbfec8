/**
 * Moving part of an overloaded domain to an idle execution server (docs/PROTOCOL.md §4, ADR 0013). Leases stay where they are
 * until their holder has more work than it should for a while, another server has none, and the requests of late fall apart
 * into two sets of object clusters. Then, for one domain at a time:
 *
 *   draining  nothing is dispatched there for 100 ms, so that what runs may end;
 *   closing   the whole domain gets a new epoch, same holder: its settlement decides everything undecided;
 *   splitting no ticket names that epoch, so no change spans the cut: the masters open an epoch for the part alone;
 *   burning   the masters did not in time: the domain gets another epoch, so that a late answer can do nothing.
 *
 * The domain of the part is held (`isUsable`) all the while. Whatever else changes its epoch ends the move.
 */
import type { ClusterRange, Epoch, ObjectClusterNumber, ServerName } from "@redoubt/shared";
import { toRanges } from "../ranges.ts";
import { isPrimary, type Regulator, sendToMasters } from "./context.ts";
import { dispatchWaiting } from "./dispatch.ts";
import { wishEpoch } from "./epoch-wishes.ts";
import type { Domain, PlacementTable } from "./placement.ts";
import { planSplit, RecentTouches } from "./split-plan.ts";

/** When a domain is overloaded, and how much must be known to split it. */
export interface OverloadRules {
  /** Requests at its holder at a time. */
  readonly running: number;
  /** For so long without a break, milliseconds. */
  readonly sustainedMs: number;
  /** Requests looked at. */
  readonly requestsMin: number;
}

export const OVERLOAD: OverloadRules = { running: 128, sustainedMs: 3_000, requestsMin: 1_024 };

const DRAIN_MS = 100;
const MOVE_MS = 3_000;
const REPEAT_MS = 300;
const TOUCHES_MAX = 4_096;
/** Between two moves; doubled by each join that follows, so that parts which belong together stay together. */
const PAUSE_MS = 60_000;
const PAUSE_MAX_MS = 60 * 60_000;

interface Move {
  phase: "draining" | "closing" | "splitting" | "burning";
  readonly part: readonly ClusterRange[];
  /** One cluster of the part: its domain is held. */
  readonly cluster: ObjectClusterNumber;
  readonly target: { readonly server: ServerName; readonly incarnation: string };
  /** Epoch that is being left; in `splitting` and `burning` the one in which nothing was dispatched. */
  epoch: Epoch;
  readonly holder: ServerName;
  readonly since: number;
  sentAt: number;
}

export class LeaseMoves {
  readonly touches = new RecentTouches(TOUCHES_MAX);
  current: Move | undefined;
  /** Since when each overloaded holder has been so. */
  readonly overloadedSince = new Map<ServerName, number>();
  notBefore = 0;
  pauseMs = PAUSE_MS;
  readonly rules: OverloadRules;

  constructor(rules: OverloadRules) {
    this.rules = rules;
  }

  /** Nothing may be dispatched in this domain now. */
  holds(placement: PlacementTable, domain: Domain): boolean {
    return this.current !== undefined && placement.domainOf(this.current.cluster) === domain;
  }

  /** A request needed what is apart: it was not worth it. */
  joined(now: number): void {
    if (now < this.notBefore - this.pauseMs / 2) return;
    this.pauseMs = Math.min(PAUSE_MAX_MS, this.pauseMs * 2);
    this.notBefore = now + this.pauseMs;
  }
}

/** Starts a move where one is due, and takes the one under way further. Called with the housekeeping and after decisions. */
export function moveLeases(regulator: Regulator): void {
  if (!isPrimary(regulator)) {
    regulator.moves.current = undefined;
    return;
  }
  if (regulator.moves.current) proceed(regulator, regulator.moves.current);
  else considerMove(regulator);
}

function considerMove(regulator: Regulator): void {
  const { moves, now, placement } = regulator;
  const overloaded = findOverloaded(regulator);
  if (!overloaded || now < moves.notBefore) return;
  const target = findIdle(regulator);
  if (!target) return;
  const part = planSplit(
    moves.touches.all,
    (cluster) => placement.domainOf(cluster) === overloaded,
    moves.rules.requestsMin,
  );
  const [cluster] = part ?? [];
  if (!part || cluster === undefined) return;
  moves.notBefore = now + moves.pauseMs;
  moves.overloadedSince.clear();
  moves.current = {
    phase: "draining",
    part: toRanges(part),
    cluster,
    target: { server: target.server, incarnation: target.incarnation },
    epoch: overloaded.epoch,
    holder: overloaded.holder,
    since: now,
    sentAt: Number.NEGATIVE_INFINITY,
  };
}

function findOverloaded({ moves, now, placement, servers, epoch }: Regulator): Domain | undefined {
  const { running, sustainedMs } = moves.rules;
  let found: Domain | undefined;
  for (const domain of placement.domains) {
    const holder = servers.get(domain.holder);
    if (!holder || holder.running.size < running || !domain.settled || domain.epoch <= epoch) {
      moves.overloadedSince.delete(domain.holder);
      continue;
    }
    const since = moves.overloadedSince.get(domain.holder) ?? now;
    moves.overloadedSince.set(domain.holder, since);
    if (now - since >= sustainedMs) found ??= domain;
  }
  return found;
}

/** A live server that holds nothing, runs nothing and has no strikes. */
const findIdle = ({ servers, placement, now }: Regulator) =>
  servers.live.find(
    ({ server, running }) =>
      running.size === 0 &&
      servers.strikes(server, now) === 0 &&
      placement.domains.every((domain) => domain.holder !== server),
  );

function proceed(regulator: Regulator, move: Move): void {
  const { placement, now } = regulator;
  const domain = placement.domainOf(move.cluster);
  switch (move.phase) {
    case "draining":
      if (domain.epoch !== move.epoch) end(regulator);
      else if (now - move.since >= DRAIN_MS || regulator.servers.get(move.holder)?.running.size === 0) {
        move.phase = "closing";
        wishEpoch(regulator, domain, `part of its object clusters goes to ${move.target.server}`);
      }
      return;
    case "closing":
      if (domain.epoch === move.epoch) return;
      if (domain.holder !== move.holder) end(regulator);
      else if (domain.settled) {
        move.phase = "splitting";
        move.epoch = domain.epoch;
        split(regulator, move, domain);
      }
      return;
    case "splitting":
      if (domain.epoch !== move.epoch) end(regulator);
      else split(regulator, move, domain);
      return;
    case "burning":
      if (domain.epoch !== move.epoch) end(regulator);
      return;
  }
}

function split(regulator: Regulator, move: Move, domain: Domain): void {
  const { now, servers, placement } = regulator;
  const { server, incarnation } = move.target;
  const isTaken = placement.domains.some(({ holder }) => holder === server);
  if (now - move.since >= MOVE_MS || isTaken || !servers.isLive(server, incarnation)) {
    move.phase = "burning";
    wishEpoch(regulator, domain, "its part was not moved in time");
    return;
  }
  if (now - move.sentAt < REPEAT_MS) return;
  move.sentAt = now;
  sendToMasters(regulator, {
    kind: "requestEpoch",
    clusters: move.part,
    epochMax: move.epoch,
    holder: server,
    members: domain.wanted ?? domain.members,
    faultsTolerated: domain.faultsTolerated,
    invalid: [],
    part: true,
  });
}

function end(regulator: Regulator): void {
  regulator.moves.current = undefined;
  regulator.moves.touches.clear();
  dispatchWaiting(regulator);
}

/**
 * New epochs the regulator wants (docs/PROTOCOL.md §4): collected per domain, asked for until the stream shows that the
 * domain is no more. Several reasons for one domain become one request.
 */
import type { ChangeName, ClusterRange, Epoch, ServerName } from "@redoubt/shared";
import { replicationDegree } from "../quorum.ts";
import { eachCluster, toRanges } from "../ranges.ts";
import { isPrimary, type Regulator, sendToMasters } from "./context.ts";
import { loadsOf } from "./loads.ts";
import type { Domain } from "./placement.ts";

const REPEAT_MS = 300;
const INVALID_MAX = 256;
/** An opened epoch that is not settled by then is opened again. */
const UNSETTLED_MS = 3_000;

interface Wish {
  reason: string;
  /** Wanted by a failure; others are dropped as soon as the domain is in order again. */
  explicit: boolean;
  readonly invalid: Map<string, ChangeName>;
  /** Other domains to be joined with this one. */
  readonly joined: Set<Domain>;
  sentAt: number;
}

export class EpochWishes {
  readonly pending = new Map<Domain, Wish>();

  add(domain: Domain, reason: string, explicit: boolean): Wish {
    let wish = this.pending.get(domain);
    if (!wish) {
      wish = { reason, explicit, invalid: new Map(), joined: new Set(), sentAt: Number.NEGATIVE_INFINITY };
      this.pending.set(domain, wish);
    }
    wish.explicit ||= explicit;
    return wish;
  }

  /** These domains are no more. Returns why, where this regulator wanted it. */
  fulfilled(domains: readonly Domain[]): string | undefined {
    let reason: string | undefined;
    for (const domain of domains) {
      reason ??= this.pending.get(domain)?.reason;
      this.pending.delete(domain);
    }
    return reason;
  }
}

/** Wants a new epoch of the domain; it is asked for at the end of the step. */
export function wishEpoch(
  regulator: Regulator,
  domain: Domain,
  reason: string,
  options: { readonly invalid?: ChangeName; readonly join?: readonly Domain[] } = {},
): void {
  const wish = regulator.wishes.add(domain, reason, true);
  const { invalid, join } = options;
  if (invalid && !wish.invalid.has(invalid.digest) && wish.invalid.size < INVALID_MAX) {
    wish.invalid.set(invalid.digest, invalid);
    wish.sentAt = Number.NEGATIVE_INFINITY;
  }
  for (const other of join ?? []) if (other !== domain) wish.joined.add(other);
}

/** Wants new epochs for domains that cannot be used as they are. */
export function reviewPlacement(regulator: Regulator): void {
  if (!isPrimary(regulator) || !regulator.wanted) return;
  for (const domain of regulator.placement.domains) {
    const problem = problemOf(regulator, domain);
    if (problem !== undefined) regulator.wishes.add(domain, problem, false);
  }
}

function problemOf(regulator: Regulator, domain: Domain): string | undefined {
  if (domain.epoch === 0) return "first epoch";
  if (domain.epoch <= regulator.epoch) return "regulator started";
  if (!regulator.servers.isLive(domain.holder)) return `${domain.holder} is gone`;
  const members = wantedMembers(regulator);
  if (members && members.join() !== (domain.wanted ?? domain.members).join()) return "other members are wanted";
  if (!domain.settled && regulator.now - domain.since > UNSETTLED_MS) return "not settled";
  return undefined;
}

/** 2t+1 of the members the manager names; undefined while there are too few. */
function wantedMembers({ wanted }: Regulator): readonly ServerName[] | undefined {
  if (!wanted) return undefined;
  const degree = replicationDegree(wanted.faultsTolerated);
  return wanted.members.length >= degree ? wanted.members.slice(0, degree) : undefined;
}

/** Sends what is wanted and was not asked for lately. */
export function sendWishes(regulator: Regulator): void {
  const { now, wishes, wanted } = regulator;
  const members = wantedMembers(regulator);
  if (!isPrimary(regulator) || !wanted || !members) return;
  for (const [domain, wish] of wishes.pending) {
    if (now - wish.sentAt < REPEAT_MS) continue;
    if (!wish.explicit && problemOf(regulator, domain) === undefined) {
      wishes.pending.delete(domain);
      continue;
    }
    const holder = holderFor(regulator, domain);
    if (holder === undefined) continue;
    wish.sentAt = now;
    sendToMasters(regulator, {
      kind: "requestEpoch",
      clusters: clustersOf(regulator, domain, wish),
      epochMax: Math.max(domain.epoch, ...[...wish.joined].map(({ epoch }) => epoch)) as Epoch,
      holder,
      members,
      faultsTolerated: wanted.faultsTolerated,
      invalid: [...wish.invalid.values()],
    });
  }
}

/** Leases stay where they are until failure (PROTOCOL §9). */
function holderFor(regulator: Regulator, domain: Domain): ServerName | undefined {
  const { servers, shadows, now, dependencies } = regulator;
  if (servers.isLive(domain.holder)) return domain.holder;
  const avoid = new Set([domain.holder, ...shadows.processesAlone]);
  return servers.choose(now, dependencies.random, avoid, { loadOf: loadsOf(regulator) })?.server;
}

function clustersOf({ placement }: Regulator, domain: Domain, wish: Wish): ClusterRange[] {
  const ranges = placement.rangesOf(domain);
  if (wish.joined.size === 0) return ranges;
  const clusters = [domain, ...wish.joined].flatMap((each) => [...eachCluster(placement.rangesOf(each))]);
  return toRanges(clusters.sort((left, right) => left - right));
}

/**
 * Dispatch tickets (docs/PROTOCOL.md §3.1) and the keys they are authenticated with: one per member and one for the
 * masters, fresh in every regulator epoch and never written down.
 */
import type { Epoch, ObjectClusterNumber, Profile, ServerName, Ticket } from "@redoubt/shared";
import type { Hasher } from "../core.ts";
import { issueTicket } from "../digests.ts";
import { faultsToleratedBy, replicationDegree, vouching } from "../quorum.ts";
import type { Domain } from "./placement.ts";
import type { AdmittedRecord } from "./types.ts";

export class TicketKeys {
  readonly #makeKey: () => string;
  readonly #members = new Map<ServerName, string>();
  readonly mastersKey: string;

  constructor(makeKey: () => string) {
    this.#makeKey = makeKey;
    this.mastersKey = makeKey();
  }

  of(member: ServerName): string {
    let key = this.#members.get(member);
    if (key === undefined) {
      key = this.#makeKey();
      this.#members.set(member, key);
    }
    return key;
  }
}

export interface TicketOrder {
  readonly record: AdmittedRecord;
  readonly attempt: number;
  readonly applicationVersion: string;
  readonly readOnly: boolean;
  /** Ascending. */
  readonly clusters: readonly ObjectClusterNumber[];
  readonly home: ObjectClusterNumber;
  readonly domain: Domain;
  readonly executionServer: ServerName;
  readonly regulatorEpoch: Epoch;
  readonly profile: Profile;
  readonly testers: readonly ServerName[];
  readonly expiresAt: number;
}

export function makeTicket(hasher: Hasher, keys: TicketKeys, order: TicketOrder): Ticket {
  const { record, domain, clusters } = order;
  const body = {
    requestId: record.requestId,
    attempt: order.attempt,
    operation: record.operation,
    applicationVersion: order.applicationVersion,
    inputDigest: record.inputDigest,
    principal: record.clientId,
    now: record.admittedAt,
    seed: record.seed,
    readOnly: order.readOnly,
    executionServer: order.executionServer,
    regulatorEpoch: order.regulatorEpoch,
    clusters: clusters.map((cluster) => ({ cluster, epoch: domain.epoch, members: domain.members })),
    home: order.home,
    profile: order.profile,
    testers: order.testers,
    faultsTolerated: domain.faultsTolerated,
    expiresAt: order.expiresAt,
  };
  return issueTicket(hasher, body, (member) => keys.of(member), keys.mastersKey);
}

/** Rotation by request id, so that testing is spread and no client picks its tester. */
const rotationOf = (requestId: string, attempt: number): number => Number.parseInt(requestId.slice(0, 6), 16) + attempt;

export interface TesterQuestion {
  readonly profile: Profile;
  readonly domain: Domain;
  readonly acceptanceTestServers: readonly ServerName[];
  readonly requestId: string;
  readonly attempt: number;
  /** Suspect lane and shadow runs: everybody tests. */
  readonly everybody: boolean;
  /** Basic: a. */
  readonly acceptanceFaultsTolerated: number;
  /** Basic: acceptance test servers known to have tested wrongly; designated only where there are too few others. */
  readonly distrusted: ReadonlySet<ServerName>;
}

/**
 * Optimized: t+1 members of the home cluster (or all). Basic: 2a+1 acceptance test servers, of which a+1 test at once and the
 * others when these disagree or are late.
 */
export function chooseTesters(question: TesterQuestion): ServerName[] {
  const { profile, domain, requestId, attempt, everybody } = question;
  const candidates = profile === "basic" ? trustedTestServers(question) : domain.members;
  const count =
    profile === "basic"
      ? basicDegree(question, candidates.length)
      : everybody
        ? candidates.length
        : vouching(domain.faultsTolerated);
  const start = rotationOf(requestId, attempt);
  const testers: ServerName[] = [];
  for (let index = 0; index < Math.min(count, candidates.length); index++)
    testers.push(candidates[(start + index) % candidates.length] as ServerName);
  return testers;
}

/** 2a+1, or as many as the servers there are can make up for. */
const basicDegree = ({ acceptanceFaultsTolerated }: TesterQuestion, servers: number): number =>
  replicationDegree(Math.min(acceptanceFaultsTolerated, faultsToleratedBy(servers)));

function trustedTestServers({
  acceptanceTestServers,
  acceptanceFaultsTolerated,
  distrusted,
}: TesterQuestion): readonly ServerName[] {
  const trusted = acceptanceTestServers.filter((server) => !distrusted.has(server));
  return trusted.length >= replicationDegree(acceptanceFaultsTolerated) ? trusted : acceptanceTestServers;
}

/** How many equal verdicts of a ticket's testers decide in the basic profile: a+1 of 2a+1. */
export const verdictsNeeded = (testers: readonly ServerName[]): number => vouching(faultsToleratedBy(testers.length));

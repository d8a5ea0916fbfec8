/**
 * Sending requests to execution servers (docs/PROTOCOL.md §3.1): a request goes out when all its object clusters are in
 * one settled domain whose holder is live and has room. Everything that changes one of these calls {@link dispatchWaiting}.
 */
import type { DispatchMessage, RegulatorConfigurationMessage, ServerName } from "@redoubt/shared";
import { append, domainOf, isUsable, note, publish, type Regulator, retryAfter, schedule, sendTo } from "./context.ts";
import { SIFTED_MAX } from "./crowds.ts";
import { wishEpoch } from "./epoch-wishes.ts";
import { advance } from "./lifecycle.ts";
import type { Domain } from "./placement.ts";
import type { Attempt, PendingRequest } from "./request.ts";
import type { ExecutionServer } from "./servers.ts";
import { chooseTesters, makeTicket, type TesterQuestion, verdictsNeeded } from "./tickets.ts";
import { applicationOf } from "./versions.ts";
import { isToRehearse } from "./withholding.ts";

/** Of them in a worker of their own: each starts a process, and many that start at once would all miss their deadlines. */
const ALONE_MAX = 2;
/** What starting that worker may take beyond the deadline. */
const ALONE_START_MS = 2_000;
/** Waiting requests looked at when one has ended. */
const LOOKED_AT_MAX = 64;
/** Members are asked again when answers are missing for this long. */
export const FIRST_RETRY_MS = 100;
/** What the regulator grants beyond the operation's own deadline, which the server enforces itself. */
const DEADLINE_GRACE_MS = 50;
const DEADLINE_GRACE_SHARE = 0.05;

export function enterWaiting(regulator: Regulator, request: PendingRequest): void {
  request.current = undefined;
  request.survivor = undefined;
  if (request.withheldFor !== undefined) return;
  regulator.waiting.add(request);
  tryDispatch(regulator, request);
  schedule(regulator, request);
}

/** True when it left the queue. */
export function tryDispatch(regulator: Regulator, request: PendingRequest): boolean {
  const domain = domainOf(regulator, request);
  if (!domain) {
    joinDomains(regulator, request);
    return false;
  }
  if (!isUsable(regulator, domain)) return false;
  if (isToRehearse(regulator, request)) {
    advance(regulator, request, "suspended");
    return true;
  }
  const server = regulator.servers.get(domain.holder);
  if (!server || server.running.size >= server.room) return false;
  const disposable = isForItsOwnWorker(regulator, request);
  if (disposable && server.alone.size >= ALONE_MAX) return false;
  if (request.isSifted && server.sifted.size >= SIFTED_MAX) return false;
  dispatch(regulator, request, domain, server, disposable);
  return true;
}

const isForItsOwnWorker = ({ suspects, now }: Regulator, { suspect, internal, record }: PendingRequest): boolean =>
  suspect || internal === "rerun" || record.released === true || suspects.has(record.clientId, now);

export function dispatchWaiting(regulator: Regulator): void {
  for (const request of [...regulator.waiting]) tryDispatch(regulator, request);
}

/** One request has ended: there may be room for the oldest that wait and can go, one in its place and one more. */
export function dispatchOldest(regulator: Regulator): void {
  let looked = 0;
  let dispatched = 0;
  for (const request of regulator.waiting) {
    if (tryDispatch(regulator, request)) dispatched++;
    if (dispatched === 2 || ++looked >= LOOKED_AT_MAX) return;
  }
}

/** Clusters of one request held by different servers: both domains go to one holder (docs/PROTOCOL.md §3.1). */
function joinDomains(regulator: Regulator, request: PendingRequest): void {
  const domains = new Set(request.clusters.map((cluster) => regulator.placement.domainOf(cluster)));
  const newest = [...domains].reduce((best, each) => (each.epoch > best.epoch ? each : best));
  regulator.moves.joined(regulator.now);
  if (newest.epoch > 0) wishEpoch(regulator, newest, "clusters of one request", { join: [...domains] });
}

/** Numbers an attempt; from the second on the number is journalled first, so that none is ever used twice. */
export function nextAttempt(regulator: Regulator, request: PendingRequest): number {
  request.attempt++;
  if (request.attempt > 1)
    append(regulator, { kind: "attempt", requestId: request.requestId, attempt: request.attempt });
  return request.attempt;
}

/** Who tests an attempt, by what the manager wants and whom audits have convicted. */
export const testersOf = (
  { audits }: Regulator,
  { profile, acceptanceTestServers, acceptanceFaultsTolerated = 0 }: RegulatorConfigurationMessage,
  question: Pick<TesterQuestion, "domain" | "requestId" | "attempt" | "everybody">,
): ServerName[] =>
  chooseTesters({
    ...question,
    profile,
    acceptanceTestServers,
    acceptanceFaultsTolerated,
    distrusted: audits.distrusted,
  });

function dispatch(
  regulator: Regulator,
  request: PendingRequest,
  domain: Domain,
  server: ExecutionServer,
  disposable: boolean,
): void {
  const { dependencies, keys, now, wanted } = regulator;
  const { record, requestId } = request;
  if (!wanted) return;
  const number = nextAttempt(regulator, request);
  const { profile } = wanted;
  const testers = testersOf(regulator, wanted, { domain, requestId, attempt: number, everybody: disposable });
  const graceMs = DEADLINE_GRACE_MS + (disposable ? ALONE_START_MS : 0);
  const patienceMs = Math.ceil(request.deadlineMs * (1 + DEADLINE_GRACE_SHARE)) + graceMs;
  const ticket = makeTicket(dependencies.hasher, keys, {
    record,
    attempt: number,
    applicationVersion: applicationOf(regulator, record).version,
    readOnly: request.readOnly,
    clusters: request.clusters,
    home: request.home,
    domain,
    executionServer: server.server,
    regulatorEpoch: regulator.epoch,
    profile,
    testers,
    expiresAt: Math.trunc(regulator.wall) + patienceMs,
  });
  const message = { kind: "dispatch", ticket, input: record.inputText, disposable } as const;
  request.current = makeAttempt({
    number,
    domain,
    testers,
    server,
    disposable,
    dispatch: message,
    startedAt: now,
    deadlineAt: now + patienceMs,
  });
  if (number === 1) request.cameSuspect = disposable;
  request.disposition = "retry";
  request.blamed = true;
  request.blame = undefined;
  request.doomedAfter = domain.epoch;
  server.running.add(requestId);
  regulator.moves.touches.add(request.clusters);
  if (disposable) server.alone.add(requestId);
  if (request.isSifted) server.sifted.add(requestId);
  note(regulator, request, {
    kind: "dispatched",
    attempt: number,
    server: server.server,
    epoch: domain.epoch,
    testers,
    members: domain.members,
    alone: disposable,
  });
  advance(regulator, request, "dispatched");
  regulator.traffic.count("dispatched");
  publish(regulator, { kind: "dispatched", requestId, attempt: number, server: server.server, disposable });
  sendTo(regulator, "execution-server", server.server, message);
}

/** No member has heard of the attempt yet: the message may be lost. A server that has it does nothing twice. */
export function dispatchAgain(regulator: Regulator, { server, incarnation, dispatch: message, votes }: Attempt): void {
  if (message && votes.size === 0 && regulator.servers.isLive(server, incarnation))
    sendTo(regulator, "execution-server", server, message);
}

export function enterRunning(regulator: Regulator, request: PendingRequest): void {
  request.retryDelayMs = FIRST_RETRY_MS;
  retryAfter(regulator, request, FIRST_RETRY_MS);
}

export function makeAttempt(options: {
  readonly number: number;
  readonly domain: Domain;
  readonly testers: readonly ServerName[];
  readonly server: Pick<ExecutionServer, "server" | "incarnation" | "publicKey">;
  readonly disposable: boolean;
  readonly dispatch?: DispatchMessage;
  readonly startedAt: number;
  readonly deadlineAt: number;
}): Attempt {
  const { number, domain, testers, server, disposable, dispatch: message, startedAt, deadlineAt } = options;
  return {
    number,
    epoch: domain.epoch,
    testers,
    server: server.server,
    incarnation: server.incarnation,
    publicKey: server.publicKey,
    members: domain.members,
    homeMembers: domain.members,
    disposable,
    dispatch: message,
    votes: new Map(),
    acceptance: undefined,
    designated: message?.ticket.body.profile === "basic" ? testers.slice(0, verdictsNeeded(testers)) : [...testers],
    startedAt,
    deadlineAt,
    divergence: undefined,
    escalated: false,
    replyAsked: false,
  };
}

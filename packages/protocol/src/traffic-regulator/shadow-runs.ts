/**
 * Shadow runs (docs/PROTOCOL.md §6): the request again, alone, on another execution server in a fresh worker; all home
 * members test the result, which is then discarded. This file keeps the runs; attribution.ts judges them.
 */
import type { ExecutionFailedMessage, ServerName, ShadowVerdictMessage } from "@redoubt/shared";
import type { Sender } from "../core.ts";
import { vouching } from "../quorum.ts";
import { judgeShadow, type ShadowJudgement, type ShadowVote } from "./attribution.ts";
import { addFact, domainOf, isUsable, type Regulator, sendTo } from "./context.ts";
import { nextAttempt } from "./dispatch.ts";
import { clearSuspicion, discardServer, STRIKES_MAX, UNTESTABLE_MAX } from "./failures.ts";
import { isStateFarmHeard } from "./health.ts";
import { advance } from "./lifecycle.ts";
import type { PendingRequest } from "./request.ts";
import type { ExecutionServer } from "./servers.ts";
import { chooseTesters, makeTicket } from "./tickets.ts";

/** Runs at a time, in all and for one principal: a client must not buy more computation by failing (PROTOCOL §10). */
const RUNS_MAX = 8;
const RUNS_PER_PRINCIPAL_MAX = 2;
/** Waiting runs of one principal; beyond, its failing requests are closed without blame. */
const QUEUED_PER_PRINCIPAL_MAX = 64;
const INCONCLUSIVE_MAX = 6;
const PAUSE_MS = 100;
const FRESH_PROCESS_MS = 2_000;
/** What starting a run's worker may take. */
const WORKER_START_MS = 2_000;

export interface ShadowRun {
  readonly run: string;
  readonly request: PendingRequest;
  readonly server: ServerName;
  readonly incarnation: string;
  readonly testers: readonly ServerName[];
  readonly needed: number;
  readonly votes: Map<ServerName, ShadowVote>;
  failure: ExecutionFailedMessage["reason"] | undefined;
  deadlineAt: number;
}

export class ShadowRuns {
  readonly queue = new Set<PendingRequest>();
  readonly active = new Map<string, ShadowRun>();
  /** How often it came to nothing, and when it is tried again. */
  readonly inconclusive = new Map<PendingRequest, { readonly times: number; readonly notBefore: number }>();
  /** Processes whose shadow run of the request failed: evidence against it, or against them if another one passes. */
  readonly accusers = new Map<PendingRequest, { server: ServerName; incarnation: string }[]>();

  /** Since when there has been no process left to ask. */
  readonly stuckSince = new Map<PendingRequest, number>();

  activeOf(principal: string): number {
    let count = 0;
    for (const { request } of this.active.values()) if (request.record.clientId === principal) count++;
    return count;
  }

  queuedOf(principal: string): number {
    let count = 0;
    for (const request of this.queue) if (request.record.clientId === principal) count++;
    return count;
  }

  drop(request: PendingRequest): void {
    this.queue.delete(request);
    this.inconclusive.delete(request);
    this.accusers.delete(request);
    this.stuckSince.delete(request);
    for (const [name, run] of this.active) if (run.request === request) this.active.delete(name);
  }
}

export function enterShadowing(regulator: Regulator, request: PendingRequest): void {
  const { shadows } = regulator;
  if (shadows.queuedOf(request.record.clientId) >= QUEUED_PER_PRINCIPAL_MAX) {
    if (request.blame?.direct === false) {
      // Only ever inside a crash: running alone in a disposable worker is screening enough.
      advance(regulator, request, "innocent");
      return;
    }
    request.blamed = false;
    advance(regulator, request, "malformed");
    return;
  }
  shadows.queue.add(request);
  startRuns(regulator);
}

/** Starts what can be started: domain usable, a live server other than the failing process, budget left. */
export function startRuns(regulator: Regulator): void {
  const { shadows } = regulator;
  for (const request of [...shadows.queue]) {
    if (shadows.active.size >= RUNS_MAX) return;
    if (shadows.activeOf(request.record.clientId) >= RUNS_PER_PRINCIPAL_MAX) continue;
    if (regulator.now < (shadows.inconclusive.get(request)?.notBefore ?? 0)) continue;
    startRun(regulator, request);
  }
}

function startRun(regulator: Regulator, request: PendingRequest): void {
  const { application, dependencies, keys, now, servers, shadows, wanted } = regulator;
  const domain = domainOf(regulator, request);
  if (!wanted || !isUsable(regulator, domain)) return;
  // Not the holder where there is another: what crashes a server must not crash the one that serves everybody.
  const accusers = shadows.accusers.get(request) ?? [];
  const avoid = new Set([domain.holder, request.blame?.server ?? "", ...accusers.map((accuser) => accuser.server)]);
  // A process that has failed with it already has nothing new to say.
  const server = servers.choose(now, dependencies.random, avoid, request.strikes);
  if (!server) {
    awaitFreshProcess(regulator, request);
    return;
  }
  shadows.stuckSince.delete(request);
  const { profile, acceptanceTestServers } = wanted;
  const { record, requestId } = request;
  const attempt = nextAttempt(regulator, request);
  const testers = chooseTesters({ profile, domain, acceptanceTestServers, requestId, attempt, everybody: true });
  const run = `${requestId}/${attempt}`;
  const patienceMs = Math.ceil(request.deadlineMs * 1.5) + WORKER_START_MS;
  const ticket = makeTicket(dependencies.hasher, keys, {
    record,
    attempt,
    applicationVersion: application.version,
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
  shadows.queue.delete(request);
  shadows.active.set(run, {
    run,
    request,
    server: server.server,
    incarnation: server.incarnation,
    testers,
    needed: profile === "basic" ? 1 : vouching(domain.faultsTolerated),
    votes: new Map(),
    failure: undefined,
    deadlineAt: now + patienceMs,
  });
  regulator.traffic.count("shadowRuns");
  sendTo(regulator, "execution-server", server.server, {
    kind: "shadowRun",
    run,
    ticket,
    input: record.inputText,
    reads: request.blame?.reads ?? [],
  });
}

/**
 * Every live process has failed with the request already. Discarded ones come back as new processes; where none does in
 * time (a single execution server), one is replaced so that there is somebody to ask.
 */
function awaitFreshProcess(regulator: Regulator, request: PendingRequest): void {
  const { shadows, servers, now } = regulator;
  const since = shadows.stuckSince.get(request) ?? now;
  shadows.stuckSince.set(request, since);
  const [struck] = servers.live;
  if (!struck || now - since < FRESH_PROCESS_MS) return;
  shadows.stuckSince.delete(request);
  const detail = "no other process could confirm its shadow run";
  const finding = { detector: "acceptance-test", check: "shadow-run", detail } as const;
  discardServer(regulator, struck, request.requestId, finding);
}

export function onShadowVerdict(regulator: Regulator, from: Sender, message: ShadowVerdictMessage): void {
  const run = regulator.shadows.active.get(message.run);
  if (!run?.testers.includes(from.server) || run.votes.has(from.server)) return;
  run.votes.set(from.server, { verdict: message.verdict, resultDigest: message.resultDigest });
  conclude(regulator, run, false);
}

/** True when the message was about a shadow run. */
export function onShadowFailed(regulator: Regulator, from: Sender, message: ExecutionFailedMessage): boolean {
  if (message.run === undefined) return false;
  const run = regulator.shadows.active.get(message.run);
  if (run?.server === from.server) {
    run.failure = message.reason;
    conclude(regulator, run, false);
  }
  return true;
}

/** Deadlines of the runs under way; they are few. */
export function expireRuns(regulator: Regulator): void {
  for (const run of [...regulator.shadows.active.values()]) {
    if (regulator.now < run.deadlineAt) continue;
    if (isStateFarmHeard(regulator, run.testers, run.needed)) conclude(regulator, run, true);
    else again(regulator, run, 0);
  }
}

/** The server that ran them is gone: nothing is known. */
export function dropRunsAt(regulator: Regulator, server: ServerName, incarnation: string): void {
  for (const run of runsAt(regulator, server, incarnation)) repeat(regulator, run);
}

/** The process died with nothing in it but this run: that counts against the request (REQUIREMENTS R35). */
export function strikeLoneRun(regulator: Regulator, { server, incarnation, running }: ExecutionServer): void {
  const [run, ...others] = runsAt(regulator, server, incarnation);
  if (run && others.length === 0 && running.size === 0) run.request.strikes.add(`${server} ${incarnation}`);
}

const runsAt = ({ shadows }: Regulator, server: ServerName, incarnation: string): ShadowRun[] =>
  [...shadows.active.values()].filter((run) => run.server === server && run.incarnation === incarnation);

function conclude(regulator: Regulator, run: ShadowRun, timedOut: boolean): void {
  const { needed, testers, votes, failure } = run;
  const judgement = judgeShadow({ needed, testers, votes, timedOut, ...(failure ? { failure } : {}) });
  if (judgement.kind === "pending") return;
  if (judgement.kind === "untestable" && ++run.request.untestable < UNTESTABLE_MAX) {
    repeat(regulator, run);
    return;
  }
  if (judgement.kind === "inconclusive") {
    if (judgement.serverFailed) {
      const { server, incarnation, request } = run;
      request.strikes.add(`${server} ${incarnation}`);
      const detector = judgement.why === "timeout" ? "deadline" : "checksum-vote";
      const finding = { detector, check: "shadow-run", detail: judgement.why } as const;
      regulator.shadows.active.delete(run.run);
      discardServer(regulator, { server, incarnation }, request.requestId, finding);
    }
    repeat(regulator, run);
    return;
  }
  regulator.shadows.active.delete(run.run);
  if (judgement.kind !== "malformed" || isConfirmed(regulator, run)) attribute(regulator, run.request, judgement);
  else regulator.shadows.queue.add(run.request);
  startRuns(regulator);
}

/**
 * One failing shadow run may be another intruder framing an innocent client (REQUIREMENTS U4, A31): a request is malformed
 * only when it failed on three distinct processes (ADR 0004).
 */
function isConfirmed(regulator: Regulator, { request, server, incarnation }: ShadowRun): boolean {
  const { shadows, wanted } = regulator;
  request.strikes.add(`${server} ${incarnation}`);
  if (request.blame?.direct) request.strikes.add(`${request.blame.server} ${request.blame.incarnation}`);
  shadows.accusers.set(request, [...(shadows.accusers.get(request) ?? []), { server, incarnation }]);
  return request.strikes.size >= STRIKES_MAX || wanted?.strictPaper === true;
}

/** The request passes: whoever failed with it before lied. */
function convictAccusers(regulator: Regulator, request: PendingRequest, resultDigest: string): void {
  for (const accuser of regulator.shadows.accusers.get(request) ?? []) {
    const detail = `its shadow run failed, another passed with result ${resultDigest}`;
    discardServer(regulator, accuser, request.requestId, { detector: "acceptance-test", check: "shadow-run", detail });
    addFact(regulator, { kind: "serverConvicted", ...accuser, requestId: request.requestId, evidence: detail });
  }
}

/** Runs it again elsewhere; what fails on enough distinct processes is malformed (paper §3.2, REQUIREMENTS R35). */
function repeat(regulator: Regulator, run: ShadowRun): void {
  const { request } = run;
  const { shadows } = regulator;
  // The versions the failed attempt read may have become void with it: from now on on the newest.
  if (request.blame) request.blame = { ...request.blame, reads: [] };
  const times = (shadows.inconclusive.get(request)?.times ?? 0) + 1;
  if (request.state === "shadowing" && request.strikes.size >= STRIKES_MAX) {
    shadows.active.delete(run.run);
    attribute(regulator, request, { kind: "malformed", check: "strikes", detail: "failed on distinct processes" });
  } else if (request.state === "shadowing" && times > INCONCLUSIVE_MAX) {
    // Nobody can be found guilty: it is dispatched again, in a worker of its own.
    shadows.drop(request);
    advance(regulator, request, "innocent");
  } else again(regulator, run, 1);
}

/** `counted` 0: the infrastructure was at fault, and the run says nothing at all. */
function again(regulator: Regulator, run: ShadowRun, counted: 0 | 1): void {
  const { request } = run;
  const { shadows, now } = regulator;
  shadows.active.delete(run.run);
  if (request.state !== "shadowing") return;
  const times = (shadows.inconclusive.get(request)?.times ?? 0) + counted;
  shadows.inconclusive.set(request, { times, notBefore: now + PAUSE_MS * times });
  shadows.queue.add(request);
  startRuns(regulator);
}

/** Attribution ends here (docs/PROTOCOL.md §6). */
function attribute(
  regulator: Regulator,
  request: PendingRequest,
  judgement: Exclude<ShadowJudgement, { kind: "pending" | "inconclusive" }>,
): void {
  const { blame, requestId, record } = request;
  if (judgement.kind === "innocent") convictAccusers(regulator, request, judgement.resultDigest);
  regulator.shadows.drop(request);
  if (judgement.kind === "innocent") {
    if (blame?.direct) {
      const { server, incarnation } = blame;
      const evidence = `failed ${blame.check}; the shadow run passed with result ${judgement.resultDigest}`;
      addFact(regulator, { kind: "serverConvicted", server, incarnation, requestId, evidence });
      regulator.suspects.convicted(record.clientId, regulator.now);
    }
    clearSuspicion(regulator, request);
    advance(regulator, request, "innocent");
    return;
  }
  if (judgement.kind === "untestable") request.blamed = false;
  else if (blame) {
    const { check, detail } = judgement;
    // What the shadow run found is about the request; a crash or silence of the first attempt says less.
    if (!blame.direct || blame.detector !== "acceptance-test")
      request.blame = { ...blame, check, detail: `${blame.detail}; ${detail}`.slice(0, 2_000) };
    withholdIfBroken(regulator, request, check);
  }
  advance(regulator, request, "malformed");
}

function withholdIfBroken(regulator: Regulator, request: PendingRequest, check: string): void {
  const { operation, clientId } = request.record;
  const inGoodStanding = regulator.inGoodStanding.has(clientId);
  const { withhold, tripped } = regulator.breaker.count(
    { operation, check, principal: clientId, inGoodStanding },
    regulator.now,
  );
  if (withhold) request.blamed = false;
  if (tripped) addFact(regulator, { kind: "breakerTripped", operation, check });
}

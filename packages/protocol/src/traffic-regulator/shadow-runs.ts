/**
 * Shadow runs (docs/PROTOCOL.md §6): the request again, alone, on another execution server in a fresh worker; all home
 * members test the result, which is then discarded. This file keeps the runs; attribution.ts judges them.
 */
import type { ExecutionFailedMessage, ServerName, ShadowVerdictMessage } from "@redoubt/shared";
import type { Sender } from "../core.ts";
import { digestTicket } from "../digests.ts";
import { vouching } from "../quorum.ts";
import { shadowRunName } from "../shadow-run-name.ts";
import { judgeShadow, type ShadowJudgement } from "./attribution.ts";
import { domainOf, isUsable, note, type Regulator, sendTo } from "./context.ts";
import { nextAttempt, testersOf } from "./dispatch.ts";
import { onUnknownRun } from "./fabrications.ts";
import { discardServer, suspect, UNTESTABLE_MAX } from "./failures.ts";
import { isStateFarmHeard } from "./health.ts";
import { advance } from "./lifecycle.ts";
import { noteFabrication, noteUnorderedResult } from "./misbehaviour.ts";
import type { Domain } from "./placement.ts";
import type { PendingRequest } from "./request.ts";
import type { ExecutionServer } from "./servers.ts";
import { attribute, noteAttribution } from "./shadow-outcomes.ts";
import type { ShadowRun } from "./shadow-registry.ts";
import { detectorOf, isStruckOut, strikeKind } from "./strikes.ts";
import { makeTicket, verdictsNeeded } from "./tickets.ts";
import { noteShadowRun } from "./trail.ts";
import { applicationOf } from "./versions.ts";
import { failsSuspectCheck } from "./withholding.ts";

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
/** A run nothing is heard of is ordered again after this long: the order, the result or the verdicts may be lost. */
const ORDER_AGAIN_MS = 200;
/** A whole process ended, not only a worker of it. */
const PROCESS_GONE = "process-gone";

export function enterShadowing(regulator: Regulator, request: PendingRequest): void {
  const { shadows } = regulator;
  if (shadows.queuedOf(request.record.clientId) >= QUEUED_PER_PRINCIPAL_MAX) {
    if (request.blame?.direct === false) {
      // Only ever inside a crash: running alone in a disposable worker is screening enough.
      suspect(regulator, request);
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
    // Who was only near something that ended does not buy computation by it.
    const isAccused = request.blame?.direct !== false || request.hasFailedAlone;
    if (isAccused && shadows.activeOf(request.record.clientId) >= RUNS_PER_PRINCIPAL_MAX) continue;
    if (regulator.now < (shadows.inconclusive.get(request)?.notBefore ?? 0)) continue;
    startRun(regulator, request);
  }
}

function startRun(regulator: Regulator, request: PendingRequest): void {
  const { dependencies, keys, now, shadows, wanted } = regulator;
  const domain = domainOf(regulator, request);
  if (!wanted || !isUsable(regulator, domain)) return;
  const isProcessAlone = request.blame?.check === PROCESS_GONE;
  const server = chooseServer(regulator, request, domain, isProcessAlone);
  if (!server) return;
  shadows.stuckSince.delete(request);
  const { profile } = wanted;
  const { record, requestId } = request;
  const attempt = nextAttempt(regulator, request);
  const testers = testersOf(regulator, wanted, { domain, requestId, attempt, everybody: true });
  const run = shadowRunName({ requestId, attempt });
  const patienceMs = Math.ceil(request.deadlineMs * 1.5) + WORKER_START_MS;
  const ticket = makeTicket(dependencies.hasher, keys, {
    record,
    attempt,
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
  const reads = request.blame?.reads ?? [];
  const order = { kind: "shadowRun", run, ticket, input: record.inputText, reads } as const;
  shadows.queue.delete(request);
  shadows.active.set(run, {
    run,
    request,
    server: server.server,
    incarnation: server.incarnation,
    isProcessAlone,
    startedAt: now,
    testers,
    needed: profile === "basic" ? verdictsNeeded(testers) : vouching(domain.faultsTolerated),
    votes: new Map(),
    failure: undefined,
    order,
    againAt: now + ORDER_AGAIN_MS,
    deadlineAt: now + patienceMs,
  });
  note(regulator, request, { kind: "shadowStarted", attempt, server: server.server, testers });
  regulator.traffic.count("shadowRuns");
  sendTo(regulator, "execution-server", server.server, order);
}

/**
 * Where a run goes. What ends whole processes gets one of its own, so that its end says who did it; otherwise the least
 * loaded one, but not beside such a run.
 */
function chooseServer(
  regulator: Regulator,
  request: PendingRequest,
  domain: Domain,
  isProcessAlone: boolean,
): ExecutionServer | undefined {
  const { servers, shadows, now, dependencies } = regulator;
  const loadOf = ({ server, running }: ExecutionServer): number => running.size + shadows.at(server);
  const { processesAlone } = shadows;
  const mayRunAt = (candidate: ExecutionServer): boolean =>
    isProcessAlone
      ? candidate.server !== domain.holder && loadOf(candidate) === 0
      : !processesAlone.includes(candidate.server);
  // A process that has failed with it already has nothing new to say.
  const isStruck = ({ server, incarnation }: ExecutionServer): boolean =>
    request.strikes.has(`${server} ${incarnation}`);
  const fresh = servers.live.filter((candidate) => !isStruck(candidate));
  if (fresh.length === 0) {
    awaitFreshProcess(regulator, request);
    return undefined;
  }
  const since = shadows.stuckSince.get(request) ?? now;
  // Where there is no server but the holder, it has to do.
  const isLastResort = now - since >= FRESH_PROCESS_MS && shadows.active.size === 0;
  const possible = new Set(fresh.filter((candidate) => isLastResort || mayRunAt(candidate)));
  if (possible.size === 0) {
    shadows.stuckSince.set(request, since);
    return undefined;
  }
  // Not the holder where there is another: what crashes a server must not crash the one that serves everybody.
  const accusers = (shadows.accusers.get(request) ?? []).map(({ server }) => server);
  const avoid = new Set([domain.holder, request.blame?.server ?? "", ...accusers]);
  return servers.choose(now, dependencies.random, avoid, { isPossible: (each) => possible.has(each), loadOf });
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
  if (!run) {
    noteUnorderedResult(regulator, from.server, message);
    onUnknownRun(regulator, from, message);
  }
  if (!run?.testers.includes(from.server) || run.votes.has(from.server)) return;
  const { executionServer, ticketDigest } = message;
  if (
    executionServer !== run.server ||
    digestTicket(regulator.dependencies.hasher, run.order.ticket.body) !== ticketDigest
  ) {
    const { requestId } = run.request;
    const { attempt } = run.order.ticket.body;
    noteFabrication(
      regulator,
      { server: executionServer, reporter: from.server },
      { requestId, attempt },
      "a result for a shadow run it was not asked for",
    );
    return;
  }
  const { verdict, resultDigest } = message;
  run.votes.set(from.server, { verdict, resultDigest });
  const { attempt } = run.order.ticket.body;
  note(regulator, run.request, { kind: "shadowTested", attempt, server: from.server, verdict });
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

/** Deadlines and repetitions of the runs under way; they are few. */
export function expireRuns(regulator: Regulator): void {
  for (const run of [...regulator.shadows.active.values()]) {
    if (regulator.now < run.deadlineAt) {
      if (regulator.now < run.againAt) continue;
      run.againAt = regulator.now + ORDER_AGAIN_MS;
      sendTo(regulator, "execution-server", run.server, run.order);
      continue;
    }
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
  if (!run || others.length > 0 || running.size > 0) return;
  run.request.strikes.set(`${server} ${incarnation}`, strikeKind("crash", PROCESS_GONE));
  run.request.hasFailedAlone = true;
  suspect(regulator, run.request);
  const detail = "the process ended with nothing else in it";
  noteShadowRun(regulator, run, { kind: "malformed", check: PROCESS_GONE, detail });
}

const runsAt = ({ shadows }: Regulator, server: ServerName, incarnation: string): ShadowRun[] =>
  [...shadows.active.values()].filter((run) => run.server === server && run.incarnation === incarnation);

function conclude(regulator: Regulator, run: ShadowRun, timedOut: boolean): void {
  const { needed, testers, votes, failure } = run;
  const judgement = judgeShadow({ needed, testers, votes, timedOut, ...(failure ? { failure } : {}) });
  if (judgement.kind === "pending") return;
  noteJudgement(regulator, run, judgement);
  noteShadowRun(regulator, run, judgement);
  if (judgement.kind === "untestable" && ++run.request.untestable < UNTESTABLE_MAX) {
    repeat(regulator, run);
    return;
  }
  if (judgement.kind === "inconclusive") {
    if (judgement.serverFailed) {
      const { server, incarnation, request } = run;
      const detector = judgement.why === "timeout" ? "deadline" : "checksum-vote";
      request.strikes.set(`${server} ${incarnation}`, strikeKind(detector, judgement.why));
      request.hasFailedAlone = true;
      const finding = { detector, check: "shadow-run", detail: judgement.why } as const;
      regulator.shadows.active.delete(run.run);
      discardServer(regulator, { server, incarnation }, request.requestId, finding);
    }
    repeat(regulator, run);
    return;
  }
  regulator.shadows.active.delete(run.run);
  if (judgement.kind !== "malformed" || isConfirmed(regulator, run, judgement.check))
    attribute(regulator, run.request, judgement);
  else regulator.shadows.queue.add(run.request);
  startRuns(regulator);
}

function noteJudgement(regulator: Regulator, { request, server, order }: ShadowRun, judgement: ShadowJudgement): void {
  if (judgement.kind === "pending") return;
  const { attempt } = order.ticket.body;
  note(regulator, request, {
    kind: "shadowEnded",
    attempt,
    server,
    judgement: judgement.kind,
    detail: detailOf(judgement),
  });
}

function detailOf(judgement: ShadowJudgement): string {
  switch (judgement.kind) {
    case "malformed":
      return `${judgement.check}: ${judgement.detail}`;
    case "untestable":
      return judgement.detail;
    case "inconclusive":
      return judgement.why;
    default:
      return "";
  }
}

/**
 * One failing shadow run may be another intruder framing an innocent client (REQUIREMENTS U4, A31): a request is malformed
 * only when it failed on three distinct processes (ADR 0004).
 */
function isConfirmed(regulator: Regulator, run: ShadowRun, check: string): boolean {
  const { shadows, wanted } = regulator;
  if (failsSuspectCheck(regulator, run.request, check)) return true;
  const { request, server, incarnation, failure } = run;
  const { blame, strikes } = request;
  const detector = failure === undefined ? "acceptance-test" : detectorOf(failure);
  strikes.set(`${server} ${incarnation}`, strikeKind(detector, check));
  request.hasFailedAlone = true;
  suspect(regulator, request);
  if (blame?.direct) strikes.set(`${blame.server} ${blame.incarnation}`, strikeKind(blame.detector, blame.check));
  shadows.accusers.set(request, [...(shadows.accusers.get(request) ?? []), { server, incarnation }]);
  return isStruckOut(strikes) || wanted?.strictPaper === true;
}

/** Runs it again elsewhere; what fails on enough distinct processes is malformed (paper §3.2, REQUIREMENTS R35). */
function repeat(regulator: Regulator, run: ShadowRun): void {
  const { request } = run;
  const { shadows } = regulator;
  const times = (shadows.inconclusive.get(request)?.times ?? 0) + 1;
  if (request.state === "shadowing" && request.hasFailedAlone && isStruckOut(request.strikes)) {
    shadows.active.delete(run.run);
    attribute(regulator, request, { kind: "malformed", check: "strikes", detail: "failed on distinct processes" });
  } else if (request.state === "shadowing" && times > INCONCLUSIVE_MAX) {
    // Nobody can be found guilty: it is dispatched again, in a worker of its own.
    noteAttribution(regulator, request, { guilty: "network", servers: [], check: "shadow-run", detail: "" });
    suspect(regulator, request);
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
  // The versions the failed attempt read may have become void with it: from now on on the newest.
  if (request.blame) request.blame = { ...request.blame, reads: [] };
  const times = (shadows.inconclusive.get(request)?.times ?? 0) + counted;
  shadows.inconclusive.set(request, { times, notBefore: now + PAUSE_MS * times });
  shadows.queue.add(request);
  startRuns(regulator);
}

/**
 * Attempts that fail (docs/PROTOCOL.md §6): the execution server's process is discarded at once, its domain gets a new
 * epoch with another holder, and what runs there besides is dispatched again without strike. Guilt is found afterwards.
 */
import type {
  Digest,
  ExecutionFailedMessage,
  RefusalReportMessage,
  RequestId,
  ServerGoneMessage,
  ServerName,
  VersionReference,
} from "@redoubt/shared";
import type { Sender } from "../core.ts";
import { vouching } from "../quorum.ts";
import { RecentKeys } from "../recent.ts";
import { type Detector, isSeriousRefusal, reasonOf } from "./attribution.ts";
import { addFact, note, publish, type Regulator, schedule } from "./context.ts";
import { insideOf, screenCrowd } from "./crowds.ts";
import { dispatchWaiting } from "./dispatch.ts";
import { reviewPlacement, wishEpoch } from "./epoch-wishes.ts";
import { advance } from "./lifecycle.ts";
import { noteRefusal } from "./misbehaviour.ts";
import type { Attempt, PendingRequest } from "./request.ts";
import { type ExecutionServer, ROOM_MAX } from "./servers.ts";
import { dropRunsAt, strikeLoneRun } from "./shadow-runs.ts";
import { detectorOf, STRIKES_MAX, strikeKind } from "./strikes.ts";
import { noteAttempt } from "./trail.ts";

export interface Finding {
  readonly detector: Detector;
  readonly check: string;
  readonly detail: string;
}

export interface FailedAttempt extends Finding {
  readonly reads: readonly VersionReference[];
  /** The change found wrong, to be void in the next settlement. */
  readonly change?: Digest;
  /** The server's guilt is proven: no shadow run. */
  readonly proven?: boolean;
}

/** Failed attempts in all, guilty servers included: beyond it the request is closed and nobody blamed. */
const FAILURES_MAX = 8;
/** Attempts that came to nothing by races; more are a failure of the server. */
const SOFT_FAILURES_MAX = 3;
/** Results of distinct processes on which the acceptance test itself ended. */
export const UNTESTABLE_MAX = 2;

const canFail = (request: PendingRequest): boolean =>
  request.state === "running" || request.state === "doomed" || request.state === "surviving";

export function failAttempt(regulator: Regulator, request: PendingRequest, failed: FailedAttempt): void {
  const attempt = request.current;
  if (!attempt || !canFail(request)) return;
  const { detector, check, detail, reads, change } = failed;
  const { requestId } = request;
  if (request.blame?.attempt !== attempt.number || !request.blame.direct) {
    const { server, incarnation, number } = attempt;
    const reason = reasonOf(detector, check);
    request.blame = { detector, check, detail, reason, server, incarnation, attempt: number, reads, direct: true };
    request.failures++;
    noteAttempt(regulator, request, attempt, { outcome: "failed", check, detail });
    suspect(regulator, request);
    request.disposition = dispositionAfter(regulator, request, failed);
    note(regulator, request, { kind: "failed", attempt: number, server, detector, check, detail });
    publish(regulator, { kind: "attemptFailed", requestId, attempt: number, server, cause: `${detector}: ${check}` });
  }
  doom(regulator, request, attempt, change, `${check} of ${attempt.server}`);
  discardServer(regulator, attempt, requestId, failed);
}

/**
 * The acceptance test dies on it: the change is made void, and another process makes its own in a shadow run. If the test dies
 * on that too, the request is closed and nobody blamed (REQUIREMENTS A36). If it does not, it was the machine, or the server
 * makes results on which tests die: a server that does it after another one's result could be tested is discarded for it, or
 * it could have every request closed.
 */
export function failUntestable(
  regulator: Regulator,
  request: PendingRequest,
  change: Digest | undefined,
  detail: string,
): void {
  const attempt = request.current;
  if (!attempt || !canFail(request) || request.disposition === "condemn") return;
  const { server, incarnation, number } = attempt;
  const finding = { detector: "acceptance-test", check: "acceptance-test-ended", detail } as const;
  if (request.isRehearsed) {
    failAttempt(regulator, request, { ...finding, reads: [], ...(change ? { change } : {}) });
    return;
  }
  request.blame = {
    ...finding,
    reason: "acceptance-test",
    server,
    incarnation,
    attempt: number,
    reads: [],
    direct: false,
  };
  note(regulator, request, { kind: "failed", attempt: number, server, ...finding });
  request.untestable++;
  suspect(regulator, request);
  noteAttempt(regulator, request, attempt, { outcome: "inconclusive", check: finding.check, detail });
  const condemned = request.untestable >= UNTESTABLE_MAX && request.internal !== "genesis";
  request.blamed = !condemned;
  if (condemned) request.disposition = "condemn";
  else request.disposition = request.internal === "genesis" ? "retry" : "shadow";
  doom(regulator, request, attempt, change, "acceptance test ended");
}

/** The attempt is over; the settlement of a newer epoch will say what became of its change. */
function doom(
  regulator: Regulator,
  request: PendingRequest,
  attempt: Attempt,
  change: Digest | undefined,
  reason: string,
): void {
  const domain = regulator.placement.domainOf(request.home);
  request.doomedAfter = request.state === "surviving" ? domain.epoch : attempt.epoch;
  advance(regulator, request, "failed");
  if (domain.epoch > request.doomedAfter) return;
  request.invalidated = change ?? request.invalidated;
  const invalid = change && { digest: change, requestId: request.requestId, attempt: attempt.number };
  wishEpoch(regulator, domain, reason, invalid ? { invalid } : {});
}

/**
 * A settlement kept a change that this regulator had asked to be made invalid: an epoch was opened without the request, for
 * another reason. The request may still be on its way, so the change cannot become right again by a test that ends
 * otherwise (a member that lost its access log finds less): it is asked for once more. False: nothing of the kind.
 */
export function doomAgain(regulator: Regulator, request: PendingRequest): boolean {
  const { survivor, current, invalidated } = request;
  if (!current || invalidated === undefined || survivor?.digest !== invalidated) return false;
  doom(regulator, request, current, invalidated, "a change that failed was kept");
  return true;
}

function dispositionAfter(
  regulator: Regulator,
  request: PendingRequest,
  { detector, check, proven }: FailedAttempt,
): PendingRequest["disposition"] {
  if (proven || request.internal === "genesis") return "retry";
  if (request.failures > FAILURES_MAX) {
    request.blamed = false;
    return "condemn";
  }
  if (!regulator.wanted?.strictPaper) return "shadow";
  // As the paper has it: a failed test condemns at once, a crash or a silence only when it recurs.
  if (detector === "acceptance-test" || detector === "refusal" || detector === "checksum-vote") return "condemn";
  request.strikes.set(`${request.current?.server} ${request.current?.incarnation}`, strikeKind(detector, check));
  return request.strikes.size >= STRIKES_MAX ? "condemn" : "retry";
}

export function suspect(regulator: Regulator, request: PendingRequest): void {
  if (request.suspect || request.internal) return;
  request.suspect = true;
  regulator.suspects.open(request.record.clientId);
}

/** Ends the time in the suspect lane. */
export function clearSuspicion(regulator: Regulator, request: PendingRequest): void {
  if (!request.suspect) return;
  request.suspect = false;
  regulator.suspects.close(request.record.clientId);
  // What waits for a worker of its own may not need one any more.
  if (!regulator.suspects.has(request.record.clientId, regulator.now)) dispatchWaiting(regulator);
}

/** Gives this process no more work, tells the manager, and moves its domain and its other requests. */
export function discardServer(
  regulator: Regulator,
  who: Pick<ExecutionServer, "server" | "incarnation">,
  requestId: RequestId,
  { detector, check, detail }: Finding,
): void {
  const { server, incarnation } = who;
  const process = regulator.servers.remove(server, incarnation);
  if (!process) return;
  regulator.servers.strike(server, regulator.now);
  addFact(regulator, { kind: "discardServer", server, incarnation, requestId, detector, check, detail });
  loseAttempts(regulator, process);
}

/** The process is gone: its attempts are over, without strike; a settlement says what became of their changes. */
export function loseAttempts(regulator: Regulator, process: ExecutionServer): void {
  for (const requestId of [...process.running]) {
    const request = regulator.logs.pending(requestId);
    if (request) loseAttempt(regulator, request);
  }
  dropRunsAt(regulator, process.server, process.incarnation);
  // A new process of the same name is not the holder of the old one's epochs: they end in any case.
  for (const domain of regulator.placement.domains)
    if (domain.holder === process.server) wishEpoch(regulator, domain, `${process.server} is gone`);
  reviewPlacement(regulator);
}

export function loseAttempt(regulator: Regulator, request: PendingRequest): void {
  if (request.state !== "running" || !request.current) return;
  request.doomedAfter = request.current.epoch;
  advance(regulator, request, "lost");
}

export function onExecutionFailed(regulator: Regulator, from: Sender, message: ExecutionFailedMessage): void {
  const request = regulator.logs.pending(message.requestId);
  const attempt = request?.current;
  if (!request || attempt?.number !== message.attempt || request.state !== "running") return;
  if (attempt.server !== from.server) return;
  const { reason, detail } = message;
  if (reason === "stale" || reason === "refused") {
    onRaceLost(regulator, request, attempt, reason, detail);
    return;
  }
  const finding: Finding = { detector: detectorOf(reason), check: reason, detail };
  const others = othersInside(regulator, from.server, request, message.alsoInside);
  if (others.length === 0) {
    failAttempt(regulator, request, { ...finding, reads: [] });
    return;
  }
  // The one that is named was only the oldest: what hangs or ends a worker hangs or ends everything inside.
  screenCrowd(regulator, [request, ...others], finding);
  discardServer(regulator, attempt, request.requestId, finding);
}

/** What the server says was inside too: believed of requests that it has, since that can harm none of them. */
function othersInside(
  { logs, servers }: Regulator,
  server: ServerName,
  request: PendingRequest,
  named: ExecutionFailedMessage["alsoInside"],
): PendingRequest[] {
  const process = servers.get(server);
  const others = new Set<PendingRequest>();
  for (const requestId of named.slice(0, ROOM_MAX)) {
    const other = process?.running.has(requestId) ? logs.pending(requestId) : undefined;
    if (other && other !== request) others.add(other);
  }
  return [...others];
}

/** Members refused the change, or the epoch has passed: nobody's fault at first. */
function onRaceLost(
  regulator: Regulator,
  request: PendingRequest,
  attempt: Attempt,
  reason: string,
  detail: string,
): void {
  if (++request.softFailures > SOFT_FAILURES_MAX) {
    request.softFailures = 0;
    failAttempt(regulator, request, { detector: "refusal", check: reason, detail, reads: [] });
    return;
  }
  loseAttempt(regulator, request);
  const domain = regulator.placement.domainOf(request.home);
  if (domain.epoch <= attempt.epoch) wishEpoch(regulator, domain, `${reason} at ${attempt.server}`);
}

/** The manager says that this process has ended. */
export function onServerGone(regulator: Regulator, { server, incarnation, cause }: ServerGoneMessage): void {
  const process = regulator.servers.remove(server, incarnation);
  if (process) onProcessGone(regulator, process, cause);
}

export function onProcessGone(regulator: Regulator, process: ExecutionServer, cause: string): void {
  screenCrowd(regulator, insideOf(regulator, process), { detector: "crash", check: "process-gone", detail: cause });
  regulator.servers.strike(process.server, regulator.now);
  strikeLoneRun(regulator, process);
  loseAttempts(regulator, process);
}

const REFUSALS_PER_MEMBER_MAX = 256;

/** What each member reported last: a faulty one that reports much pushes out its own words, never those of others. */
export class RefusalTally {
  readonly #reported = new Map<string, RecentKeys<string>>();

  /** Number of distinct members that report it. */
  add(name: string, member: string): number {
    const own = this.#reported.get(member) ?? new RecentKeys(REFUSALS_PER_MEMBER_MAX);
    this.#reported.set(member, own);
    own.add(name);
    let members = 0;
    for (const names of this.#reported.values()) if (names.has(name)) members++;
    return members;
  }
}

/** t+1 members refuse what no honest server sends: the sender is discarded (REQUIREMENTS R43, R49, A9–A11, A23). */
export function onRefusalReport(
  regulator: Regulator,
  tally: RefusalTally,
  from: Sender,
  message: RefusalReportMessage,
): void {
  const { executionServer, requestId, reason, detail } = message;
  if (!regulator.wanted?.members.includes(from.server)) return;
  noteRefusal(regulator, from.server, message);
  if (!isSeriousRefusal(reason)) return;
  // Forged tickets and floods name any request: members report every so many of them, whatever these name.
  const about = reason === "ticket" || reason === "flood" ? "" : `${requestId} ${message.attempt}`;
  // What is still told about a process is not held against the next one of its name.
  const incarnation = regulator.servers.get(executionServer)?.incarnation ?? "";
  const reporters = tally.add(`${executionServer} ${incarnation} ${about} ${reason}`, from.server);
  if (reporters < vouching(regulator.wanted.faultsTolerated)) return;
  const finding: Finding = { detector: "refusal", check: reason, detail };
  const request = regulator.logs.pending(requestId);
  if (request?.current?.server === executionServer && request.current.number === message.attempt) {
    failAttempt(regulator, request, { ...finding, reads: [] });
    return;
  }
  const process = regulator.servers.get(executionServer);
  if (process) discardServer(regulator, process, requestId, finding);
}

export function enterDoomed(regulator: Regulator, request: PendingRequest): void {
  schedule(regulator, request);
}

/**
 * Different changes for one ticket: who signed what decides (docs/PROTOCOL.md §6, REQUIREMENTS U6). Members show signatures
 * when answers diverge, and without being asked when they refused a second change for a ticket. Two signed changes for one
 * ticket digest convict their server; nothing that a member merely says does.
 */
import type { Digest, EvidenceReportMessage, ServerName, TicketBody } from "@redoubt/shared";
import type { Sender } from "../core.ts";
import { digestChange, digestEvidence, digestTicket } from "../digests.ts";
import { trimOldest } from "../recent.ts";
import { findSummaryFlaw } from "../well-formed.ts";
import { judgeDivergence } from "./attribution.ts";
import { addFact, type Regulator } from "./context.ts";
import { discardServer, failAttempt } from "./failures.ts";
import { noteMisbehaviour } from "./misbehaviour.ts";
import type { Attempt, PendingRequest } from "./request.ts";
import { evidenceOf, NO_EVIDENCE, noteAttempt } from "./trail.ts";

const EVIDENCE_DIGESTS_MAX = 256;
const TICKETS_MAX = 1_024;
/** Signatures checked per second for one member: a faulty one must not keep the regulator busy. */
const CHECKS_PER_SECOND_MAX = 256;

/** Signed changes by the ticket they were made under, and each member's allowance of checks. */
export class Equivocations {
  readonly #signed = new Map<Digest, Set<Digest>>();
  readonly #checks = new Map<ServerName, { since: number; count: number }>();

  mayCheck(member: ServerName, now: number): boolean {
    const window = this.#checks.get(member);
    if (!window || now - window.since >= 1_000) {
      this.#checks.set(member, { since: now, count: 1 });
      return true;
    }
    return ++window.count <= CHECKS_PER_SECOND_MAX;
  }

  has(ticketDigest: Digest, changeDigest: Digest): boolean {
    return this.#signed.get(ticketDigest)?.has(changeDigest) === true;
  }

  /** All changes that were signed under this ticket. */
  add(ticketDigest: Digest, changeDigest: Digest): ReadonlySet<Digest> {
    const signed = this.#signed.get(ticketDigest) ?? new Set();
    this.#signed.set(ticketDigest, signed.add(changeDigest));
    trimOldest(this.#signed, TICKETS_MAX);
    return signed;
  }
}

/** A member shows what an execution server signed. */
export function onEvidence(regulator: Regulator, from: Sender, message: EvidenceReportMessage): void {
  const { dependencies, equivocations } = regulator;
  const { changeDigest, summary, evidence } = message;
  if (!regulator.wanted?.members.includes(from.server) || !equivocations.mayCheck(from.server, regulator.now)) return;
  if (evidence.digests.length > EVIDENCE_DIGESTS_MAX || !evidence.digests.includes(changeDigest)) return;
  if (findSummaryFlaw(summary)) return;
  const { ticket } = summary;
  const ticketDigest = digestTicket(dependencies.hasher, ticket);
  if (digestChange(dependencies.hasher, summary, ticketDigest) !== changeDigest) return;
  const request = regulator.logs.pending(ticket.requestId);
  const current = request?.current;
  const attempt = current?.number === ticket.attempt && current.server === ticket.executionServer ? current : undefined;
  if (!equivocations.has(ticketDigest, changeDigest)) {
    const publicKey = attempt?.publicKey ?? regulator.servers.get(ticket.executionServer)?.publicKey;
    const digest = digestEvidence(dependencies.hasher, evidence.digests);
    if (publicKey === undefined || !dependencies.verifySignature(publicKey, digest, evidence.signature)) return;
  }
  const signed = equivocations.add(ticketDigest, changeDigest);
  if (attempt?.divergence) attempt.divergence.signed.add(changeDigest);
  if (signed.size >= 2) convict(regulator, from.server, request, attempt, ticket, ticketDigest, [...signed]);
}

function convict(
  regulator: Regulator,
  reporter: ServerName,
  request: PendingRequest | undefined,
  attempt: Attempt | undefined,
  { requestId, attempt: number, executionServer: server }: TicketBody,
  ticketDigest: Digest,
  changeDigests: readonly Digest[],
): void {
  const process = regulator.servers.get(server);
  const incarnation = attempt?.incarnation ?? process?.incarnation;
  if (incarnation === undefined || !regulator.servers.isLive(server, incarnation)) return;
  const evidence = `two signed changes for one ticket: ${changeDigests.join(", ")}`;
  const seen = {
    server,
    component: "execution-server",
    act: "equivocation",
    reporter,
    requestId,
    attempt: number,
  } as const;
  noteMisbehaviour(regulator, { ...seen, ticketDigest, changeDigests, detail: evidence, proven: true });
  addFact(regulator, { kind: "serverConvicted", server, incarnation, requestId, evidence });
  const finding = { detector: "checksum-vote", check: "equal-changes", detail: evidence } as const;
  if (attempt?.divergence) attempt.divergence.judged = true;
  if (request && attempt) failAttempt(regulator, request, { ...finding, reads: [], proven: true });
  discardServer(regulator, { server, incarnation }, requestId, finding);
  addFact(regulator, {
    kind: "attributed",
    guilty: "execution-server",
    servers: [{ server, incarnation }],
    requestId,
    check: finding.check,
    detail: evidence,
    evidence: request ? evidenceOf(request) : NO_EVIDENCE,
  });
}

/** Called when the time for evidence is over. Also for a request whose reply has left meanwhile. */
export function judgeDivergenceNow(regulator: Regulator, request: PendingRequest, attempt: Attempt): void {
  const { divergence } = attempt;
  if (!divergence || divergence.judged) return;
  divergence.judged = true;
  const faultsTolerated = Math.floor((attempt.homeMembers.length - 1) / 2);
  const judgement = judgeDivergence(attempt.votes, divergence.signed, faultsTolerated);
  const { requestId } = request;
  const { server, incarnation, number } = attempt;
  const reporter = regulator.settings.self;
  const seen = { reporter, requestId, attempt: number, changeDigests: [...changesOf(attempt)] };
  if (judgement.kind === "memberSuspected") {
    const detail = "its answer is not what the execution server signed and t+1 members hold";
    for (const member of judgement.members)
      noteMisbehaviour(regulator, {
        ...seen,
        server: member,
        component: "state-replica",
        act: "contradicts-signature",
        detail,
      });
    noteAttempt(regulator, request, attempt, { outcome: "passed", check: "equal-changes", detail });
    addFact(regulator, {
      kind: "attributed",
      guilty: "state-replica",
      servers: judgement.members.map((member) => ({ server: member, incarnation: "" })),
      requestId,
      check: "equal-changes",
      detail,
      evidence: evidenceOf(request),
    });
    return;
  }
  const detail = "members hold different changes for one ticket";
  noteMisbehaviour(regulator, { ...seen, server, component: "execution-server", act: "equivocation", detail });
  const finding = { detector: "checksum-vote", check: "equal-changes", detail } as const;
  if (request.state === "ended") discardServer(regulator, { server, incarnation }, requestId, finding);
  else failAttempt(regulator, request, { ...finding, reads: [] });
}

const changesOf = ({ votes }: Attempt): Set<Digest> =>
  new Set([...votes.values()].map((vote) => vote.changeDigest).slice(0, 8));

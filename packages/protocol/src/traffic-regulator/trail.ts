/**
 * What is kept of each attempt and shadow run of a request that somebody failed with, until attribution ends: who ran it, what
 * members and testers said, what was signed. It becomes the evidence of the verdict (PROTOCOL §10, REQUIREMENTS U6) and is
 * bounded, whatever servers send. Nothing is decided from it.
 */
import type { AttributionEvidence, AttributionRun } from "@redoubt/shared";
import type { ShadowJudgement } from "./attribution.ts";
import type { Regulator } from "./context.ts";
import type { Attempt, PendingRequest } from "./request.ts";
import type { ShadowRun } from "./shadow-registry.ts";

const RUNS_MAX = 24;
const DETAIL_MAX = 500;
const VOICES_MAX = 16;

type ConcludedShadow = Exclude<ShadowJudgement, { readonly kind: "pending" }>;
type Finding = Pick<AttributionRun, "outcome" | "check" | "detail">;

type Clock = Pick<Regulator, "now" | "wall">;

export function noteRun(request: PendingRequest, run: AttributionRun): void {
  request.trail.push({ ...run, detail: run.detail.slice(0, DETAIL_MAX) });
  if (request.trail.length > RUNS_MAX) request.trail.splice(1, 1);
}

/** An attempt that failed, or that was inside something that ended. */
export function noteAttempt(regulator: Clock, request: PendingRequest, attempt: Attempt, finding: Finding): void {
  const { server, incarnation, number, epoch, votes, acceptance, divergence, startedAt } = attempt;
  const kept = request.trail.findIndex(({ kind, attempt: known }) => kind === "attempt" && known === number);
  if (kept >= 0) request.trail.splice(kept, 1);
  noteRun(request, {
    kind: "attempt",
    attempt: number,
    server,
    incarnation,
    epoch,
    at: Math.trunc(regulator.wall),
    lastedMs: Math.round(regulator.now - startedAt),
    ...finding,
    members: [...votes].slice(0, VOICES_MAX).map(([member, { changeDigest, verdict }]) => ({
      server: member,
      digest: changeDigest,
      verdict: verdict?.kind ?? null,
    })),
    acceptance: [...(acceptance ?? [])].slice(0, VOICES_MAX).map(([tester, { changeDigest, verdict }]) => ({
      server: tester,
      digest: changeDigest,
      verdict: verdict.kind,
    })),
    signed: [...(divergence?.signed ?? [])].slice(0, VOICES_MAX),
  });
}

/** A shadow run that has ended. */
export function noteShadowRun(regulator: Clock, run: ShadowRun, judgement: ConcludedShadow): void {
  const { server, incarnation, votes, order, request } = run;
  const { attempt, clusters } = order.ticket.body;
  noteRun(request, {
    kind: "shadow-run",
    attempt,
    server,
    incarnation,
    epoch: clusters[0]?.epoch ?? 0,
    at: Math.trunc(regulator.wall),
    lastedMs: Math.round(regulator.now - run.startedAt),
    ...findingOf(judgement),
    members: [...votes].slice(0, VOICES_MAX).map(([tester, { verdict, resultDigest }]) => ({
      server: tester,
      digest: resultDigest,
      verdict: verdict.kind,
    })),
    acceptance: [],
    signed: [],
  });
}

function findingOf(judgement: ConcludedShadow): Finding {
  switch (judgement.kind) {
    case "innocent":
      return { outcome: "passed", check: "", detail: "" };
    case "malformed":
      return { outcome: "failed", check: judgement.check, detail: judgement.detail };
    case "untestable":
      return { outcome: "inconclusive", check: "acceptance-test-ended", detail: judgement.detail };
    case "inconclusive":
      return { outcome: "inconclusive", check: judgement.why, detail: "" };
  }
}

export const NO_EVIDENCE: AttributionEvidence = { runs: [], strikes: [] };

export const evidenceOf = ({ trail, strikes }: PendingRequest): AttributionEvidence => ({
  runs: trail.map((run) => ({ ...run })),
  strikes: [...strikes].slice(0, RUNS_MAX).map(([process, kind]) => ({ process, kind })),
});

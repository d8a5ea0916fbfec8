/** Where attribution ends: somebody is convicted, or the request is condemned (docs/PROTOCOL.md §6). */
import type { Attribution } from "@redoubt/shared";
import type { ShadowJudgement } from "./attribution.ts";
import { addFact, note, type Regulator } from "./context.ts";
import { clearSuspicion, discardServer } from "./failures.ts";
import { advance } from "./lifecycle.ts";
import type { Blame, PendingRequest } from "./request.ts";
import { evidenceOf } from "./trail.ts";
import { isWithheld, withhold } from "./withholding.ts";

/** A verdict of guilt, or that nobody is guilty, with its evidence: for the manager (REQUIREMENTS U6). */
export function noteAttribution(
  regulator: Regulator,
  request: PendingRequest,
  found: Pick<Attribution, "guilty" | "servers" | "check" | "detail">,
): void {
  addFact(regulator, { kind: "attributed", requestId: request.requestId, ...found, evidence: evidenceOf(request) });
}

/** Acts on what the shadow runs showed. */
export function attribute(
  regulator: Regulator,
  request: PendingRequest,
  judgement: Exclude<ShadowJudgement, { kind: "pending" | "inconclusive" }>,
): void {
  const { blame, requestId, record } = request;
  if (judgement.kind === "innocent") {
    noteConviction(regulator, request);
    convictAccusers(regulator, request, judgement.resultDigest);
  }
  regulator.shadows.drop(request);
  if (judgement.kind === "innocent") {
    if (blame?.direct) {
      const { server, incarnation } = blame;
      const evidence = `failed ${blame.check}; the shadow run passed with result ${judgement.resultDigest}`;
      addFact(regulator, { kind: "serverConvicted", server, incarnation, requestId, evidence });
      note(regulator, request, { kind: "convicted", server, evidence });
      regulator.suspects.convicted(record.clientId, `${server} ${incarnation}`, regulator.now);
      // That attempt says nothing against the request any more; many servers may be captured.
      request.failures = 0;
    }
    // Whoever failed with it has been found guilty: no strike against the request (PROTOCOL §10).
    request.strikes.clear();
    request.isSifted = false;
    request.hasFailedAlone = false;
    request.isRehearsed = true;
    request.untestable = 0;
    clearSuspicion(regulator, request);
    advance(regulator, request, "innocent");
    return;
  }
  if (judgement.kind === "untestable") request.blamed = false;
  else {
    const { check, detail } = judgement;
    // What the shadow run found is about the request; a crash or silence of the first attempt says less.
    if (!blame) request.blame = blameOfRehearsal(request, check, detail);
    else if (!blame.direct || blame.detector !== "acceptance-test")
      request.blame = { ...blame, check, detail: `${blame.detail}; ${detail}`.slice(0, 2_000) };
    if (isWithheld(regulator, request, check)) {
      request.blamed = false;
      if (withhold(regulator, request, check)) return;
    }
  }
  advance(regulator, request, "malformed");
}

/** Whoever failed with it: the first attempt's server, and those whose shadow runs failed too. */
function noteConviction(regulator: Regulator, request: PendingRequest): void {
  const { blame } = request;
  const accusers = regulator.shadows.accusers.get(request) ?? [];
  const direct = blame?.direct ? [{ server: blame.server, incarnation: blame.incarnation }] : [];
  const servers = [...direct, ...accusers];
  if (servers.length === 0) return;
  const check = blame?.check ?? "shadow-run";
  noteAttribution(regulator, request, { guilty: "execution-server", servers, check, detail: blame?.detail ?? "" });
}

/** It never had an attempt: it was tried in shadow runs first. */
const blameOfRehearsal = ({ attempt }: PendingRequest, check: string, detail: string): Blame => ({
  detector: "acceptance-test",
  check,
  detail,
  reason: "acceptance-test",
  server: "",
  incarnation: "",
  attempt,
  reads: [],
  direct: false,
});

/** The request passes: whoever failed with it before lied. */
function convictAccusers(regulator: Regulator, request: PendingRequest, resultDigest: string): void {
  for (const accuser of regulator.shadows.accusers.get(request) ?? []) {
    const detail = `its shadow run failed, another passed with result ${resultDigest}`;
    discardServer(regulator, accuser, request.requestId, { detector: "acceptance-test", check: "shadow-run", detail });
    addFact(regulator, { kind: "serverConvicted", ...accuser, requestId: request.requestId, evidence: detail });
    note(regulator, request, { kind: "convicted", server: accuser.server, evidence: detail });
  }
}

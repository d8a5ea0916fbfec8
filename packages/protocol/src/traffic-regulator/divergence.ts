/** Members hold different changes for one ticket: who signed what decides (docs/PROTOCOL.md §6, REQUIREMENTS U6). */
import { judgeDivergence } from "./attribution.ts";
import { addFact, publish, type Regulator } from "./context.ts";
import { discardServer, failAttempt } from "./failures.ts";
import type { Attempt, PendingRequest } from "./request.ts";

/** Called when the evidence is in, or the time for it is over. Also for a request whose reply has left meanwhile. */
export function judgeDivergenceNow(regulator: Regulator, request: PendingRequest, attempt: Attempt): void {
  const { divergence } = attempt;
  if (!divergence || divergence.judged) return;
  divergence.judged = true;
  const faultsTolerated = Math.floor((attempt.homeMembers.length - 1) / 2);
  const judgement = judgeDivergence(attempt.votes, divergence.signed, faultsTolerated);
  if (judgement.kind === "memberSuspected") {
    for (const member of judgement.members)
      publish(regulator, { kind: "alarm", what: "answer differs from what was signed", from: member });
    return;
  }
  const proven = judgement.kind === "equivocated";
  const evidence = proven ? `two signed changes for one ticket: ${judgement.digests.join(", ")}` : "";
  const finding = {
    detector: "checksum-vote",
    check: "equal-changes",
    detail: evidence || "members hold different changes for one ticket",
  } as const;
  const { server, incarnation } = attempt;
  if (proven)
    addFact(regulator, { kind: "serverConvicted", server, incarnation, requestId: request.requestId, evidence });
  if (request.state === "ended") discardServer(regulator, { server, incarnation }, request.requestId, finding);
  else failAttempt(regulator, request, { ...finding, reads: [], proven });
}

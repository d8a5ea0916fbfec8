/**
 * I2, I3, I4, I10 from outside: an answered request has exactly one outcome, the answer is that outcome, and a rejected
 * one has no effect.
 */
import {
  type Checker,
  type ClientOperation,
  type Observation,
  type Violation,
  verifiedChanges,
} from "../observation.ts";

export const checkRequests: Checker = (observation) => {
  const violations: Violation[] = [];
  const verified = new Map<string, string>();
  for (const { requestId, replyDigest } of verifiedChanges(observation)) {
    if (verified.has(requestId))
      violations.push({ invariant: "I4", detail: `request ${requestId} has two verified changes` });
    verified.set(requestId, replyDigest);
  }
  const asked = new Set<string | undefined>(observation.operations.map(({ requestId }) => requestId));
  for (const { requestId, record } of verifiedChanges(observation)) {
    if (!asked.has(requestId) && record?.ticket.body.operation !== "genesis")
      violations.push({ invariant: "I2", detail: `request ${requestId} is verified, and nobody made it` });
  }
  for (const requestId of closedRequests(observation)) {
    if (verified.has(requestId))
      violations.push({ invariant: "I4", detail: `request ${requestId} is closed and verified` });
  }
  const answers = new Map<string, string>();
  for (const operation of observation.operations) {
    const { requestId, status, replyText } = operation;
    if (requestId === undefined || status === undefined || replyText === undefined) continue;
    // A read may be made again after its decided reply was lost with the members' memories; I6 holds for it all the same.
    if (operation.operation === "read") continue;
    const told = observation.digestReply(status, replyText);
    violations.push(...checkAnswer(operation, requestId, told, verified, answers));
  }
  for (const requestId of observation.executionsAfterRejection) {
    violations.push({ invariant: "I10", detail: `quarantined request ${requestId} was executed again` });
  }
  return violations;
};

function closedRequests({ decisions }: Observation): Set<string> {
  const closed = new Set<string>();
  for (const stream of decisions.values()) {
    for (const decision of stream.flatMap((slot) => slot.decisions))
      if (decision.kind === "closed") closed.add(decision.requestId);
  }
  return closed;
}

/** `answers` collects what was told about each request id. */
function checkAnswer(
  { operation, status }: ClientOperation,
  requestId: string,
  told: string,
  verified: ReadonlyMap<string, string>,
  answers: Map<string, string>,
): Violation[] {
  const violations: Violation[] = [];
  const outcome = verified.get(requestId);
  if (status === 200 || status === 422) {
    if (outcome === undefined) {
      const detail = `reply to ${operation} ${requestId} left, but no verified change remains`;
      violations.push({ invariant: "I3", detail });
    } else if (outcome !== told)
      violations.push({ invariant: "I4", detail: `reply to ${requestId} differs from the verified one` });
    const before = answers.get(requestId);
    if (before !== undefined && before !== told)
      violations.push({ invariant: "I4", detail: `two different replies to ${requestId}` });
    answers.set(requestId, told);
  }
  if (status === 403 && outcome !== undefined)
    violations.push({ invariant: "I4", detail: `request ${requestId} was rejected and has a verified change` });
  if (operation === "plunder" && (status === 200 || outcome !== undefined))
    violations.push({ invariant: "I2", detail: `malformed request ${requestId} was accepted` });
  return violations;
}

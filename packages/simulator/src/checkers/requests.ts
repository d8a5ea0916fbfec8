/**
 * I2, I3, I4, I10 from outside: an answered request has exactly one outcome, the answer is that outcome, and a rejected
 * one has no effect.
 */
import { type Checker, type Violation, verifiedChanges } from "../observation.ts";

export const checkRequests: Checker = (observation) => {
  const violations: Violation[] = [];
  const verified = new Map<string, { digest: string; replyDigest: string }>();
  for (const change of verifiedChanges(observation)) {
    if (verified.has(change.requestId)) {
      violations.push({ invariant: "I4", detail: `request ${change.requestId} has two verified changes` });
    }
    verified.set(change.requestId, change);
  }
  const closed = new Set<string>();
  for (const stream of observation.decisions.values()) {
    for (const { decisions } of stream)
      for (const decision of decisions) if (decision.kind === "closed") closed.add(decision.requestId);
  }
  for (const requestId of closed) {
    if (verified.has(requestId))
      violations.push({ invariant: "I4", detail: `request ${requestId} is closed and verified` });
  }
  const answered = new Map<string, string>();
  for (const operation of observation.operations) {
    const { requestId, status, replyText } = operation;
    if (requestId === undefined || status === undefined || replyText === undefined) continue;
    if (operation.operation === "read") continue;
    if (status === 200 || status === 422) {
      const outcome = verified.get(requestId);
      const told = observation.digestReply(status, replyText);
      if (!outcome)
        violations.push({
          invariant: "I3",
          detail: `reply to ${operation.operation} ${requestId} left, but no verified change remains`,
        });
      else if (outcome.replyDigest !== told)
        violations.push({ invariant: "I4", detail: `reply to ${requestId} differs from the verified one` });
      const before = answered.get(requestId);
      if (before !== undefined && before !== told)
        violations.push({ invariant: "I4", detail: `two different replies to ${requestId}` });
      answered.set(requestId, told);
    }
    if (status === 403 && verified.has(requestId)) {
      violations.push({ invariant: "I4", detail: `request ${requestId} was rejected and has a verified change` });
    }
    if (operation.operation === "plunder" && (status === 200 || verified.has(requestId))) {
      violations.push({ invariant: "I2", detail: `malformed request ${requestId} was accepted` });
    }
  }
  for (const requestId of observation.executionsAfterRejection) {
    violations.push({ invariant: "I10", detail: `quarantined request ${requestId} was executed again` });
  }
  return violations;
};

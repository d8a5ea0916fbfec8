/**
 * Definite rejections (docs/PROTOCOL.md §5, I4): a request that was executed is told 403 only after the masters have closed
 * it, and they close it only when t+1 members of its home cluster have durably refused it for ever: of these at most the
 * faulty ones may only have said so.
 */
import type { Checker, Violation } from "../observation.ts";

export const checkClosings: Checker = ({ rejections, closings, faultyReplicas }) => {
  const violations: Violation[] = [];
  for (const { requestId, at, closed } of rejections) {
    if (!closed)
      violations.push({
        invariant: "I4",
        detail: `${requestId} was rejected at ${at.toFixed(1)} ms and is not closed`,
      });
  }
  for (const { requestId, fencedBy, faultsTolerated } of closings) {
    const needed = faultsTolerated + 1 - faultyReplicas.size;
    const fences = [...fencedBy].filter((replica) => !faultyReplicas.has(replica)).length;
    if (fences < needed)
      violations.push({ invariant: "I4", detail: `${requestId} is closed with ${fences} fences of correct members` });
  }
  return violations;
};

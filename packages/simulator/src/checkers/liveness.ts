/** After the faults are healed every request gets its answer: no honest client is left waiting or wrongly rejected. */
import type { Checker, Violation } from "../observation.ts";

export const checkLiveness: Checker = ({ operations, mayFrame = false }) => {
  const violations: Violation[] = [];
  for (const operation of operations) {
    const about = `operation ${operation.id} (${operation.operation} by ${operation.client})`;
    if (operation.completedAt === undefined)
      violations.push({ invariant: "liveness", detail: `${about} was never answered` });
    else if (operation.operation === "plunder" || operation.operation === "crash") {
      if (operation.status !== 403)
        violations.push({ invariant: "I2", detail: `${about} ended with ${operation.status}, 403 expected` });
    } else if (operation.operation === "bet") {
      if (operation.status !== 200 && operation.status !== 403)
        violations.push({ invariant: "I2", detail: `${about} ended with ${operation.status}, 200 or 403 expected` });
    } else if (operation.client.startsWith("honest") && operation.status !== 200 && operation.status !== 422) {
      if (mayFrame && operation.status === 403) continue;
      violations.push({ invariant: "bystander", detail: `${about} ended with ${operation.status}` });
    }
  }
  return violations;
};

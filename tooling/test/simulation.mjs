/**
 * Judges a run of the simulator: no invariant violated, and every kind of fault really happened, since a simulation
 * without faults passes whatever the code does.
 */
import { lastJson } from "./count.mjs";

/** @typedef {import("./count.mjs").Count} Count */

export const expectedFaults = [
  ...["crashes", "restarts", "powerCuts", "lostTails", "bitFlips", "wipes", "freezes", "clockJumps"],
  ...["partitions", "oneWayPartitions", "loss", "reordering", "duplication", "epochChanges", "leaseMoves"],
];

/**
 * @param {string} output of `redoubt simulate --json`
 * @param {number} code its exit code
 * @param {string} [reason] why it was ended, when it was
 * @returns {Count} one test for the invariants and one for each kind of fault
 */
export function countSimulation(output, code, reason) {
  const report = lastJson(output);
  if (reason !== undefined || report === undefined || !Array.isArray(report.violations)) {
    return { passed: 0, failed: 1, reason: reason ?? `ended with code ${code} and without a report` };
  }
  const faults = /** @type {Record<string, number>} */ (report.faults ?? {});
  const missing = expectedFaults.filter((kind) => !((faults[kind] ?? 0) > 0));
  const isViolated = report.violations.length > 0 || code !== 0;
  const failed = missing.length + (isViolated ? 1 : 0);
  const passed = expectedFaults.length + 1 - failed;
  if (failed === 0) return { passed, failed };
  const seeds = report.violations.map((/** @type {{ seed?: unknown }} */ { seed }) => String(seed)).slice(0, 5);
  const why = isViolated ? `${report.violations.length} violations (seeds ${seeds.join(", ")}), exit code ${code}` : "";
  const never = missing.length > 0 ? `never happened: ${missing.join(", ")}` : "";
  return { passed, failed, reason: [why, never].filter((text) => text !== "").join("; ") };
}

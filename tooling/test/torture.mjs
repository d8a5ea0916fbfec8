/** Judges a run of `npm run torture`. */
import { lastJson } from "./count.mjs";

/** @typedef {import("./count.mjs").Count} Count */

/**
 * @param {string} output of `torture --json`
 * @param {number} code its exit code
 * @param {string} [reason] why it was ended, when it was
 * @returns {Count} one test for every cycle that was survived, and one for the history of replies
 */
export function countTorture(output, code, reason) {
  const report = lastJson(output);
  const cycles = typeof report?.cycles === "number" ? report.cycles : 0;
  const problem = reason ?? problemOf(report, code);
  if (problem === undefined && cycles > 0) return { passed: cycles + 1, failed: 0 };
  return { passed: cycles, failed: 1, reason: problem ?? "ran no cycle" };
}

/**
 * @param {Record<string, unknown> | undefined} report
 * @param {number} code
 * @returns {string | undefined}
 */
function problemOf(report, code) {
  if (report === undefined) return `ended with code ${code} and without a report`;
  if (typeof report.error === "string") return `${report.error} (seed ${report.seed})`;
  const { lost, doubled, serializable, unanswered, harmed, seed } = report;
  const isRight = lost === 0 && doubled === 0 && serializable === true && unanswered === 0 && harmed === 0;
  if (isRight && code === 0) return undefined;
  return `${lost} lost, ${doubled} doubled, serializable ${serializable}, ${unanswered} unanswered, ${harmed} harmed, exit code ${code} (seed ${seed})`;
}

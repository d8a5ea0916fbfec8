/**
 * Reads the counts of the browser tests off Playwright's JSON report. A flaky test and a skipped one count as failed.
 */

/** @typedef {import("./count.mjs").Count} Count */

/**
 * @param {string} report the JSON report; empty when there is none
 * @param {number} code exit code of Playwright
 * @param {string} [reason] why it was ended, when it was
 * @returns {Count}
 */
export function countPlaywright(report, code, reason) {
  const stats = readStats(report);
  if (stats === undefined)
    return { passed: 0, failed: 1, reason: reason ?? `Playwright ended with code ${code}, without a report` };
  const passed = stats.expected;
  const failed = stats.unexpected + stats.flaky + stats.skipped;
  if (failed > 0) return { passed, failed };
  if (code !== 0) return { passed, failed: 1, reason: reason ?? `Playwright ended with code ${code}` };
  return passed === 0 ? { passed, failed: 1, reason: "ran no test" } : { passed, failed };
}

/**
 * @param {string} report
 * @returns {{ expected: number, unexpected: number, flaky: number, skipped: number } | undefined}
 */
function readStats(report) {
  try {
    return JSON.parse(report).stats;
  } catch {
    return undefined;
  }
}

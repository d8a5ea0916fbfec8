/**
 * Runs the unit tests and counts them. A test that was skipped counts as failed: nothing here may be skipped.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runGroup } from "../test/process-group.mjs";

/** @typedef {import("../test/count.mjs").Count} Count */

/**
 * @typedef {object} VitestReport the parts read of vitest's JSON report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ status: string, assertionResults: unknown[] }[]} testResults
 */

/**
 * @param {VitestReport} report
 * @returns {Count} a file that could not even be loaded counts as one failed test
 */
export function countVitest(report) {
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numPendingTests + report.numTodoTests + brokenFiles,
  };
}

/**
 * @param {{ args: string[], limitMs: number }} options arguments for vitest, and when to give up
 * @returns {Promise<Count>}
 */
export async function runUnitTests(options) {
  const folder = mkdtempSync(join(tmpdir(), "redoubt-unit-"));
  const reportPath = join(folder, "report.json");
  try {
    const args = ["node_modules/vitest/vitest.mjs", "run", "--reporter=default", "--reporter=json"];
    const { code, reason } = await runGroup(
      process.execPath,
      [...args, `--outputFile.json=${reportPath}`, ...options.args],
      {
        limitMs: options.limitMs,
      },
    );
    const count = readCount(reportPath);
    if (count === undefined) return { passed: 0, failed: 1, reason: reason ?? "vitest left no report" };
    return code !== 0 && count.failed === 0 ? { ...count, failed: 1, reason: reason ?? "vitest failed" } : count;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} path
 * @returns {Count | undefined}
 */
function readCount(path) {
  try {
    return countVitest(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

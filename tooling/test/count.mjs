/**
 * What a part of the test suite says about itself, and how the parts add up.
 */

/**
 * @typedef {object} Count
 * @property {number} passed
 * @property {number} failed
 * @property {string} [reason] one line on why it failed, when the output does not say
 */

/**
 * @param {Count[]} counts
 * @returns {{ passed: number, failed: number }}
 */
export function sum(counts) {
  return {
    passed: counts.reduce((total, { passed }) => total + passed, 0),
    failed: counts.reduce((total, { failed }) => total + failed, 0),
  };
}

/**
 * Reads the count off a program that ends with one line of JSON `{"passed": N, "failed": N}`. A program that says
 * nothing, ran nothing, or failed without counting a failure has failed once.
 * @param {string} output everything it printed on standard output
 * @param {number} code its exit code
 * @param {string} [reason] why it was ended, when it was
 * @returns {Count}
 */
export function countFromLastLine(output, code, reason) {
  const last = lastJson(output);
  const passed = toCount(last?.passed);
  const failed = toCount(last?.failed);
  if (passed === undefined || failed === undefined) {
    return {
      passed: 0,
      failed: 1,
      reason: reason ?? `ended with code ${code} and without a line of JSON with its counts`,
    };
  }
  if (code !== 0 && failed === 0) return { passed, failed: 1, reason: reason ?? `ended with code ${code}` };
  if (passed + failed === 0) return { passed: 0, failed: 1, reason: "ran no test" };
  return reason === undefined ? { passed, failed } : { passed, failed: failed + 1, reason };
}

/**
 * @param {string} output
 * @returns {Record<string, unknown> | undefined} the object on the last line that is not empty
 */
export function lastJson(output) {
  const line = output.trimEnd().split("\n").at(-1) ?? "";
  try {
    const value = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @param {unknown} value */
function toCount(value) {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}

/**
 * `npm run check` and its parts: `check.mjs [lint|types|unit] [--json] [arguments for vitest]`. Everything runs even when
 * something failed, so that one run tells all. Ends with `N passed, N failed`, or with that as JSON.
 */

import { sum } from "../test/count.mjs";
import { runStep, steps } from "./steps.mjs";
import { runUnitTests } from "./unit.mjs";

/** @typedef {import("../test/count.mjs").Count} Count */

const unitLimitMs = 10 * 60_000;

/**
 * @param {string | undefined} group absent = all of them
 * @returns {Promise<Count>}
 */
export async function runSteps(group) {
  const chosen = steps.filter((step) => group === undefined || step.group === group);
  let failed = 0;
  for (const step of chosen) {
    const result = await runStep(step);
    process.stderr.write(`${result.isGood ? "ok    " : "FAILED"} ${result.name} (${result.seconds.toFixed(1)} s)\n`);
    if (result.isGood) continue;
    failed += 1;
    process.stderr.write(result.output);
  }
  return { passed: chosen.length - failed, failed };
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
export async function check(args) {
  const isJson = args.includes("--json");
  const rest = args.filter((arg) => arg !== "--json");
  const group = ["lint", "types", "unit"].includes(rest[0] ?? "") ? rest.shift() : undefined;
  if (group !== "unit" && rest.length > 0) {
    process.stderr.write(`unknown: ${rest.join(" ")}; known are lint, types, unit and --json\n`);
    return 2;
  }
  /** @type {Count[]} */
  const counts = [];
  if (group !== "unit") counts.push(await runSteps(group));
  if (group === undefined || group === "unit") counts.push(await runUnitTests({ args: rest, limitMs: unitLimitMs }));
  for (const { reason } of counts) if (reason !== undefined) process.stderr.write(`FAILED ${reason}\n`);
  const total = sum(counts);
  process.stdout.write(isJson ? `${JSON.stringify(total)}\n` : `${total.passed} passed, ${total.failed} failed\n`);
  return total.failed === 0 ? 0 : 1;
}

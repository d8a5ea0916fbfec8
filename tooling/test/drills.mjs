/**
 * `npm run drills -- [names]`: brings up a cluster of its own, orders one drill after the other and judges what each
 * reports: detected or survived, no wrong reply released, no bystander harmed. Ends with a line of JSON with the counts.
 */
import { parseArgs } from "node:util";
import { redoubt, startCluster } from "../setup/redoubt.mjs";
import { lastJson } from "./count.mjs";

const usualDrills = ["A1", "A2", "A4", "A12", "F1", "F2", "F3"];
const startLimitMs = 5 * 60_000;
const drillLimitMs = 3 * 60_000;
const stopLimitMs = 60_000;

/**
 * @param {Record<string, unknown> | undefined} report of one drill
 * @returns {string | undefined} what is wrong with it
 */
export function judgeDrill(report) {
  if (report === undefined) return "left no report";
  if (report.detected !== true) return "not detected";
  if (report.wrongReplyReleased !== 0) return `${report.wrongReplyReleased} wrong replies released`;
  return report.bystandersHarmed === 0 ? undefined : `${report.bystandersHarmed} bystanders harmed`;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { data: { type: "string" }, "port-base": { type: "string" }, json: { type: "boolean" } },
  });
  const place = ["--data", values.data ?? ""];
  const names = positionals.length === 0 ? usualDrills : positionals;
  const results = [];
  try {
    await startCluster([...place, "--port-base", values["port-base"] ?? ""], startLimitMs);
    for (const name of names) {
      const { code, output, reason } = await redoubt(["drill", name, ...place], drillLimitMs);
      const problem = reason ?? judgeDrill(lastJson(output)) ?? (code === 0 ? undefined : `ended with code ${code}`);
      process.stderr.write(`drill ${name}: ${problem ?? "passed"}\n`);
      results.push({ drill: name, ...(problem === undefined ? {} : { problem }) });
    }
  } finally {
    await redoubt(["down", ...place], stopLimitMs);
  }
  const failed = results.filter(({ problem }) => problem !== undefined).length;
  process.stdout.write(`${JSON.stringify({ passed: results.length - failed, failed, drills: results })}\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();

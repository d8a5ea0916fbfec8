/**
 * `npm run drills -- [names] [--write]`: brings up a cluster of its own, orders all drills (or those named) in one run and judges
 * what each reports. `--write` makes docs/DRILLS.md of it. Ends with a line of JSON with the counts.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { drillsPage, summarize } from "../docs/drills-page.mjs";
import { redoubt, startCluster } from "../setup/redoubt.mjs";
import { lastJson } from "./count.mjs";

const startLimitMs = 5 * 60_000;
const drillLimitMs = 20 * 60_000;
const stopLimitMs = 60_000;
const page = new URL("../../docs/DRILLS.md", import.meta.url);

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: "string" },
      "port-base": { type: "string" },
      json: { type: "boolean" },
      write: { type: "boolean" },
    },
  });
  const place = ["--data", values.data ?? ""];
  /** @type {import("../docs/drills-page.mjs").DrillReport[]} */
  let drills = [];
  /** @type {string | undefined} */
  let reason;
  try {
    await startCluster(
      [...place, "--port-base", values["port-base"] ?? "", "--degree", "execution-server=4"],
      startLimitMs,
    );
    const names = positionals.length === 0 ? "all" : positionals.join(",");
    const ended = await redoubt(["drill", names, ...place], drillLimitMs);
    reason = ended.reason;
    const last = lastJson(ended.output);
    drills = /** @type {typeof drills} */ (last?.drills ?? (last?.drill === undefined ? [] : [last]));
  } finally {
    await redoubt(["down", ...place], stopLimitMs);
  }
  for (const { drill, verdict, by } of drills) process.stderr.write(`drill ${drill}: ${verdict} (${by ?? "–"})\n`);
  if (values.write && drills.length > 0) writeFileSync(page, drillsPage(drills));
  const { failed, ...counts } = summarize(drills);
  const problem = reason ?? (drills.length === 0 ? "no drill reported" : undefined);
  const passed = drills.length - failed;
  process.stdout.write(`${JSON.stringify({ passed, failed, ...counts, ...(problem ? { problem } : {}) })}\n`);
  process.exitCode = failed === 0 && problem === undefined ? 0 : 1;
}

await main();

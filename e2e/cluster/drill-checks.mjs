/** Drills of the running cluster, as the `redoubt` command reports them. */
import { strict as assert } from "node:assert";
import { redoubtJson } from "./place.mjs";

const DRILL_LIMIT_SECONDS = 20;
const FIELDS = [
  ...["drill", "title", "detected", "by", "detectedInMs", "containedInMs"],
  ...["wrongReplyReleased", "bystandersHarmed", "evidence", "requests", "verdict"],
];

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {string[]} names
 */
export async function checkDrills(checks, place, names) {
  for (const name of names) {
    await checks.check(`drill ${name}: detected or survived, nothing wrong released, nobody harmed`, async () => {
      const { value, code, seconds } = await redoubtJson(place, ["drill", name], { limitMs: 60_000, mayFail: true });
      const report = JSON.stringify(value);
      assert.deepEqual(Object.keys(value).sort(), [...FIELDS].sort());
      assert.equal(value.drill, name);
      assert.equal(value.detected, true, report);
      assert.equal(value.wrongReplyReleased, 0, report);
      assert.equal(value.bystandersHarmed, 0, report);
      assert.equal(code, 0, report);
      assert.ok(seconds <= DRILL_LIMIT_SECONDS, `${seconds.toFixed(1)} s, at most ${DRILL_LIMIT_SECONDS} expected`);
      return `detected in ${value.detectedInMs} ms by ${value.by}, contained in ${value.containedInMs} ms`;
    });
  }
}

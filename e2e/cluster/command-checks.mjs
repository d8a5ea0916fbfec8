/** The `redoubt` command itself: what it reads is one line of JSON, what it changes is done when it returns. */
import { strict as assert } from "node:assert";
import { serversOf, status } from "./cluster.mjs";
import { redoubt, redoubtJson } from "./place.mjs";

const DEGREE_LIMIT_MS = 180_000;

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {string} requestId of a request that was answered
 */
export async function checkCommands(checks, place, requestId) {
  const reads = [
    ["nodes"],
    ["client", "list"],
    ["quarantine", "list"],
    ["hosts"],
    ["signatures"],
    ["incidents"],
    ["log", "L1"],
    ["log", "L2", "--limit", "5"],
    ["log", "L3"],
    ["request", "show", requestId],
    ["request", "show", requestId.slice(0, 16)],
    ["state", "list"],
    ["state", "list", "account/1", "--limit", "3"],
    ["state", "list", "--request", requestId],
    ["state", "list", "--server", "execution-server-1", "--from", "2020-01-01T00:00Z"],
    ["placement"],
    ["masters", "status"],
    ["degree", "get"],
    ["audit", "verify"],
    ["drill", "list"],
  ];
  await checks.check("every reading command prints one line of JSON", async () => {
    for (const args of reads) await redoubtJson(place, args);
    return `${reads.length} commands`;
  });
  await checks.check("the evidence on a quarantined request is shown", async () => {
    const [{ requestId: quarantined }] = (await redoubtJson(place, ["quarantine", "list"])).value;
    const { value } = await redoubtJson(place, ["quarantine", "show", quarantined]);
    assert.equal(value.requestId, quarantined);
    assert.notEqual(value.verdict.sentence, "");
    assert.notEqual(value.replay, null, "a shadow run is shown");
  });
  await checks.check("a wrong flag exits with 2, a refusal with 1", async () => {
    assert.equal((await redoubt(["status", "--no-such-flag"], 10_000)).code, 2);
    assert.equal((await redoubt(["drill", "Z1", "--data", place.data], 10_000)).code, 2);
    assert.equal((await redoubt(["status", "--data", `${place.data}/nowhere`], 10_000)).code, 1);
    const again = ["up", "--detach", "--data", place.data, "--port-base", String(place.portBase)];
    assert.equal((await redoubt(again, 60_000)).code, 1, "a second up on the same data");
  });
  for (const count of [5, 3]) {
    await checks.check(`degree apply execution-server --count ${count} returns when live = wanted`, async () => {
      const args = ["degree", "apply", "execution-server", "--count", String(count)];
      const { seconds } = await redoubtJson(place, args, { limitMs: DEGREE_LIMIT_MS });
      const state = await status(place);
      const { wanted, live } = state.degrees["execution-server"];
      assert.deepEqual({ wanted, live }, { wanted: count, live: count });
      assert.equal(serversOf(state).filter(({ component }) => component === "execution-server").length, count);
      return `${seconds.toFixed(1)} s`;
    });
  }
}

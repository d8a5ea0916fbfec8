/**
 * Every execution server is captured and replies wrongly to one client, at the first attempt of each of its requests
 * (REQUIREMENTS A1, A31, U4): each attack convicts its server, the client is served in the end, and never blocked.
 */
import { strict as assert } from "node:assert";
import { callUntilAnswered } from "./http.mjs";
import { redoubtJson, until } from "./place.mjs";
import { newCaller } from "./poison-check.mjs";
import { setScene, showRequest } from "./scenes.mjs";

const VICTIM = "victim";
const LIMIT_MS = 60_000;
/** Attacks at the same time: more would only wait for each other's workers. */
const LANES = 1;

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller a bystander
 * @param {number} attempts
 */
export async function checkOneClient(checks, place, caller, attempts) {
  await checks.check("every execution server is replaced by a captured one", () => setScene(place, "S2"));
  await checks.check(
    `${attempts} attacks on one client: served each time, blocked never, each attacker convicted`,
    async () => {
      const victim = await newCaller(place, caller, VICTIM);
      const startedAt = performance.now();
      let attacks = 0;
      let convicted = 0;
      let longestMs = 0;
      const counts = new Map();
      const lane = async (/** @type {number} */ counter) => {
        while (attacks < attempts) {
          attacks++;
          const askedAt = performance.now();
          const reply = await callUntilAnswered(victim, "add", { counter, amount: 1 }, { deadlineMs: LIMIT_MS });
          longestMs = Math.max(longestMs, performance.now() - askedAt);
          assert.equal(reply.status, 200, reply.text);
          const before = counts.get(counter);
          if (before !== undefined) assert.equal(reply.json.count, before + 1, "each request takes effect once");
          counts.set(counter, reply.json.count);
          if (await isConvicted(place, /** @type {string} */ (reply.headers["redoubt-request-id"]))) convicted++;
        }
      };
      await Promise.all(Array.from({ length: LANES }, (_, index) => lane(350 + index)));
      const seconds = (performance.now() - startedAt) / 1000;
      const { value } = await redoubtJson(place, ["quarantine", "list"]);
      assert.deepEqual(
        value.filter(({ client }) => client === VICTIM),
        [],
      );
      // An attack whose server another one's conviction ended first needs no verdict of its own.
      assert.ok(convicted >= attempts / 2, `${convicted} convictions in ${attempts} attacks`);
      const bystander = await callUntilAnswered(caller, "look", { counter: 1 }, { deadlineMs: LIMIT_MS });
      assert.equal(bystander.status, 200, bystander.text);
      return `${convicted} convictions, ${(seconds / attempts).toFixed(2)} s each, the longest ${(longestMs / 1000).toFixed(1)} s`;
    },
  );
}

/**
 * @param {import("./place.mjs").Place} place
 * @param {string} requestId
 */
const isConvicted = (place, requestId) =>
  until("what became of it", 10_000, async () => {
    const { attributions, log } = await showRequest(place, requestId);
    if (attributions.some(({ guilty }) => guilty === "execution-server")) return { convicted: true };
    return log === "L2" ? { convicted: false } : undefined;
  }).then(({ convicted }) => convicted);

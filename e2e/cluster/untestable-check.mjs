/**
 * An input on which the acceptance test itself does not end (REQUIREMENTS A36): the request is closed, nobody is blamed,
 * blocked or ended for it, and others are served meanwhile.
 */
import { strict as assert } from "node:assert";
import { call, callUntilAnswered } from "./http.mjs";
import { redoubtJson, until } from "./place.mjs";
import { newCaller } from "./poison-check.mjs";
import { newestEvents, showRequest } from "./scenes.mjs";

const CLIENT = "hangs-the-test";
/** Hours of computation. */
const ROUNDS = 1_000_000_000_000;
const OTHERS = 20;
const LIMIT_MS = 60_000;

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller
 */
export async function checkUntestable(checks, place, caller) {
  await checks.check("an input on which the acceptance test does not end is closed, others are served", async () => {
    const client = { ...(await newCaller(place, caller, CLIENT)), localAddress: "127.9.0.14" };
    const right = await callUntilAnswered(
      client,
      "check-slowly",
      { counter: 250, rounds: 1 },
      { deadlineMs: LIMIT_MS },
    );
    assert.equal(right.status, 200, right.text);
    const askedAt = Date.now();
    const withheld = untilWithheld(client);
    const others = await Promise.all(
      Array.from({ length: OTHERS }, (_, index) =>
        callUntilAnswered(caller, "add", { counter: 260 + index, amount: 1 }, { deadlineMs: LIMIT_MS }),
      ),
    );
    for (const reply of others) assert.equal(reply.status, 200, reply.text);
    const reply = await withheld;
    const closedAfter = Date.now() - askedAt;
    const requestId = /** @type {string} */ (reply.headers["redoubt-request-id"]);
    // The manager hears of it from the regulator, a moment after the client.
    const history = await until("its attribution", LIMIT_MS, async () => {
      const shown = await showRequest(place, requestId);
      return shown.attributions.length > 0 ? shown : undefined;
    });
    assert.equal(history.log, "L1");
    const { guilty, servers, check } = history.attributions.at(-1);
    assert.deepEqual([guilty, servers, check], ["acceptance-test", [], "acceptance-test-ended"]);
    const { value } = await redoubtJson(place, ["quarantine", "list"]);
    const [entry] = value.filter(({ client: who }) => who === CLIENT);
    assert.equal(entry?.operation, "check-slowly", JSON.stringify(value));
    const ended = (await newestEvents(place)).filter(
      ({ kind, at }) => ["server.discarded", "host.blocked"].includes(kind) && Date.parse(at) >= askedAt,
    );
    assert.deepEqual(ended, []);
    const still = await callUntilAnswered(client, "look", { counter: 250 }, { deadlineMs: LIMIT_MS });
    assert.deepEqual([still.status, still.json.count], [200, right.json.count]);
    return `closed after ${closedAfter} ms`;
  });
}

/** @param {import("./http.mjs").Caller} client */
const untilWithheld = (client) =>
  until("the definite answer", LIMIT_MS, async () => {
    const reply = await call(client, "check-slowly", { counter: 250, rounds: ROUNDS }, "never-tested");
    return reply.status === 503 && reply.json?.type?.endsWith("/withheld") ? reply : undefined;
  });

/**
 * An execution server floods the state replicas with requests that each look right: it is shut down within five seconds, and
 * the other clients wait less than three times as long as before (REQUIREMENTS R47, U48).
 */
import { strict as assert } from "node:assert";
import { serversOf, status } from "./cluster.mjs";
import { callUntilAnswered } from "./http.mjs";
import { pause, until } from "./place.mjs";
import { newCaller } from "./poison-check.mjs";
import { newestEvents } from "./scenes.mjs";

/** Long enough for a p99 of five hundred requests, of which the flood meets a few. */
const PERIOD_MS = 10_000;
const EVERY_MS = 20;
const SHUT_DOWN_MS = 5_000;
const FACTOR = 3;
const LIMIT_MS = 30_000;

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller
 */
export async function checkFlood(checks, place, caller) {
  await checks.check(`the lease holder floods over one request: shut down within ${SHUT_DOWN_MS} ms`, async () => {
    const flooding = { ...(await newCaller(place, caller, "floods")), localAddress: "127.9.0.14" };
    const askedAt = Date.now();
    const answer = callUntilAnswered(flooding, "flood", { counter: 397 }, { deadlineMs: LIMIT_MS });
    const [reply, shutDownMs] = await Promise.all([answer, shutDownAfter(place, askedAt)]);
    assert.equal(reply.status, 200, reply.text);
    return `shut down after ${shutDownMs} ms`;
  });
  await checks.check(
    `a spare floods: shut down within ${SHUT_DOWN_MS} ms, the clients' p99 below ${FACTOR} times what it was`,
    async () => {
      const first = await floodBySpare(place, caller);
      if (first.isBearable) return first.figures;
      // Five requests of five hundred make the p99: one that something else on the machine delayed is no finding, two of
      // three floods are.
      const more = [await floodBySpare(place, caller), await floodBySpare(place, caller)];
      const figures = [first, ...more].map((flood) => flood.figures).join("; ");
      assert.ok(
        more.every(({ isBearable }) => isBearable),
        figures,
      );
      return figures;
    },
  );
}

/**
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller
 * @returns {Promise<{ isBearable: boolean, figures: string }>}
 */
async function floodBySpare(place, caller) {
  const spare = await until("a spare that runs", 20_000, async () =>
    serversOf(await status(place)).find(
      ({ component, role, pid, state }) =>
        component === "execution-server" && role !== "lease holder" && pid !== null && state === "up",
    ),
  );
  await latencies(caller, PERIOD_MS / 2);
  const before = p99(await latencies(caller, PERIOD_MS));
  const load = latencies(caller, PERIOD_MS);
  const askedAt = Date.now();
  process.kill(/** @type {number} */ (spare.pid), "SIGUSR2");
  const [during, shutDownMs] = await Promise.all([load, shutDownAfter(place, askedAt)]);
  const worst = p99(during);
  return {
    isBearable: worst < FACTOR * before,
    figures: `shut down after ${shutDownMs} ms, p99 ${before.toFixed(0)} ms before, ${worst.toFixed(0)} ms during`,
  };
}

/**
 * @param {import("./place.mjs").Place} place
 * @param {number} since milliseconds since 1970
 * @returns {Promise<number>} milliseconds until a server was discarded for a flood
 */
async function shutDownAfter(place, since) {
  const event = await until("the flooder shut down", 20_000, async () =>
    (await newestEvents(place)).find(({ kind, at }) => kind === "server.discarded" && Date.parse(at) >= since),
  );
  assert.match(event.cause, /flood/);
  const shutDownMs = Date.parse(event.at) - since;
  assert.ok(shutDownMs <= SHUT_DOWN_MS, `${shutDownMs} ms`);
  return shutDownMs;
}

/**
 * Requests at a steady rate, whether the ones before are answered or not.
 * @param {import("./http.mjs").Caller} caller
 * @param {number} durationMs
 * @returns {Promise<number[]>} milliseconds, ascending
 */
async function latencies(caller, durationMs) {
  const asked = [];
  const until = performance.now() + durationMs;
  for (let index = 0; performance.now() < until; index++) {
    const startedAt = performance.now();
    const input = { counter: (index % 100) + 200, amount: 1 };
    asked.push(
      callUntilAnswered(caller, "add", input, { deadlineMs: LIMIT_MS }).then(() => performance.now() - startedAt),
    );
    await pause(EVERY_MS);
  }
  return (await Promise.all(asked)).sort((left, right) => left - right);
}

/** @param {number[]} ascending */
const p99 = (ascending) => /** @type {number} */ (ascending[Math.ceil(ascending.length * 0.99) - 1]);
